import { useEffect, useState } from "react"
import { StatusBadge } from "./requests.js"
import { useStack } from "./hooks.js"

/** The contract to try out, and what runs. */
export function Explorer() {
  const { state } = useStack()
  return (
    <>
      <section aria-label="Functions">
        <h2>Functions</h2>
        <div className="scroll" role="region" aria-label="List of functions" tabIndex={0}>
          <table>
            <thead><tr><th>Function</th><th>Health</th><th>Binary</th><th>Built</th><th className="number">Builds</th><th className="number">Sandboxes</th></tr></thead>
            <tbody>
              {state.functions.map(one => (
                <tr key={one.name}>
                  <td>{one.name}</td>
                  <td><Health name={one.name} /></td>
                  <td><code>{one.binary}</code></td>
                  <td>{one.builtAt ? new Date(one.builtAt).toLocaleString() : "not built"}</td>
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

/** The health route of a function, where it has one. */
function Health({ name }: { name: string }) {
  const { state } = useStack()
  const [status, setStatus] = useState<number | string>()
  const route = { "auth-router": "/auth/health", "projects-router": "/projects/health", "messages-router": "/messages/health" }[name]
  useEffect(() => {
    if (!route) return
    fetch(state.http + route).then(response => setStatus(response.status), () => setStatus("no answer"))
  }, [state.http, route])
  if (!route) return <small>has no route</small>
  return typeof status === "number" ? <StatusBadge status={status} /> : <small>{status ?? "…"}</small>
}
