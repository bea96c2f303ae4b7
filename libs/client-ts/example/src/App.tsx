import { type Conversation, MylgError, nameOf } from "@mylg/client"
import { useConnection, useConversations, useMylg, usePeople, useProjects, useSession } from "@mylg/client/react"
import { type FormEvent, useState } from "react"
import { Chat } from "./Chat.js"
import { ProjectView } from "./Project.js"

/** Sign in, then the studio. */
export function App() {
  const { status } = useSession()
  return status === "signedIn" ? <Studio /> : status === "signedOut" ? <SignIn /> : <main className="centre">…</main>
}

function SignIn() {
  const { signIn } = useSession()
  const mylg = useMylg()
  const [problem, setProblem] = useState<MylgError>()
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const value = (name: string) => String(form.get(name) ?? "")
    try {
      await (problem?.code === "mfa_required" ? mylg.session.withCode(problem.challenge!, value("code")) : signIn(value("email"), value("password")))
    } catch (error) {
      setProblem(error as MylgError)
    }
  }
  return (
    <main className="centre">
      <form className="card" onSubmit={submit} aria-label="Sign in">
        <h1>Studio</h1>
        <label>E-mail <input name="email" type="email" required autoComplete="username" /></label>
        <label>Password <input name="password" type="password" required autoComplete="current-password" /></label>
        {problem?.code === "mfa_required" ? <label>Code <input name="code" inputMode="numeric" required autoFocus /></label> : null}
        {problem && problem.code !== "mfa_required" ? <p role="alert">{problem.message}</p> : null}
        <button>Sign in</button>
      </form>
    </main>
  )
}

type Selected = { project: string } | { conversation: string } | undefined

function Studio() {
  const mylg = useMylg()
  const { user, signOut } = useSession()
  const { status } = useConnection()
  const { conversations, unread } = useConversations()
  const projects = useProjects()
  const [selected, select] = useState<Selected>()
  const [title, setTitle] = useState("")
  const people = usePeople(conversations.flatMap(({ participants }) => participants.map(({ userId }) => userId)))
  const titleOf = (conversation: Conversation) =>
    conversation.title ?? (conversation.participants.filter(({ userId }) => userId !== user?.userId).map(({ userId }) => nameOf(people.get(userId))).join(", ") || "Notes")
  const create = async (event: FormEvent) => {
    event.preventDefault()
    select({ project: (await mylg.projects.create({ title })).projectId })
    setTitle("")
  }
  const openProject = async (id: string) => {
    select({ project: id })
    await mylg.chat.open({ type: "project", projectId: id })
  }
  const conversation = selected && "conversation" in selected ? conversations.find(({ conversationId }) => conversationId === selected.conversation) : undefined
  return (
    <div className={selected ? "studio open" : "studio"}>
      <nav aria-label="Studio">
        <header>
          <h1>{nameOf(user)}</h1>
          <span className={`status ${status}`} role="status">{status === "live" ? "live" : "connecting…"}</span>
          <button className="quiet" onClick={() => void signOut()}>Sign out</button>
        </header>
        <h2>Projects</h2>
        <form onSubmit={create}>
          <input aria-label="Title of a new project" placeholder="New project" value={title} onChange={event => setTitle(event.target.value)} required />
          <button>Add</button>
        </form>
        <ul>
          {projects.map(({ projectId, title, color }) => (
            <li key={projectId}>
              <button onClick={() => void openProject(projectId)} aria-current={selected && "project" in selected && selected.project === projectId}><i style={{ background: color ?? "#fa3356" }} /> {title}</button>
            </li>
          ))}
        </ul>
        <h2>Conversations {unread > 0 ? <b className="badge">{unread}</b> : null}</h2>
        <FindPeople onOpen={id => select({ conversation: id })} />
        <ul>
          {conversations.map(one => (
            <li key={one.conversationId}>
              <button onClick={() => select({ conversation: one.conversationId })} aria-current={conversation === one}>
                <span>{titleOf(one)}<small>{one.lastMessage?.snippet}</small></span>
                {one.unread > 0 ? <b className="badge">{one.unread}</b> : null}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <main>
        {selected ? <button className="quiet back" onClick={() => select(undefined)}>← All</button> : <p className="centre">Choose a project or a conversation.</p>}
        {selected && "project" in selected ? <ProjectView key={selected.project} id={selected.project} /> : null}
        {conversation ? <Chat key={conversation.conversationId} conversation={conversation} title={titleOf(conversation)} /> : null}
      </main>
    </div>
  )
}

function FindPeople({ onOpen }: { onOpen: (conversationId: string) => void }) {
  const mylg = useMylg()
  const [found, setFound] = useState<{ userId: string; name: string }[]>([])
  const open = async (userId: string) => {
    const { conversationId } = await mylg.chat.open({ type: "direct", participants: [userId] })
    setFound([])
    onOpen(conversationId)
  }
  const find = async (q: string) => setFound(q ? (await mylg.people.find(q)).map(person => ({ userId: person.userId, name: nameOf(person) })) : [])
  return (
    <>
      <input aria-label="Find people" placeholder="Find people" onChange={event => void find(event.target.value)} />
      <ul>{found.map(({ userId, name }) => <li key={userId}><button onClick={() => void open(userId)}>Talk to {name}</button></li>)}</ul>
    </>
  )
}
