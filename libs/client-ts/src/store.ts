/** A value that can be watched. `get` gives the same object until it changes: fit for `useSyncExternalStore`. */
export interface Readable<T> {
  get(): T
  /** Calls `listener` after each change. Returns what ends it. */
  subscribe(listener: () => void): () => void
}

const batch: Set<() => void> = new Set()
let depth = 0

/** Runs changes. Listeners are told once, after the last. */
export function batched<T>(changes: () => T): T {
  depth++
  try {
    return changes()
  } finally {
    depth--
    if (depth === 0) {
      const due = [...batch]
      batch.clear()
      for (const listener of due) listener()
    }
  }
}

/** Listeners. Within `batched` they are told at its end. */
export class Listeners {
  private readonly listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  get size(): number {
    return this.listeners.size
  }

  tell(): void {
    for (const listener of this.listeners) {
      if (depth > 0) batch.add(listener)
      else listener()
    }
  }
}

/** A value that can be set and watched. */
export class Value<T> implements Readable<T> {
  private readonly listeners = new Listeners()

  constructor(private value: T) {}

  readonly get = (): T => this.value

  set(value: T): void {
    if (Object.is(value, this.value)) return
    this.value = value
    this.listeners.tell()
  }

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.subscribe(listener)
}

/** A value that is computed when it is asked for, after a change was noted. */
export class Derived<T> implements Readable<T> {
  private readonly listeners = new Listeners()
  private current: { value: T } | undefined

  constructor(private readonly compute: (before: T | undefined) => T, private readonly onFirst?: () => void) {}

  private last: T | undefined

  readonly get = (): T => {
    this.current ??= { value: this.compute(this.last) }
    this.last = this.current.value
    return this.current.value
  }

  /** Notes that the next `get` may give another value. */
  changed(): void {
    this.current = undefined
    this.listeners.tell()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.listeners.size === 0) this.onFirst?.()
    return this.listeners.subscribe(listener)
  }

  /** Whether anyone watches. */
  get isWatched(): boolean {
    return this.listeners.size > 0
  }
}

/** A collection of `Derived` by key, made when first asked for. */
export class Family<K, T> {
  private readonly members = new Map<K, Derived<T>>()

  constructor(private readonly compute: (key: K, before: T | undefined) => T, private readonly onFirst?: (key: K) => void) {}

  of(key: K): Derived<T> {
    let member = this.members.get(key)
    if (!member) {
      member = new Derived<T>(before => this.compute(key, before), () => this.onFirst?.(key))
      this.members.set(key, member)
    }
    return member
  }

  changed(key: K): void {
    this.members.get(key)?.changed()
  }

  allChanged(): void {
    for (const member of this.members.values()) member.changed()
  }

  /** The keys that someone watches. */
  watched(): K[] {
    return [...this.members].filter(([, member]) => member.isWatched).map(([key]) => key)
  }
}

/** The same array as before if its elements are the same. */
export function sameOr<T>(before: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  return before && before.length === now.length && before.every((element, index) => Object.is(element, now[index])) ? before : now
}
