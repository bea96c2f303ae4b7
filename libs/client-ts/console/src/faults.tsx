import { type FormEvent, useState } from "react"
import { type Risk, change } from "./control.js"
import { useStack } from "./hooks.js"

const EFFECTS: Record<string, string> = {
  throttle: "throttled",
  serverError: "answered with 5xx",
  delay: "slow",
  dropResponse: "done, but the answer is lost",
  gone: "Gone: the connection is said not to exist",
  deny: "denied",
  kill: "done, and the function's process is killed",
}

const ACTIONS = [
  "", "GetItem", "Query", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "PostToConnection", "DeleteConnection", "GetObject", "HeadObject", "PostObject", "DeleteObject",
]

const HOUR = 3_600_000
const MOVES: [string, number][] = [["1 minute", HOUR / 60], ["15 minutes", HOUR / 4], ["1 hour", HOUR], ["1 day", 24 * HOUR], ["8 days", 192 * HOUR]]
const NEW_ACCOUNT = 10

/** Those that name a connection. Only they can say that it is gone. */
const POSTS = ["PostToConnection", "DeleteConnection"]
/** Those that a browser makes with a presigned request: they belong to no function. */
const PRESIGNED = ["GetObject", "PostObject"]

/** A fault in words. */
export function faultText({ function: of, action, effect, delayMs, perMillion }: Risk): string {
  return `${perMillion / 10_000} % of ${action ?? "DynamoDB calls"}${of ? ` of ${of}` : ""} ${effect === "delay" ? `${delayMs} ms late` : (EFFECTS[effect] ?? effect)}`
}

/** Switches for what goes wrong in AWS at times, the clock, and a new beginning. */
export function Faults() {
  const { state, reload } = useStack()
  const [said, say] = useState("")
  const act = async (action: () => Promise<void>, done: string) => {
    try {
      say("…")
      await action()
      say(done)
    } catch (error) {
      say((error as Error).message)
    }
    await reload()
  }
  const { risks, struck } = state.faults
  const run = (next: Risk[]) => change("PUT", "faults", { seed: Date.now() % 1_000_000, risks: next })
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const value = (name: string) => String(form.get(name) ?? "")
    if (value("effect") === "gone" && !POSTS.includes(value("action"))) return say(`Only ${POSTS.join(" and ")} can say that a connection is gone.`)
    if (value("function") && PRESIGNED.includes(value("action"))) return say(`${value("action")} is a browser's: choose all functions.`)
    const risk = {
      ...(value("function") ? { function: value("function") } : {}),
      ...(value("action") ? { action: value("action") } : {}),
      effect: value("effect"),
      delayMs: Number(value("delayMs")),
      perMillion: Math.round(Number(value("share")) * 10_000),
    }
    void act(() => run([...risks, risk]), "The fault is on.")
  }
  const move = (offsetMs: number) => void act(() => change("PUT", "clock", { offsetMs }), "The clock has moved: sandboxes start anew with the next request.")
  const limit = (count: number) => void act(() => change("PUT", "sandboxes", { limit: count }), `${count} events at once.`)
  const reset = (demo: boolean) => void act(() => change("POST", "reset", { demo }), demo ? "The demo studio is there." : "Everything is new.")
  return (
    <div className="columns">
      <section aria-label="Faults">
        <h2>Faults</h2>
        <form onSubmit={add} className="stack">
          <label>Function <select name="function"><option value="">all</option>{state.functions.map(({ name }) => <option key={name}>{name}</option>)}</select></label>
          <label>Call <select name="action">{ACTIONS.map(action => <option key={action} value={action}>{action || "any of DynamoDB"}</option>)}</select></label>
          <label>Is <select name="effect">{Object.entries(EFFECTS).map(([effect, words]) => <option key={effect} value={effect}>{words}</option>)}</select></label>
          <label>Delay of slow calls, in ms <input name="delayMs" type="number" min={0} max={60_000} defaultValue={1_000} /></label>
          <label>Share of the calls, in % <input name="share" type="number" min={0.01} max={100} step={0.01} defaultValue={20} /></label>
          <button>Switch on</button>
        </form>
        <ul className="cards">
          {risks.map((risk, index) => (
            <li key={index}>{faultText(risk)} <button onClick={() => void act(() => run(risks.filter(other => other !== risk)), "The fault is off.")}>Switch off</button></li>
          ))}
        </ul>
        {Object.keys(struck).length > 0 ? <p>So far: {Object.entries(struck).map(([what, count]) => `${count} ${what}`).join(", ")}.</p> : null}
        <p role="status">{said}</p>
        <p className="actions">
          <button onClick={() => void act(() => change("DELETE", "faults"), "All faults are off.")}>Switch all off</button>
          <button onClick={() => void act(() => change("POST", "sockets/cut"), "Every socket is cut, without a close frame.")}>Cut all sockets</button>
        </p>
      </section>
      <section aria-label="Time and size">
        <h2>Clock</h2>
        <p>The stack's time is <strong>{new Date(Date.now() + state.clockOffsetMs).toLocaleString()}</strong>{state.clockOffsetMs === 0 ? ", that of this machine." : "."} Tokens, tickets, locks, links and expiring items go by it.</p>
        <p className="actions">
          {MOVES.map(([words, by]) => <button key={words} onClick={() => move(state.clockOffsetMs + by)}>+ {words}</button>)}
          <button onClick={() => move(0)}>Back to now</button>
        </p>
        <h2>Concurrency</h2>
        <form className="filters" onSubmit={event => (event.preventDefault(), limit(Number(new FormData(event.currentTarget).get("limit"))))}>
          <label>Events that all functions handle at once <input key={state.sandboxes} name="limit" type="number" min={1} max={10_000} defaultValue={state.sandboxes} /></label>
          <button>Set</button>
          <button type="button" onClick={() => limit(NEW_ACCOUNT)}>As on a new account ({NEW_ACCOUNT})</button>
        </form>
        <h2>Begin anew</h2>
        <p>Deletes all items, objects and mails, ends sockets and sandboxes, and makes the four people again.</p>
        <p className="actions">
          <button onClick={() => reset(false)}>Empty studio</button>
          <button onClick={() => reset(true)}>Demo studio: projects, budgets and conversations of three weeks</button>
        </p>
      </section>
    </div>
  )
}
