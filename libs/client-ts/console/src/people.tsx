import { useState } from "react"
import { useStack } from "./hooks.js"

/** Two people beside each other: each pane is a whole app of its own, with a session and a socket of its own. */
export function People() {
  const { state } = useStack()
  const [left, setLeft] = useState(state.people[0]?.email ?? "")
  const [right, setRight] = useState(state.people[1]?.email ?? "")
  return (
    <div className="panes">
      <Pane side="left" email={left} choose={setLeft} />
      <Pane side="right" email={right} choose={setRight} />
    </div>
  )
}

function Pane({ side, email, choose }: { side: string; email: string; choose: (email: string) => void }) {
  const { state } = useStack()
  return (
    <section aria-label={`Pane on the ${side}`}>
      <label>Signed in as <select value={email} onChange={event => choose(event.target.value)}>
        {state.people.map(person => <option key={person.email} value={person.email}>{person.firstName} {person.lastName} ({person.role})</option>)}
      </select></label>
      <iframe key={email} title={`The studio as ${email}`} src={`/pane.html#${new URLSearchParams({ side, email })}`} />
    </section>
  )
}
