import type { Client } from "./client.js"
import { getConversation, listConversations } from "./generated/sdk.gen.js"
import type { Conversation, Message, Participant } from "./generated/types.gen.js"
import { Derived, Family, batched, sameOr } from "./store.js"
import { allPages, unwrap } from "./transport.js"

/** What is known of conversations: people and titles by `version`, read markers and the latest message by `seq`. */
export class Conversations {
  /** All conversations, the one with the latest message first. */
  readonly list = new Derived<readonly Conversation[]>(before => sameOr(before, this.sorted()))
  /** How many messages are unread, of all conversations. */
  readonly unread = new Derived<number>(() => [...this.known.values()].reduce((sum, { unread }) => sum + unread, 0))
  private readonly single = new Family<string, Conversation | undefined>(id => this.known.get(id))
  private readonly known = new Map<string, Conversation>()
  /** The versions of those that were removed: what is not newer is not added again. */
  private readonly removed = new Map<string, number>()
  /** The furthest marker of each person in each conversation, also of people who are not known yet. */
  private readonly markers = new Map<string, number>()
  /** The version of each conversation's last message. */
  private readonly lastVersions = new Map<string, { messageId: string; version: number }>()
  /** When each became known: a count. */
  private readonly since = new Map<string, number>()
  private count = 0
  private me: string | undefined

  constructor(private readonly http: Client) {}

  of(id: string): Derived<Conversation | undefined> {
    return this.single.of(id)
  }

  get(id: string): Conversation | undefined {
    return this.known.get(id)
  }

  ids(): string[] {
    return [...this.known.keys()]
  }

  /** A count that rises with each conversation that becomes known. */
  moment(): number {
    return this.count
  }

  /** Those that are not among these, and were known at this moment: a later one is newer than the list of ids. */
  others(ids: readonly string[], moment: number): string[] {
    const all = new Set(ids)
    return this.ids().filter(id => !all.has(id) && (this.since.get(id) ?? 0) <= moment)
  }

  /** Starts for another person, or for nobody. */
  reset(me: string | undefined): void {
    this.me = me
    for (const map of [this.known, this.removed, this.markers, this.lastVersions, this.since]) map.clear()
    this.allChanged()
  }

  /** Fetches all. Nothing if another person has signed in meanwhile. */
  async fetch(): Promise<Conversation[] | undefined> {
    const me = this.me
    const found = await allPages(query => unwrap(listConversations({ client: this.http, query })))
    return me === this.me ? found : undefined
  }

  /** Keeps these, and no others. */
  replace(conversations: readonly Conversation[]): void {
    this.known.clear()
    for (const conversation of conversations) this.keep(conversation)
    this.allChanged()
  }

  /** Fetches how far people have read: sync does not say it. */
  async fetchMarkers(): Promise<void> {
    const found = await this.fetch()
    batched(() => found?.forEach(conversation => this.known.has(conversation.conversationId) && this.keep(conversation)))
  }

  async fetchOne(id: string): Promise<void> {
    const conversation = await unwrap(getConversation({ client: this.http, path: { id } })).catch(() => undefined)
    if (conversation) this.keep(conversation)
  }

  /** Whether this conversation was removed, and is not newer than that. */
  isRemoved({ conversationId, version }: Conversation): boolean {
    return (this.removed.get(conversationId) ?? -1) >= version
  }

  /** Keeps the newer title and people, the further markers, and the later message. */
  keep(conversation: Conversation): void {
    const id = conversation.conversationId
    const known = this.known.get(id)
    this.removed.delete(id)
    for (const { userId, readSeq } of conversation.participants) this.mark(id, userId, readSeq)
    if (!known) {
      this.since.set(id, ++this.count)
      return this.put(this.marked(conversation))
    }
    const newer = conversation.version >= known.version ? conversation : known
    // Of the same message, what is here may be a later version.
    const later = conversation.lastSeq > known.lastSeq ? conversation : known
    const readSeq = Math.max(known.readSeq, conversation.readSeq)
    this.put(this.marked({ ...newer, readSeq, lastSeq: later.lastSeq, lastMessage: later.lastMessage }))
  }

  /** A message of a conversation, which may be its latest. */
  heardMessage(message: Message): void {
    const { conversationId: id, messageId, senderId, seq, timestamp, deleted, version } = message
    const known = this.known.get(id)
    const shown = this.lastVersions.get(id)
    if (!known || seq < known.lastSeq || (shown?.messageId === messageId && shown.version > version)) return
    this.lastVersions.set(id, { messageId, version })
    const snippet = [...(message.text ?? "")].slice(0, 140).join("")
    this.put({ ...known, lastSeq: seq, lastMessage: { messageId, senderId, seq, timestamp, deleted, snippet, attachments: message.attachments.length } })
  }

  /** Someone has read up to this message. */
  readUpTo(id: string, userId: string, seq: number): void {
    this.mark(id, userId, seq)
    const known = this.known.get(id)
    if (known?.participants.some(one => one.userId === userId && one.readSeq < seq)) this.put(this.marked(known))
  }

  forget(id: string, version = this.known.get(id)?.version ?? -1): void {
    this.removed.set(id, version)
    this.known.delete(id)
    this.lastVersions.delete(id)
    this.changed(id)
  }

  private mark(id: string, userId: string, seq: number): void {
    const key = `${id}:${userId}`
    this.markers.set(key, Math.max(seq, this.markers.get(key) ?? 0))
  }

  /** A conversation with the furthest marker of each person. */
  private marked(conversation: Conversation): Conversation {
    const furthest = (userId: string, readSeq: number) => Math.max(readSeq, this.markers.get(`${conversation.conversationId}:${userId}`) ?? 0)
    const participants = conversation.participants.map((one: Participant) => {
      const readSeq = furthest(one.userId, one.readSeq)
      return readSeq === one.readSeq ? one : { ...one, readSeq }
    })
    return { ...conversation, participants, readSeq: furthest(this.me ?? "", conversation.readSeq) }
  }

  private put(conversation: Conversation): void {
    const unread = Math.max(0, conversation.lastSeq - conversation.readSeq)
    this.known.set(conversation.conversationId, conversation.unread === unread ? conversation : { ...conversation, unread })
    this.changed(conversation.conversationId)
  }

  private changed(id: string): void {
    this.single.changed(id)
    this.list.changed()
    this.unread.changed()
  }

  private allChanged(): void {
    this.single.allChanged()
    this.list.changed()
    this.unread.changed()
  }

  private sorted(): Conversation[] {
    const time = ({ lastMessage, createdAt }: Conversation) => lastMessage?.timestamp ?? createdAt
    return [...this.known.values()].sort((a, b) => time(b).localeCompare(time(a)) || a.conversationId.localeCompare(b.conversationId))
  }
}
