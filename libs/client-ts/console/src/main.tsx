import { useEffect, useMemo, useRef, useState } from "react"
import { createRoot } from "react-dom/client"
import { type StackState, change, hasToken } from "./control.js"
import { Data } from "./data.js"
import { Explorer } from "./explorer.js"
import { Faults, faultText } from "./faults.js"
import { Files } from "./files.js"
import { type Stack, StackContext, useControl, useFeed, useStack } from "./hooks.js"
import { Mails } from "./mails.js"
import { People } from "./people.js"
import { Requests } from "./requests.js"
import { Sockets } from "./sockets.js"
import "./style.css"

const VIEWS = { requests: Requests, sockets: Sockets, people: People, data: Data, mail: Mails, files: Files, faults: Faults, explorer: Explorer } as const
const NAMES: Record<keyof typeof VIEWS, string> = {
  requests: "Requests", sockets: "Sockets", people: "People", data: "Data", mail: "Mail", files: "Files", faults: "Faults and time", explorer: "Explorer",
}
type ViewName = keyof typeof VIEWS

const viewOfAddress = (): ViewName => {
  const name = location.hash.slice(1)
  return name in VIEWS ? (name as ViewName) : "requests"
}

interface UserItem {
  type: string
  item: Record<string, { S?: string }>
}

function Console() {
  const { value: state, problem, reload } = useControl<StackState>("state", 2_000)
  const { value: users, reload: reloadUsers } = useControl<{ items: UserItem[] }>("tables/auth/items?type=user")
  const stack = useMemo<Stack | undefined>(() => {
    if (!state) return undefined
    const people = new Map(
      (users?.items ?? []).map(({ item }) => [
        item.userId?.S ?? item.pk?.S?.slice("USER#".length),
        { name: [item.firstName?.S, item.lastName?.S].filter(Boolean).join(" ") || (item.email?.S ?? ""), email: item.email?.S },
      ]),
    )
    return { state, reload, nameOf: id => people.get(id ?? "")?.name ?? id ?? "", emailOf: id => people.get(id ?? "")?.email }
  }, [state, users, reload])
  // The people are read again when somebody new appears: reading them scans a table.
  const { events } = useFeed()
  const known = users?.items.length
  const asked = useRef(new Set<string>())
  useEffect(() => {
    const strangers = events.flatMap(({ userId }) => (userId && stack?.nameOf(userId) === userId && !asked.current.has(userId) ? [userId] : []))
    if (known === undefined || strangers.length === 0) return
    for (const userId of strangers) asked.current.add(userId)
    void reloadUsers()
  }, [events, stack, known, reloadUsers])
  const [view, setView] = useState(viewOfAddress)
  useEffect(() => {
    const changed = () => setView(viewOfAddress())
    addEventListener("hashchange", changed)
    return () => removeEventListener("hashchange", changed)
  }, [])
  useEffect(() => void (document.title = `${NAMES[view]} · MYLG console`), [view])
  if (!stack) return <Outside problem={problem} />
  const View = VIEWS[view]
  return (
    <StackContext value={stack}>
      <header className="top">
        <a className="skip" href="#content" onClick={event => (event.preventDefault(), document.getElementById("content")?.focus())}>Skip to the content</a>
        <h1>MYLG <span>console</span></h1>
        <nav aria-label="Views">
          {(Object.keys(VIEWS) as ViewName[]).map(name => (
            <a key={name} href={`#${name}`} aria-current={name === view ? "page" : undefined}>{NAMES[name]}</a>
          ))}
        </nav>
        <FeedStatus />
      </header>
      <Banner />
      {problem ? <p className="banner" role="alert">{problem}</p> : null}
      <main id="content" tabIndex={-1}><View /></main>
    </StackContext>
  )
}

function FeedStatus() {
  const { status } = useFeed()
  return <span className={`status ${status}`} role="status">{status === "live" ? "live" : status === "refused" ? "refused" : "connecting…"}</span>
}

/** What is switched on that makes the stack behave otherwise than AWS normally does. */
function Banner() {
  const { state, reload } = useStack()
  const on = [
    ...state.faults.risks.map(faultText),
    ...(state.faults.waiting > 0 ? [`${state.faults.waiting} faults wait for a call`] : []),
    ...(state.clockOffsetMs === 0 ? [] : [`the clock is ${new Date(Date.now() + state.clockOffsetMs).toLocaleString()}`]),
    ...(state.sandboxes !== state.usualSandboxes ? [`${state.sandboxes} sandboxes for all functions`] : []),
  ]
  if (on.length === 0) return null
  const off = async () => {
    await Promise.all([change("DELETE", "faults"), change("PUT", "clock", { offsetMs: 0 }), change("PUT", "sandboxes", { limit: state.usualSandboxes })])
    await reload()
  }
  return (
    <div className="banner" role="status">
      <span><strong>Faults are on:</strong> {on.join(" · ")}</span>
      <button onClick={() => void off()}>Turn all off</button>
    </div>
  )
}

/** No token, a wrong one, or no stack. */
function Outside({ problem }: { problem: string | undefined }) {
  return (
    <main className="outside">
      <h1>MYLG console</h1>
      {!hasToken ? <p>Open the link that <code>make run</code> prints at <code>Console</code>: it has a token, so that no other page can use this console.</p> : null}
      {hasToken && problem ? <p role="alert">{problem} Open the link that <code>make run</code> has printed last.</p> : null}
      {hasToken && !problem ? <p>…</p> : null}
      <p><a href="/explorer">The contract of the API</a> needs no token.</p>
    </main>
  )
}

createRoot(document.getElementById("root")!).render(<Console />)
