import type { Mylg } from "./mylg.js"

/** What this adapter needs of a TanStack `QueryClient`. */
export interface QueryCache {
  setQueryData(key: readonly unknown[], data: unknown): void
  invalidateQueries(filters: { queryKey: readonly unknown[] }): Promise<void>
}

/** The keys of what `connectQueryCache` keeps up to date. */
export const queryKeys = {
  session: ["mylg", "session"] as const,
  conversations: ["mylg", "conversations"] as const,
  messages: (conversationId: string) => ["mylg", "messages", conversationId] as const,
  projects: ["mylg", "projects"] as const,
  project: (id: string) => ["mylg", "project", id] as const,
  budget: (projectId: string) => ["mylg", "budget", projectId] as const,
}

/** Writes what is live into the cache of TanStack Query: conversations and projects, and what else is named. Returns what ends it. */
export function connectQueryCache(mylg: Mylg, cache: QueryCache, watched: { conversations?: string[]; projects?: string[]; budgets?: string[] } = {}): () => void {
  const pairs = [
    [queryKeys.session, mylg.session.state],
    [queryKeys.conversations, mylg.chat.conversations],
    [queryKeys.projects, mylg.projects.list],
    ...(watched.conversations ?? []).map(id => [queryKeys.messages(id), mylg.chat.messages(id)] as const),
    ...(watched.projects ?? []).map(id => [queryKeys.project(id), mylg.projects.of(id)] as const),
    ...(watched.budgets ?? []).map(id => [queryKeys.budget(id), mylg.projects.budgetOf(id)] as const),
  ] as const
  const ends = pairs.map(([key, readable]) => {
    const write = () => cache.setQueryData(key, readable.get())
    write()
    return readable.subscribe(write)
  })
  return () => ends.forEach(end => end())
}
