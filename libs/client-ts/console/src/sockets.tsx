import { type FormEvent, useEffect, useMemo, useState } from "react"
import { type Frame, type SocketState, change } from "./control.js"
import { clockTime, pretty, useControl, useFeed, useStack } from "./hooks.js"

/** The open sockets and their frames. */
export function Sockets() {
  const { frames, skippedFrames } = useFeed()
  const { nameOf, state, reload: reloadState } = useStack()
  const now = Date.now() + state.clockOffsetMs
  const { value, problem, reload } = useControl<{ items: SocketState[] }>("sockets", 5_000)
  const [selected, select] = useState("")
  const [text, setText] = useState("")
  const [said, say] = useState("")
  const sockets = value?.items ?? []
  const newest = frames.find(({ direction }) => direction === "opened" || direction === "closed")?.id
  // A connection that came or went is seen at once.
  useEffect(() => void reload(), [newest, reload])
  const shown = useMemo(
    () => frames.filter(frame => (selected === "" || frame.connectionId === selected) && frame.text.toLowerCase().includes(text.toLowerCase())).slice(0, 300),
    [frames, selected, text],
  )
  const ownerOf = (id: string) => nameOf(sockets.find(({ connectionId }) => connectionId === id)?.userId)
  const act = async (what: string, action: () => Promise<void>) => {
    try {
      await action()
      say(what)
    } catch (error) {
      say((error as Error).message)
    }
    await Promise.all([reload(), reloadState()])
  }
  const path = (id: string) => `sockets/${encodeURIComponent(id)}`
  return (
    <div className="columns">
      <section aria-label="Open sockets">
        <h2>Open sockets <b className="badge">{sockets.length}</b></h2>
        {problem ? <p role="alert">{problem}</p> : null}
        {sockets.length === 0 ? <p className="hint">No socket is open. The example app and the page People open some.</p> : null}
        <ul className="cards">
          {sockets.map(socket => (
            <li key={socket.connectionId} aria-current={socket.connectionId === selected}>
              <button className="link" onClick={() => select(selected === socket.connectionId ? "" : socket.connectionId)}><strong>{nameOf(socket.userId) || "nobody yet"}</strong> <code>{socket.connectionId}</code></button>
              <small>tab {socket.tabId ?? "not named"} · open for {span(now - Date.parse(socket.connectedAt))} · last frame {span(now - Date.parse(socket.lastActiveAt))} ago · {token(socket, now)}</small>
              <p className="actions">
                <button onClick={() => void act("Its token has expired: the next frame is refused.", () => change("POST", `${path(socket.connectionId)}/expire`))}>Expire its token</button>
                <button onClick={() => void act("Closed with a close frame.", () => change("DELETE", path(socket.connectionId)))}>Close</button>
                <button onClick={() => void act("Cut without a close frame.", () => change("POST", `${path(socket.connectionId)}/cut`))}>Cut</button>
              </p>
            </li>
          ))}
        </ul>
        <p role="status">{said}</p>
        <SendFrame connection={selected || sockets[0]?.connectionId} owner={ownerOf(selected || (sockets[0]?.connectionId ?? ""))} act={act} />
      </section>
      <section aria-label="Frames">
        <h2>Frames</h2>
        <div className="filters">
          <label>Socket <select value={selected} onChange={event => select(event.target.value)}>
            <option value="">all</option>
            {selected !== "" && !sockets.some(({ connectionId }) => connectionId === selected) ? <option value={selected}>{selected} (closed)</option> : null}
            {sockets.map(({ connectionId, userId }) => <option key={connectionId} value={connectionId}>{nameOf(userId)} {connectionId}</option>)}
          </select></label>
          <label className="grow">Search <input type="search" value={text} onChange={event => setText(event.target.value)} placeholder="text of a frame" /></label>
        </div>
        {skippedFrames > 0 ? <p className="hint">{skippedFrames.toLocaleString()} frames came too fast for this list and are not in it.</p> : null}
        {shown.length === 0 ? <p className="hint">No frame.</p> : null}
        <ul className="frames">{shown.map(frame => <FrameEntry key={frame.id} frame={frame} owner={ownerOf(frame.connectionId)} />)}</ul>
      </section>
    </div>
  )
}

const ARROWS = { fromClient: "→ from", toClient: "← to", opened: "● opened by", closed: "○ closed:" } as const

function FrameEntry({ frame, owner }: { frame: Frame; owner: string }) {
  const action = /"(?:action|type)":"([^"]+)"/.exec(frame.text)?.[1] ?? ""
  return (
    <li className={frame.direction}>
      <details>
        <summary><time>{clockTime(frame.at)}</time> {ARROWS[frame.direction]} {owner || frame.connectionId} <strong>{frame.direction === "closed" ? frame.text : action}</strong></summary>
        <pre tabIndex={0} aria-label="The frame">{pretty(frame.text) || "(no text)"}</pre>
        {frame.eventId ? <small>sent by request {frame.eventId}</small> : null}
      </details>
    </li>
  )
}

/** Hours, minutes and seconds. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const two = (count: number) => String(count).padStart(2, "0")
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** How long the token is good, by the stack's clock. */
function token({ tokenExpiresAt, toldExpiredAt }: SocketState, now: number): string {
  if (!tokenExpiresAt) return "token not known"
  if (toldExpiredAt) return "told that its token has expired"
  const left = Date.parse(tokenExpiresAt) - now
  return left > 0 ? `token for ${span(left)} more` : "token has expired"
}

function SendFrame({ connection, owner, act }: { connection: string | undefined; owner: string; act: (what: string, action: () => Promise<void>) => Promise<void> }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const direction = String(form.get("direction"))
    const done = direction === "toClient" ? "Posted to the client." : "Handled as if the client had sent it."
    void act(done, () => change("POST", `sockets/${encodeURIComponent(connection ?? "")}/frames`, { direction, text: String(form.get("text")) }))
  }
  if (!connection) return null
  return (
    <form onSubmit={submit} className="stack" aria-label="Send a frame">
      <h3>Send a frame: {owner || connection}</h3>
      <label>Direction <select name="direction"><option value="fromClient">as the client, to the backend</option><option value="toClient">as the backend, to the client</option></select></label>
      <label>Frame <textarea name="text" rows={4} defaultValue='{"action": "ping", "ref": "1"}' spellCheck={false} /></label>
      <button>Send</button>
    </form>
  )
}
