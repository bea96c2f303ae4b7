import type { Connection } from "./connection.js"
import type { Message, ServerFrame } from "./generated/types.gen.js"
import { Family, sameOr } from "./store.js"
import type { ServerClock } from "./time.js"

/** Someone is shown as offline after so long without a later word: a page that is loaded again does not flicker. */
export const OFFLINE_AFTER_MS = 10_000
/** Typing is shown for so long. */
export const TYPING_MS = 5_000
/** The server passes one `typing` in this time on. */
const TYPING_PACE_MS = 3_000

/** Who is online, and who types. */
export class Presence {
  private readonly people = new Map<string, { online: boolean; at: number; shown: boolean; timer?: ReturnType<typeof setTimeout> }>()
  private readonly typists = new Map<string, Map<string, { at: number; timer: ReturnType<typeof setTimeout> }>>()
  private readonly latest = new Map<string, number>()
  private readonly sent = new Map<string, number>()
  private readonly online = new Family<string, boolean>(id => this.people.get(id)?.shown ?? false)
  private readonly typing = new Family<string, readonly string[]>((id, before) => sameOr(before, [...(this.typists.get(id)?.keys() ?? [])]))

  constructor(private readonly connection: Connection, private readonly clock: ServerClock) {}

  /** Whether someone is online. */
  of(userId: string) {
    return this.online.of(userId)
  }

  /** Who types in a conversation: ids of people. */
  typingIn(conversationId: string) {
    return this.typing.of(conversationId)
  }

  /** Tells the others that this person types. Call it with each key: it is sent once in three seconds. */
  type(conversationId: string): void {
    const now = Date.now()
    if (!this.connection.isOpen || now - (this.sent.get(conversationId) ?? 0) < TYPING_PACE_MS) return
    this.sent.set(conversationId, now)
    this.connection.ask({ action: "typing", conversationId }).catch(() => undefined)
  }

  /** Asks who is online. After each connect, and when people come or go. */
  async lookUp(): Promise<void> {
    const reply = await this.connection.ask({ action: "presenceLookup" })
    if (reply.action === "presenceSnapshot") this.snapshot(reply.userIds, Date.parse(reply.at))
  }

  hear(frame: ServerFrame): void {
    if (frame.action === "presenceChanged") this.set(frame.userId, frame.online, Date.parse(frame.at))
    if (frame.action === "typing") this.typed(frame.conversationId, frame.userId, Date.parse(frame.at))
  }

  /** A message ends its author's typing. */
  heardMessage(message: Message): void {
    const key = `${message.conversationId}:${message.senderId}`
    const at = Date.parse(message.timestamp)
    if (at <= (this.latest.get(key) ?? 0)) return
    this.latest.set(key, at)
    const typist = this.typists.get(message.conversationId)?.get(message.senderId)
    if (typist && typist.at <= at) this.stopped(message.conversationId, message.senderId)
  }

  reset(): void {
    for (const { timer } of this.people.values()) clearTimeout(timer)
    for (const typists of this.typists.values()) for (const { timer } of typists.values()) clearTimeout(timer)
    this.people.clear()
    this.typists.clear()
    this.latest.clear()
    this.sent.clear()
    this.online.allChanged()
    this.typing.allChanged()
  }

  private snapshot(userIds: readonly string[], at: number): void {
    const online = new Set(userIds)
    for (const id of userIds) this.set(id, true, at)
    for (const id of this.people.keys()) if (!online.has(id)) this.set(id, false, at)
  }

  private set(userId: string, online: boolean, at: number): void {
    const known = this.people.get(userId) ?? { online: false, at: 0, shown: false }
    if (at < known.at) return
    clearTimeout(known.timer)
    const next = { online, at, shown: online || known.shown, timer: undefined as ReturnType<typeof setTimeout> | undefined }
    if (!online && known.shown) {
      const wait = Math.max(0, at + OFFLINE_AFTER_MS - this.clock.now())
      next.timer = setTimeout(() => this.show(userId, false), wait)
    }
    this.people.set(userId, next)
    if (next.shown !== known.shown) this.online.changed(userId)
  }

  private show(userId: string, shown: boolean): void {
    const known = this.people.get(userId)
    if (!known) return
    this.people.set(userId, { ...known, shown })
    this.online.changed(userId)
  }

  private typed(conversationId: string, userId: string, at: number): void {
    if (at <= (this.latest.get(`${conversationId}:${userId}`) ?? 0)) return
    const typists = this.typists.get(conversationId) ?? new Map()
    this.typists.set(conversationId, typists)
    clearTimeout(typists.get(userId)?.timer)
    typists.set(userId, { at, timer: setTimeout(() => this.stopped(conversationId, userId), TYPING_MS) })
    this.typing.changed(conversationId)
  }

  private stopped(conversationId: string, userId: string): void {
    const typists = this.typists.get(conversationId)
    clearTimeout(typists?.get(userId)?.timer)
    if (typists?.delete(userId)) this.typing.changed(conversationId)
  }
}
