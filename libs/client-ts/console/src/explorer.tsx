import { useEffect, useState } from "react"
import { StatusBadge } from "./requests.js"
import type { FunctionState } from "./control.js"
import { useFeed, useStack } from "./hooks.js"

/** The contract to try out, and what runs. */
export function Explorer() {
  const { state } = useStack()
  return (
    <>
      <section aria-label="Functions">
        <h2>Functions</h2>
        <div className="scroll" role="region" aria-label="List of functions" tabIndex={0}>
          <table>
            <thead><tr><th>Function</th><th>Health</th><th>Binary</th><th>Runs the build of</th><th className="number">Builds</th><th className="number">Sandboxes</th></tr></thead>
            <tbody>
              {state.functions.map(one => (
                <tr key={one.name}>
                  <td>{one.name}</td>
                  <td><Health name={one.name} /></td>
                  <td><code>{one.binary}</code></td>
                  <td>{build(one)}</td>
                  <td className="number">{one.builds}</td>
                  <td className="number">{one.busy} busy, {one.warm} warm, {one.starts} started</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section aria-label="Contract">
        <h2>Contract</h2>
        <iframe className="explorer" title="The documents of the API, to read and to try out" src="/explorer" />
      </section>
    </>
  )
}

const time = (iso: string) => new Date(iso).toLocaleString()

/** Which build runs, and whether a newer one waits. */
function build({ builtAt, runningBuiltAt }: FunctionState): string {
  if (!builtAt) return "not built"
  if (!runningBuiltAt) return `none yet; on disk: ${time(builtAt)}`
  return builtAt === runningBuiltAt ? time(builtAt) : `${time(runningBuiltAt)}; a newer one, of ${time(builtAt)}, waits for the next request`
}

/** What the health route of a function says; where it has none, its last event. */
function Health({ name }: { name: string }) {
  const { state } = useStack()
  const { events } = useFeed()
  const [status, setStatus] = useState<number | string>()
  const route = { "auth-router": "/auth/health", "projects-router": "/projects/health", "messages-router": "/messages/health" }[name]
  useEffect(() => {
    if (!route) return
    const ask = () => void fetch(state.http + route).then(response => setStatus(response.status), () => setStatus("no answer"))
    ask()
    const timer = setInterval(() => document.visibilityState === "visible" && ask(), 10_000)
    return () => clearInterval(timer)
  }, [state.http, route])
  if (!route) {
    const last = events.find(event => event.function === name && event.status !== null)
    return last ? <>last event <StatusBadge status={last.status} /></> : <small>no event yet</small>
  }
  return typeof status === "number" ? <StatusBadge status={status} /> : <small>{status ?? "…"}</small>
}
