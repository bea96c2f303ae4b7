import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from "react"
import { type FeedState, type StackState, feed, read } from "./control.js"

/** The feed. */
export function useFeed(): FeedState {
  return useSyncExternalStore(feed.subscribe, feed.get)
}

/** What was read, why it could not be, and how to read it again. */
export interface Loaded<T> {
  value?: T
  problem?: string
  reload: () => Promise<void>
}

/** What a path of the control interface says. It is read again when the path changes, and every `everyMs`. */
export function useControl<T>(path: string | undefined, everyMs?: number): Loaded<T> {
  const [loaded, setLoaded] = useState<{ path?: string; value?: T; problem?: string }>({})
  const reload = useCallback(async () => {
    if (path === undefined) return
    try {
      const value = await read<T>(path)
      setLoaded({ path, value })
    } catch (error) {
      setLoaded(before => ({ ...before, path, problem: String((error as Error).message) }))
    }
  }, [path])
  useEffect(() => {
    void reload()
    if (everyMs === undefined) return
    const timer = setInterval(() => document.visibilityState === "visible" && void reload(), everyMs)
    return () => clearInterval(timer)
  }, [reload, everyMs])
  // What was read for another path is not shown.
  return loaded.path === path ? { value: loaded.value, problem: loaded.problem, reload } : { reload }
}

/** The state of the stack, and the people in it. */
export interface Stack {
  state: StackState
  reload: () => Promise<void>
  /** A person's name, by id. */
  nameOf: (userId: string | null | undefined) => string
  /** A person's address, by id. */
  emailOf: (userId: string | null | undefined) => string | undefined
}

export const StackContext = createContext<Stack | undefined>(undefined)

export function useStack(): Stack {
  const stack = useContext(StackContext)
  if (!stack) throw new Error("There is no stack around this component.")
  return stack
}

/** A time of day, to the millisecond. */
export function clockTime(iso: string): string {
  const at = new Date(iso)
  return `${at.toLocaleTimeString(undefined, { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`
}

/** JSON as people read it; anything else as it is. */
export function pretty(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2)
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}
