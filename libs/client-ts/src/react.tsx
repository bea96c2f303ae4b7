import { type ReactNode, createContext, createElement, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from "react"
import type { MessageList } from "./chat.js"
import type { ConnectionState } from "./connection.js"
import type { Conversation, LineLock, Person, Project, ProjectSummary, UpdateBudgetData, UpdateProjectData } from "./generated/types.gen.js"
import type { Mylg } from "./mylg.js"
import type { Unsent } from "./outbox.js"
import type { BudgetState } from "./projects.js"
import type { SessionState } from "./session.js"
import type { Readable } from "./store.js"

const Context = createContext<Mylg | undefined>(undefined)

/** Gives the client to the hooks, and goes on with the session of an earlier visit. */
export function MylgProvider({ client, children }: { client: Mylg; children?: ReactNode }): ReactNode {
  useEffect(() => {
    if (client.session.state.get().status === "unknown") client.restore().catch(() => undefined)
  }, [client])
  return createElement(Context.Provider, { value: client }, children)
}

/** The client. */
export function useMylg(): Mylg {
  const client = useContext(Context)
  if (!client) throw new Error("There is no <MylgProvider> around this component.")
  return client
}

/** The value of a `Readable`, with a new render after each change. */
export function useReadable<T>({ subscribe, get }: Readable<T>): T {
  return useSyncExternalStore(subscribe, get, get)
}

const nothing = { get: () => undefined, subscribe: () => () => undefined }

function useOptional<T>(readable: Readable<T> | undefined): T | undefined {
  return useReadable<T | undefined>(readable ?? nothing)
}

/** Who is signed in, and how to sign in and out. */
export function useSession(): SessionState & Pick<Mylg, "signIn" | "signOut"> {
  const mylg = useMylg()
  const state = useReadable(mylg.session.state)
  return useMemo(
    () => ({ ...state, signIn: (email: string, password: string) => mylg.signIn(email, password), signOut: () => mylg.signOut() }),
    [mylg, state],
  )
}

/** Whether the client is live. */
export function useConnection(): ConnectionState {
  return useReadable(useMylg().connection)
}

/** The people with these ids, those that are fetched already. */
export function usePeople(ids: readonly string[]): ReadonlyMap<string, Person> {
  const { people } = useMylg()
  const key = [...new Set(ids)].sort().join()
  const readable = useMemo(() => {
    const members = key === "" ? [] : key.split(",").map(id => [id, people.of(id)] as const)
    let before = new Map<string, Person>()
    return {
      subscribe: (listener: () => void) => {
        const ends = members.map(([, person]) => person.subscribe(listener))
        return () => ends.forEach(end => end())
      },
      get: () => {
        const now = new Map(members.flatMap(([id, person]) => (person.get() ? [[id, person.get() as Person] as const] : [])))
        const isSame = now.size === before.size && [...now].every(([id, person]) => before.get(id) === person)
        if (!isSame) before = now
        return before
      },
    }
  }, [people, key])
  return useReadable(readable)
}

/** All conversations, the one with the latest message first, and how many messages are unread. */
export function useConversations(): { conversations: readonly Conversation[]; unread: number } {
  const { chat } = useMylg()
  return { conversations: useReadable(chat.conversations), unread: useReadable(chat.unread) }
}

const noMessages: MessageList = { items: [], hasOlder: false, isLoading: false }

/** The messages of a conversation, and how to load older ones. Nothing for no id. */
export function useMessages(conversationId: string | undefined): MessageList & { messages: MessageList["items"]; loadOlder: () => Promise<void> } {
  const { chat } = useMylg()
  const list = useOptional(conversationId ? chat.messages(conversationId) : undefined) ?? noMessages
  const loadOlder = useCallback(async () => conversationId && chat.loadOlder(conversationId), [chat, conversationId]) as () => Promise<void>
  return { ...list, messages: list.items, loadOlder }
}

/** Sends messages to a conversation. Each is shown at once. */
export function useSend(conversationId: string | undefined): (message: string | { text?: string | null; fileIds?: string[]; mentions?: string[] }) => Promise<Unsent | undefined> {
  const { chat } = useMylg()
  return useCallback(
    async message => (conversationId ? chat.send(conversationId, typeof message === "string" ? { text: message } : message) : undefined),
    [chat, conversationId],
  )
}

/** Whether someone is online. */
export function usePresence(userId: string | undefined): boolean {
  const { presence } = useMylg()
  return useOptional(userId ? presence.of(userId) : undefined) ?? false
}

const nobody: readonly string[] = []

/** Who types in a conversation, and what to call with each key. */
export function useTyping(conversationId: string | undefined): { typing: readonly string[]; type: () => void } {
  const { presence } = useMylg()
  const typing = useOptional(conversationId ? presence.typingIn(conversationId) : undefined) ?? nobody
  return { typing, type: useCallback(() => conversationId && presence.type(conversationId), [presence, conversationId]) as () => void }
}

/** The projects that one is in. */
export function useProjects(): readonly ProjectSummary[] {
  return useReadable(useMylg().projects.list)
}

/** A whole project, once fetched, and how to change it. */
export function useProject(id: string | undefined): { project: Project | undefined; update: (fields: UpdateProjectData["body"]) => Promise<Project> } {
  const { projects } = useMylg()
  const project = useOptional(id ? projects.of(id) : undefined)
  return { project, update: useCallback(fields => projects.update(id ?? "", fields), [projects, id]) }
}

const noBudget: BudgetState = { budget: undefined, isLoading: false }

/** A project's budget with its totals, and how to change its lines. */
export function useBudget(projectId: string | undefined): BudgetState & {
  changeLines: (lines: NonNullable<UpdateBudgetData["body"]["lines"]>) => Promise<void>
  deleteLines: (ids: string[]) => Promise<void>
} {
  const { projects } = useMylg()
  const state = useOptional(projectId ? projects.budgetOf(projectId) : undefined) ?? noBudget
  const changeLines = useCallback((lines: NonNullable<UpdateBudgetData["body"]["lines"]>) => projects.changeLines(projectId ?? "", lines), [projects, projectId])
  const deleteLines = useCallback((ids: string[]) => projects.deleteLines(projectId ?? "", ids), [projects, projectId])
  return { ...state, changeLines, deleteLines }
}

const noLocks: readonly LineLock[] = []

/** Who edits a line of a budget, and how to take it. A line that is taken is kept until `release` or the end of the component. */
export function useLineLock(projectId: string, revision: number | undefined, lineId: string): { lock: LineLock | undefined; take: () => Promise<void>; release: () => void } {
  const { projects } = useMylg()
  const lock = (useOptional(projects.locksOf(projectId)) ?? noLocks).find(one => one.lineId === lineId)
  const holder = useMemo(() => {
    let isWanted = false
    let timer: ReturnType<typeof setInterval> | undefined
    // What is said of a line is said one after another.
    let last: Promise<unknown> = Promise.resolve()
    const next = (action: () => Promise<unknown>) => (last = last.then(action, action))
    const release = () => {
      if (!isWanted || revision === undefined) return
      isWanted = false
      clearInterval(timer)
      void next(async () => isWanted || projects.unlock(projectId, revision, lineId)).catch(() => undefined)
    }
    const take = async () => {
      if (revision === undefined) return
      isWanted = true
      clearInterval(timer)
      // A lock lasts for a minute.
      timer = setInterval(() => void next(async () => isWanted && projects.lock(projectId, revision, lineId)).catch(() => undefined), 30_000)
      await next(async () => isWanted && projects.lock(projectId, revision, lineId))
    }
    return { take, release }
  }, [projects, projectId, revision, lineId])
  useEffect(() => holder.release, [holder])
  return { lock, ...holder }
}
