import { type BudgetLine, nameOf } from "@mylg/client"
import { useBudget, useConversations, useLineLock, useMylg, usePeople, useProject, useSession } from "@mylg/client/react"
import { useState } from "react"
import { Chat } from "./Chat.js"

/** One project: its team, its budget and its conversation. */
export function ProjectView({ id }: { id: string }) {
  const { project, update } = useProject(id)
  const conversation = useConversations().conversations.find(({ projectId }) => projectId === id)
  if (!project) return <p>…</p>
  return (
    <div className="project">
      <input className="title" aria-label="Title" defaultValue={project.title ?? ""} key={project.version} onBlur={event => event.target.value !== project.title && void update({ title: event.target.value })} />
      <Team id={id} team={project.team} />
      <Budget id={id} />
      {conversation ? <Chat conversation={conversation} title={project.title ?? ""} /> : null}
    </div>
  )
}

function Team({ id, team }: { id: string; team: { userId: string; role: string }[] }) {
  const mylg = useMylg()
  const people = usePeople(team.map(({ userId }) => userId))
  const add = async (name: string) => {
    const [person] = await mylg.people.find(name)
    if (person) await mylg.projects.addMember(id, person.userId, "editor")
  }
  return (
    <p className="team">
      {team.map(({ userId, role }) => <span key={userId}>{nameOf(people.get(userId))} <small>{role}</small></span>)}
      <input aria-label="Add to the team" placeholder="Add by name" onKeyDown={event => event.key === "Enter" && void add(event.currentTarget.value)} />
    </p>
  )
}

const money = (amount: number | null, currency: string) => (amount === null ? "" : amount.toLocaleString(undefined, { style: "currency", currency }))

function Budget({ id }: { id: string }) {
  const { budget, error, changeLines } = useBudget(id)
  if (error) return <p className="hint">{error.code === "forbidden" ? "The budget is for editors." : error.message}</p>
  if (!budget) return <p>…</p>
  const { currency, lines, totals, revision } = budget
  return (
    <table>
      <thead><tr><th>What</th><th>Quantity</th><th>Each</th><th>Final</th><td /></tr></thead>
      <tbody>{lines.map(line => <Line key={line.budgetItemId} projectId={id} revision={revision} line={line} currency={currency} />)}</tbody>
      <tfoot>
        <tr>
          <td><button onClick={() => void changeLines([{ description: "NEW LINE", quantity: 1, itemBudgetedCost: 100 }])}>Add a line</button></td><td /><td>{money(totals.headerBudgetedTotalCost, currency)}</td><td aria-label="Total">{money(totals.headerFinalTotalCost, currency)}</td><td />
        </tr>
      </tfoot>
    </table>
  )
}

function Line({ projectId, revision, line, currency }: { projectId: string; revision: number; line: BudgetLine; currency: string }) {
  const { changeLines, deleteLines } = useBudget(projectId)
  const { user } = useSession()
  const { lock, take, release } = useLineLock(projectId, revision, line.budgetItemId)
  const holder = usePeople(lock ? [lock.userId] : []).get(lock?.userId ?? "")
  const [problem, setProblem] = useState("")
  const isLocked = lock !== undefined && lock.userId !== user?.userId
  const field = (name: "description" | "quantity" | "itemBudgetedCost", label: string) => (
    <input
      aria-label={label}
      key={String(line[name])}
      defaultValue={line[name] ?? ""}
      disabled={isLocked}
      onFocus={() => void take().catch(() => undefined)}
      onBlur={event => {
        release()
        const text = event.target.value
        const value = name === "description" ? text : Number(text)
        if (String(line[name] ?? "") !== text) void changeLines([{ budgetItemId: line.budgetItemId, [name]: value }]).then(() => setProblem(""), error => setProblem(error.message))
      }}
    />
  )
  return (
    <tr className={isLocked ? "locked" : ""} title={isLocked ? `${nameOf(holder)} is editing this line` : problem}>
      <td>{field("description", "What")}</td><td>{field("quantity", "Quantity")}</td><td>{field("itemBudgetedCost", "Each")}</td>
      <td>{money(line.finalCost, currency)}</td>
      <td>{isLocked ? <small>{nameOf(holder)}</small> : <button className="quiet" aria-label="Delete the line" onClick={() => void deleteLines([line.budgetItemId])}>×</button>}</td>
    </tr>
  )
}
