import { memo, useDeferredValue, useEffect, useMemo, useState } from "react"
import { type Call, type EventDetail, type EventSummary, ControlError, change, read } from "./control.js"
import { type Stack, clockTime, pretty, useFeed, useStack } from "./hooks.js"

type StatusFilter = "all" | "good" | "refused" | "failed" | "running"

const isStatus: Record<StatusFilter, (status: number | null) => boolean> = {
  all: () => true,
  good: status => status !== null && status < 400,
  refused: status => status !== null && status >= 400 && status < 500,
  failed: status => status !== null && status >= 500,
  running: status => status === null,
}

const titleOf = ({ label, action }: EventSummary) => (action && !label.startsWith("$") && label !== action ? `${label} (${action})` : label)

/** The events that functions handled, the newest first. */
export function Requests() {
  const { events, skipped } = useFeed()
  const stack = useStack()
  const [name, setName] = useState("")
  const [status, setStatus] = useState<StatusFilter>("all")
  const [person, setPerson] = useState("")
  const [text, setText] = useState("")
  const [selected, select] = useState<number>()
  const deferred = useDeferredValue(events)
  const people = useMemo(() => [...new Set(events.flatMap(({ userId }) => (userId ? [userId] : [])))], [events])
  const shown = useMemo(
    () =>
      deferred.filter(
        event =>
          (name === "" || event.function === name) &&
          isStatus[status](event.status) &&
          (person === "" || event.userId === person) &&
          `${event.label} ${event.route} ${event.action} ${event.code}`.toLowerCase().includes(text.toLowerCase()),
      ),
    [deferred, name, status, person, text],
  )
  return (
    <div className={selected === undefined ? "split" : "split open"}>
      <section aria-label="Requests" className="list">
        <form className="filters" onSubmit={event => event.preventDefault()}>
          <label>Function <select value={name} onChange={event => setName(event.target.value)}>
            <option value="">all</option>
            {stack.state.functions.map(one => <option key={one.name}>{one.name}</option>)}
          </select></label>
          <label>Status <select value={status} onChange={event => setStatus(event.target.value as StatusFilter)}>
            <option value="all">all</option><option value="good">2xx, 3xx</option><option value="refused">4xx</option><option value="failed">5xx</option><option value="running">running</option>
          </select></label>
          <label>Person <select value={person} onChange={event => setPerson(event.target.value)}>
            <option value="">all</option>
            {people.map(id => <option key={id} value={id}>{stack.nameOf(id)}</option>)}
          </select></label>
          <label className="grow">Search <input type="search" value={text} onChange={event => setText(event.target.value)} placeholder="path, action or code" /></label>
        </form>
        {skipped > 0 ? <p className="hint">{skipped.toLocaleString()} requests came too fast for this list and are not in it.</p> : null}
        {shown.length === 0 ? <p className="hint">{events.length === 0 ? "No request yet. Everything that reaches a function appears here." : "No request fits the filters."}</p> : null}
        <div className="scroll" role="region" aria-label="List of requests" tabIndex={0}>
          <table>
            <thead><tr><th>Time</th><th>Request</th><th>Status</th><th className="number">ms</th><th className="number">Calls</th><th>Who</th></tr></thead>
            <tbody>{shown.map(event => <Row key={event.id} event={event} isSelected={event.id === selected} select={select} who={stack.nameOf(event.userId)} />)}</tbody>
          </table>
        </div>
      </section>
      {selected === undefined ? null : <Detail key={selected} id={selected} close={() => select(undefined)} stack={stack} />}
    </div>
  )
}

const Row = memo(function Row({ event, isSelected, select, who }: { event: EventSummary; isSelected: boolean; select: (id: number) => void; who: string }) {
  return (
    <tr aria-selected={isSelected} onClick={() => select(event.id)}>
      <td className="time">{clockTime(event.at)}</td>
      <td><button className="link" onClick={() => select(event.id)}>{titleOf(event)}</button> <small>{event.function}</small></td>
      <td><StatusBadge status={event.status} />{event.code ? <small> {event.code}</small> : null}</td>
      <td className="number">{event.ms?.toFixed(1) ?? "…"}{event.cold ? <abbr title="A sandbox was started for it"> cold</abbr> : null}</td>
      <td className="number" title={`${event.calls} calls of AWS in ${event.roundTrips} round trips`}>{event.calls ?? ""}{event.roundTrips ? ` / ${event.roundTrips}` : ""}</td>
      <td>{who}</td>
    </tr>
  )
})

export function StatusBadge({ status }: { status: number | null }) {
  const kind = status === null ? "running" : status < 400 ? "good" : status < 500 ? "refused" : "failed"
  return <b className={`badge ${kind}`}>{status ?? "running"}</b>
}

/** Everything about one event. It is read again until the function has finished. */
function Detail({ id, close, stack }: { id: number; close: () => void; stack: Stack }) {
  const [detail, setDetail] = useState<EventDetail>()
  const [problem, setProblem] = useState("")
  useEffect(() => {
    let isOver = false
    const load = async () => {
      try {
        const found = await read<EventDetail>(`events/${id}`)
        if (isOver) return
        setDetail(found)
        // Log lines come through a pipe, a little after the response.
        if (!found.isDone || found.lines.length === 0) timer = setTimeout(() => void load(), 500)
      } catch (error) {
        if (!isOver) setProblem(error instanceof ControlError && error.status === 404 ? "This request is too old: it is not kept any more." : String(error))
      }
    }
    let timer = setTimeout(() => void load(), 0)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [id])
  return (
    <section className="detail" aria-label="The request">
      <header>
        <h2>{detail ? titleOf(detail) : "…"}</h2>
        <button className="quiet" onClick={close} aria-label="Close the request">×</button>
      </header>
      {problem ? <p role="alert">{problem}</p> : null}
      {detail ? <Facts detail={detail} stack={stack} /> : null}
    </section>
  )
}

function Facts({ detail, stack }: { detail: EventDetail; stack: Stack }) {
  const calls = detail.allCalls ?? []
  const faults = calls.filter(call => call.fault)
  return (
    <>
      <p>
        <StatusBadge status={detail.status} /> {detail.code ?? ""} · {detail.function} · {detail.ms?.toFixed(1) ?? "…"} ms, {detail.cold ? "cold" : "warm"}
        {detail.waitedMs >= 1 ? `, of which ${detail.waitedMs.toFixed(1)} ms waiting for a sandbox` : ""} · {stack.nameOf(detail.userId) || "nobody signed in"}
      </p>
      {detail.error ? <p role="alert">The function gave no response: {detail.error}</p> : null}
      {faults.length > 0 ? <p role="alert">Faults that are switched on hit {faults.length} of its calls: {[...new Set(faults.map(call => `${call.action} ${call.fault}`))].join(", ")}.</p> : null}
      {detail.isCut ? <p className="hint">The event is too large to keep: its end is missing, so it cannot be copied or sent again.</p> : <Actions detail={detail} stack={stack} />}
      <h3>Calls of AWS</h3>
      {calls.length === 0 ? <p className="hint">None.</p> : <Waterfall calls={calls} ms={detail.ms ?? 0} />}
      <h3>Log</h3>
      {detail.lines.length === 0 ? <p className="hint">No line.</p> : <Lines lines={detail.lines} />}
      {detail.deliveries.length > 0 ? (
        <>
          <h3>Frames that it sent</h3>
          <ul className="plain">{detail.deliveries.map(frame => <li key={frame.id}><small>{clockTime(frame.at)} to {frame.connectionId}</small><pre tabIndex={0} aria-label="The frame">{pretty(frame.text)}</pre></li>)}</ul>
        </>
      ) : null}
      <h3>Answer</h3>
      <Json value={detail.answer} of="The answer" />
      <h3>Event</h3>
      <Json value={detail.event} of="The event" />
    </>
  )
}

/** JSON, and beside it a body that is JSON in a text. */
function Json({ value, of }: { value: unknown; of: string }) {
  const body = typeof value === "object" && value !== null && "body" in value ? value.body : undefined
  return (
    <>
      {typeof body === "string" && body !== "" ? <pre tabIndex={0} aria-label={`${of}: body`}>{pretty(body)}</pre> : null}
      <details><summary>{of} as AWS has it</summary><pre tabIndex={0} aria-label={of}>{pretty(value)}</pre></details>
    </>
  )
}

function Lines({ lines }: { lines: string[] }) {
  return (
    <ul className="plain">
      {lines.map((line, index) => {
        const level = /"level":"(\w+)"/.exec(line)?.[1]?.toLowerCase() ?? "info"
        return <li key={index} className={`line ${level}`}><pre tabIndex={0} aria-label="A log line">{line}</pre></li>
      })}
    </ul>
  )
}

const targetOf = ({ accesses, target }: Call) =>
  [...new Set(accesses.map(({ table, index }) => table.replace(/^mylg-[a-z]+-/, "") + (index ? ` by ${index}` : "")))].join(", ") || target || ""

/** Each call as a bar: when it began, and how long it took. The line is the response. */
function Waterfall({ calls, ms }: { calls: Call[]; ms: number }) {
  const end = Math.max(ms, ...calls.map(call => call.to), 1)
  const share = (at: number) => `${(100 * Math.max(0, at)) / end}%`
  return (
    <ol className="waterfall">
      {calls.map((call, index) => {
        const keys = [...new Set(call.accesses.flatMap(access => access.keys))]
        const cost = [call.read > 0 ? `${call.read} RRU` : "", call.write > 0 ? `${call.write} WRU` : ""].filter(Boolean).join(" ")
        return (
          <li key={index} className={call.fault ? "faulty" : call.status >= 400 ? "refused" : ""}>
            <span className="what"><strong>{call.action}</strong> {targetOf(call)} {call.error ? <em>{call.error}</em> : null}{call.fault ? <em> fault: {call.fault}</em> : null}</span>
            <span className="bar" aria-hidden="true"><i style={{ left: share(call.from), width: `max(2px, ${share(call.to - call.from)})` }} /><s style={{ left: share(ms) }} /></span>
            <small>{call.from.toFixed(1)} + {(call.to - call.from).toFixed(1)} ms {cost ? `· ${cost}` : ""} {call.afterResponse ? "· after the response" : ""}</small>
            {keys.length > 0 ? <small className="keys">{keys.slice(0, 8).join(" · ")}{keys.length > 8 ? ` · ${keys.length - 8} more` : ""}</small> : null}
          </li>
        )
      })}
    </ol>
  )
}

/** Headers that a gateway adds, or that browsers set themselves. */
const NOT_SENT = /^(host|content-length|connection|accept-encoding|x-forwarded-|sec-|origin|referer|user-agent|cookie)/

function sentHeaders(detail: EventDetail): [string, string][] {
  return Object.entries(detail.event.headers ?? {}).filter(([name]) => !NOT_SENT.test(name))
}

const bodyOf = ({ event }: EventDetail) => (event.body === undefined ? undefined : event.isBase64Encoded ? Uint8Array.from(atob(event.body), one => one.charCodeAt(0)) : event.body)
const pathOf = ({ event }: EventDetail) => encodeURI(event.rawPath ?? "").replace(/[?#]/g, encodeURIComponent) + (event.rawQueryString ? `?${event.rawQueryString}` : "")
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The request for a shell. */
export function asCurl(detail: EventDetail, http: string): string {
  const parts = [`curl -i -g -X ${quoted(detail.event.requestContext?.http?.method ?? "GET")} ${quoted(http + pathOf(detail))}`]
  for (const [name, value] of sentHeaders(detail)) parts.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (detail.event.cookies) parts.push(`-H ${quoted(`cookie: ${detail.event.cookies.join("; ")}`)}`)
  if (detail.event.body !== undefined) parts.push(detail.event.isBase64Encoded ? `--data-binary @<(echo ${detail.event.body} | base64 -d)` : `--data-raw ${quoted(detail.event.body)}`)
  return parts.join(" \\\n  ")
}

function Actions({ detail, stack }: { detail: EventDetail; stack: Stack }) {
  const [said, say] = useState("")
  const { state, emailOf } = stack
  const connection = detail.event.requestContext?.connectionId
  const isFrame = connection !== undefined && !detail.label.startsWith("$")
  if (connection !== undefined && !isFrame) return null
  const copy = async () => {
    await navigator.clipboard.writeText(asCurl(detail, state.http))
    say("Copied.")
  }
  const again = async () => {
    try {
      if (isFrame) {
        await change("POST", `sockets/${encodeURIComponent(connection)}/frames`, { direction: "fromClient", text: detail.event.body ?? "" })
        return say("Sent again: its reply goes to the same socket.")
      }
      const headers = Object.fromEntries(sentHeaders(detail))
      const email = emailOf(detail.userId)
      let who = ""
      // The token of then may have expired: the same person signs in again, if it is one of the stack's own.
      if (headers.authorization && email) {
        const body = JSON.stringify({ email, password: state.password })
        const login = await fetch(`${state.http}/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body })
        if (login.ok) {
          headers.authorization = `Bearer ${((await login.json()) as { accessToken: string }).accessToken}`
          who = ` as ${email}`
        } else who = " with the token of then"
      }
      const method = detail.event.requestContext?.http?.method ?? "GET"
      const response = await fetch(state.http + pathOf(detail), { method, headers, body: method === "GET" || method === "HEAD" ? undefined : bodyOf(detail) })
      say(`Sent again${who}: ${response.status}.${detail.event.cookies ? " A page cannot send the cookies of then: use curl for them." : ""}`)
    } catch (error) {
      say(`It could not be sent: ${(error as Error).message}`)
    }
  }
  return (
    <p className="actions">
      {isFrame ? null : <button onClick={() => void copy()}>Copy as curl</button>}
      <button onClick={() => void again()}>Send again</button>
      <span role="status">{said}</span>
    </p>
  )
}
