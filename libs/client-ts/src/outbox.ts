import { MylgError } from "./problem.js"
import { Listeners, batched } from "./store.js"
import type { Tabs } from "./tabs.js"
import { backoff, sleep, uniqueId } from "./time.js"

/** A message that has not reached the server, as far as is known. */
export interface Unsent {
  optimisticId: string
  conversationId: string
  userId: string
  /** The tab that sends it. */
  tab: string
  /** Milliseconds since 1970. Messages of a conversation are sent in this order. */
  order: number
  text: string | null
  fileIds: string[]
  mentions: string[]
  /** Why it was refused for good. */
  failure?: { code: string; detail: string }
}

/** Where unsent messages survive a reload. */
export interface OutboxStorage {
  all(): Promise<Unsent[]>
  put(entry: Unsent): Promise<void>
  delete(optimisticId: string): Promise<void>
}

/** Unsent messages in IndexedDB; in memory where there is none. */
export function openOutboxStorage(name: string): OutboxStorage {
  if (typeof indexedDB === "undefined") return memoryStorage()
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`mylg:${name}`, 1)
    request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "optimisticId" })
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const run = async <T>(mode: IDBTransactionMode, action: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const transaction = (await opened).transaction("outbox", mode)
    const request = action(transaction.objectStore("outbox"))
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = transaction.onerror = () => reject(transaction.error)
    })
  }
  return {
    all: () => run("readonly", store => store.getAll() as IDBRequest<Unsent[]>),
    put: async entry => void (await run("readwrite", store => store.put(entry))),
    delete: async id => void (await run("readwrite", store => store.delete(id))),
  }
}

function memoryStorage(): OutboxStorage {
  const entries = new Map<string, Unsent>()
  return {
    all: async () => [...entries.values()],
    put: async entry => void entries.set(entry.optimisticId, entry),
    delete: async id => void entries.delete(id),
  }
}

/** Sends messages: first in, first out in each conversation, until each is acknowledged or refused for good. Repetitions have the same `optimisticId`. */
export class Outbox {
  private readonly entries = new Map<string, Unsent>()
  /** The conversations that are being sent to. */
  private busy = new Set<string>()
  /** What has arrived, or was discarded: it may still be stored. */
  private readonly finished = new Set<string>()
  private adopting: Promise<void> = Promise.resolve()
  private readonly listeners = new Listeners()
  private stop = new AbortController()
  private order = 0
  /** Ends waits when there is a reason to try again at once. */
  private nudge = new AbortController()

  constructor(
    private readonly storage: OutboxStorage,
    private readonly tabs: Tabs,
    private readonly send: (entry: Unsent) => Promise<void>,
    private readonly changed: (conversationId: string) => void,
  ) {}

  /** Calls `listener` when the number of messages changes. */
  readonly subscribe = this.listeners.subscribe

  /** How many messages have not reached the server. */
  get size(): number {
    return this.entries.size
  }

  /** The unsent messages of a conversation, in the order in which they are sent. */
  of(conversationId: string): Unsent[] {
    return [...this.entries.values()].filter(entry => entry.conversationId === conversationId).sort((a, b) => a.order - b.order)
  }

  /** Takes over this person's stored messages: of this tab before a reload or another login, and of tabs that are gone. */
  adopt(userId: string): Promise<void> {
    this.adopting = this.takeOver(userId).catch(() => undefined)
    return this.adopting
  }

  private async takeOver(userId: string): Promise<void> {
    const { signal } = this.stop
    const isUnknown = ({ optimisticId }: Unsent) => !this.entries.has(optimisticId) && !this.finished.has(optimisticId)
    const stored = (await this.storage.all()).filter(entry => entry.userId === userId && isUnknown(entry))
    if (stored.length === 0) return
    const alive = stored.some(({ tab }) => tab !== this.tabs.id) ? await this.tabs.others() : new Set()
    if (signal.aborted) return
    const orphans = stored.filter(entry => isUnknown(entry) && !alive.has(entry.tab)).map(entry => ({ ...entry, tab: this.tabs.id }))
    // All before the first is sent: they are stored in no order.
    for (const entry of orphans) this.hold(entry)
    for (const conversation of new Set(orphans.map(entry => entry.conversationId))) void this.run(conversation)
  }

  /** Adds a message. It is shown at once, and stored before it is sent. */
  async add(message: Pick<Unsent, "conversationId" | "userId" | "text" | "fileIds" | "mentions">): Promise<Unsent> {
    this.order = Math.max(Date.now(), this.order + 1)
    const entry = { ...message, optimisticId: uniqueId(), tab: this.tabs.id, order: this.order }
    this.entries.set(entry.optimisticId, entry)
    this.tell(entry)
    // Without storage it survives no reload, but it is sent.
    await this.storage.put(entry).catch(() => undefined)
    // What is stored from before comes first.
    void this.adopting.then(() => this.run(entry.conversationId))
    return entry
  }

  /** Sends a message again that was refused. */
  async retry(optimisticId: string): Promise<void> {
    const entry = this.entries.get(optimisticId)
    if (!entry?.failure) return
    const { failure: _, ...again } = entry
    this.hold(again)
    void this.run(again.conversationId)
  }

  /** Forgets a message that was not sent. */
  async discard(optimisticId: string): Promise<void> {
    const entry = this.entries.get(optimisticId)
    if (entry) await this.remove(entry)
  }

  /** The server has this message: a frame said so, maybe before the reply. */
  async arrived(optimisticId: string): Promise<void> {
    const entry = this.entries.get(optimisticId)
    if (entry) await this.remove(entry)
  }

  /** There is a connection again. */
  wake(): void {
    this.nudge.abort()
    this.nudge = new AbortController()
  }

  /** Stops sending, and forgets the messages here. What is stored stays: it is for the next visit. */
  clear(): void {
    this.stop.abort()
    this.stop = new AbortController()
    this.busy = new Set()
    const conversations = new Set([...this.entries.values()].map(entry => entry.conversationId))
    this.entries.clear()
    for (const conversation of conversations) this.changed(conversation)
  }

  private hold(entry: Unsent): void {
    this.entries.set(entry.optimisticId, entry)
    this.order = Math.max(this.order, entry.order)
    this.tell(entry)
    void this.storage.put(entry).catch(() => undefined)
  }

  private async run(conversationId: string): Promise<void> {
    const [{ signal }, busy] = [this.stop, this.busy]
    if (busy.has(conversationId)) return
    busy.add(conversationId)
    try {
      for (let attempt = 0; ; ) {
        const entry = this.of(conversationId).find(({ failure }) => !failure)
        if (!entry || signal.aborted) return
        try {
          await this.send(entry)
          attempt = 0
          await this.remove(entry)
        } catch (error) {
          if (signal.aborted) return
          const problem = error instanceof MylgError ? error : new MylgError({ code: "network", detail: String(error) })
          if (problem.isTemporary || problem.status === 401) {
            const until = AbortSignal.any([signal, this.nudge.signal])
            await sleep(backoff(attempt++, 250, 30_000, problem.retryAfterMs ?? 0), until).catch(() => undefined)
          } else {
            await this.fail(entry, problem)
          }
        }
      }
    } finally {
      busy.delete(conversationId)
    }
  }

  private async fail(entry: Unsent, { code, message }: MylgError): Promise<void> {
    if (!this.entries.has(entry.optimisticId)) return
    const failed = { ...entry, failure: { code, detail: message } }
    this.entries.set(entry.optimisticId, failed)
    this.tell(entry)
    await this.storage.put(failed).catch(() => undefined)
  }

  private async remove(entry: Unsent): Promise<void> {
    if (!this.entries.delete(entry.optimisticId)) return
    this.finished.add(entry.optimisticId)
    this.tell(entry)
    await this.storage.delete(entry.optimisticId).catch(() => undefined)
  }

  private tell(entry: Unsent): void {
    batched(() => {
      this.changed(entry.conversationId)
      this.listeners.tell()
    })
  }
}
