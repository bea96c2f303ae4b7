import type { Client } from "./client.js"
import {
  addReaction, deleteMessage, editMessage, getMessage, listMessages, markConversationRead, openConversation, removeReaction, sendMessage,
} from "./generated/sdk.gen.js"
import type { Change, Conversation, Message, OpenConversationData, ServerFrame } from "./generated/types.gen.js"
import type { Connection } from "./connection.js"
import { Conversations } from "./conversations.js"
import { type ChatMessage, MessageWindow, type Overlay } from "./messages.js"
import type { Outbox, Unsent } from "./outbox.js"
import { MylgError } from "./problem.js"
import { Derived, Family, batched, sameOr } from "./store.js"
import { unwrap } from "./transport.js"

/** The loaded messages of a conversation, the oldest first, and after them those that are on their way. */
export interface MessageList {
  items: readonly ChatMessage[]
  hasOlder: boolean
  isLoading: boolean
  error?: MylgError
}

/** How many messages a page has. */
const PAGE = 50
/** How often a gap is asked for before it is given up. */
const FILLS = 2

type MessageFrame = Extract<ServerFrame, { action: "newMessage" | "editMessage" | "deleteMessage" | "toggleReaction" }>

/** The conversations of the person who is signed in, and the messages that are loaded. */
export class Chat {
  /** All conversations, the one with the latest message first. */
  readonly conversations: Derived<readonly Conversation[]>
  /** How many messages are unread, of all conversations. */
  readonly unread: Derived<number>
  private readonly all: Conversations
  private readonly windows = new Map<string, MessageWindow>()
  private readonly overlays = new Map<string, Overlay[]>()
  private readonly loading = new Set<string>()
  private readonly errors = new Map<string, MylgError>()
  private readonly filling = new Set<string>()
  private readonly reading = new Map<string, number>()
  /** Markers that did not reach the server. */
  private readonly unsentMarkers = new Map<string, number>()
  /** Messages that came while a page of their conversation was loading. */
  private readonly late = new Map<string, Message[]>()
  /** What is changed in a conversation is sent one after another. */
  private readonly chains = new Map<string, Promise<unknown>>()
  private readonly lists = new Family<string, MessageList>((id, before) => this.list(id, before), id => void this.load(id))
  private readonly listeners = new Set<(message: Message) => void>()
  private me: string | undefined

  constructor(
    private readonly http: Client,
    private readonly connection: Connection,
    private readonly outbox: () => Outbox,
    private readonly onMessage: (message: Message) => void,
  ) {
    this.all = new Conversations(http)
    this.conversations = this.all.list
    this.unread = this.all.unread
  }

  /** One conversation. */
  conversation(id: string): Derived<Conversation | undefined> {
    return this.all.of(id)
  }

  /** The messages of a conversation. The first page is loaded when someone watches. */
  messages(id: string): Derived<MessageList> {
    return this.lists.of(id)
  }

  /** Calls `listener` with each message that came or changed, whether its window is loaded or not. Returns what ends it. */
  listen(listener: (message: Message) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Opens a conversation, or finds the one that there is. */
  async open(body: OpenConversationData["body"]): Promise<Conversation> {
    const conversation = await unwrap(openConversation({ client: this.http, body }))
    this.all.keep(conversation)
    return conversation
  }

  /** Sends a message. It is shown at once; the promise ends when it is stored here, not when the server has it. */
  async send(conversationId: string, message: { text?: string | null; fileIds?: string[]; mentions?: string[] }): Promise<Unsent> {
    if (!this.me) throw new MylgError({ code: "signed_out", detail: "Nobody is signed in." })
    const { text = null, fileIds = [], mentions = [] } = message
    return this.outbox().add({ conversationId, userId: this.me, text, fileIds, mentions })
  }

  /** Sends one unsent message now: over the socket while it is open, else over HTTP. For the outbox. */
  async deliver({ conversationId, optimisticId, text, fileIds, mentions }: Unsent): Promise<void> {
    const attachments = fileIds.map(fileId => ({ fileId }))
    const body = { optimisticId, text, ...(attachments.length > 0 && { attachments }), ...(mentions.length > 0 && { mentions }) }
    const frame = { action: "sendMessage" as const, conversationId, ...body }
    if (this.connection.isOpen && new TextEncoder().encode(JSON.stringify(frame)).length < 30_000) {
      const reply = await this.connection.ask(frame as never)
      if ("message" in reply && reply.message && !("truncated" in reply && reply.truncated)) this.keep([reply.message as Message])
      else await this.fetchNewer(conversationId)
    } else {
      this.keep([await unwrap(sendMessage({ client: this.http, path: { id: conversationId }, body: body as never }))])
    }
  }

  /** Changes a message's text. The change is shown at once, and taken back if it fails. */
  async edit(messageId: string, text: string): Promise<void> {
    await this.change(messageId, message => ({ ...message, text, editedAt: new Date().toISOString() }), () =>
      this.asked({ action: "editMessage", messageId, text }, () => unwrap(editMessage({ client: this.http, path: { id: messageId }, body: { text } }))),
    )
  }

  /** Deletes a message. */
  async delete(messageId: string): Promise<void> {
    const gone = (message: Message): Message => ({ ...message, deleted: true, text: null, attachments: [], mentions: [], reactions: {} })
    await this.change(messageId, gone, () =>
      this.asked({ action: "deleteMessage", messageId }, async () => {
        await unwrap(deleteMessage({ client: this.http, path: { id: messageId } }))
        return unwrap(getMessage({ client: this.http, path: { id: messageId } }))
      }),
    )
  }

  /** Sets a reaction, or takes it back. */
  async react(messageId: string, emoji: string, on: boolean): Promise<void> {
    const me = this.me ?? ""
    const toggled = (message: Message): Message => {
      const others = (message.reactions[emoji] ?? []).filter(user => user !== me)
      const { [emoji]: _, ...rest } = message.reactions
      const people = on ? [...others, me] : others
      return { ...message, reactions: people.length > 0 ? { ...rest, [emoji]: people } : rest }
    }
    const about = { client: this.http, path: { id: messageId, emoji } }
    await this.change(messageId, toggled, () =>
      this.asked({ action: "toggleReaction", messageId, emoji, on }, () => unwrap(on ? addReaction(about) : removeReaction(about))),
    )
  }

  /** Marks all messages of a conversation as read, or those up to `seq`. */
  async markRead(id: string, seq = this.all.get(id)?.lastSeq ?? 0): Promise<void> {
    const conversation = this.all.get(id)
    if (!conversation || !this.me || seq <= conversation.readSeq || seq <= (this.reading.get(id) ?? 0)) return
    this.all.readUpTo(id, this.me, seq)
    await this.sendMarker(id, seq)
  }

  private async sendMarker(id: string, seq: number): Promise<void> {
    this.reading.set(id, seq)
    try {
      if (this.connection.isOpen) await this.connection.ask({ action: "markRead", conversationId: id, seq })
      else await unwrap(markConversationRead({ client: this.http, path: { id }, body: { seq } }))
      if ((this.unsentMarkers.get(id) ?? 0) <= seq) this.unsentMarkers.delete(id)
    } catch (error) {
      if (!(error instanceof MylgError) || !error.isTemporary) throw error
      this.unsentMarkers.set(id, Math.max(seq, this.unsentMarkers.get(id) ?? 0))
    } finally {
      if (this.reading.get(id) === seq) this.reading.delete(id)
    }
  }

  /** Loads the page before the first message that is loaded. */
  async loadOlder(id: string): Promise<void> {
    const window = this.window(id)
    if (!window.isLoaded || !window.hasOlder || this.loading.has(id)) return
    await this.page(id, async () => {
      const page = await unwrap(listMessages({ client: this.http, path: { id }, query: { beforeSeq: window.first, limit: PAGE } }))
      window.keep(page.items)
      window.hasOlder = page.items.length > 0 && window.first > 1
    })
  }

  /** Loads the newest page. */
  async load(id: string): Promise<void> {
    const window = this.window(id)
    if (!this.me || window.isLoaded || this.loading.has(id)) return
    await this.page(id, async () => {
      const me = this.me
      const page = await unwrap(listMessages({ client: this.http, path: { id }, query: { limit: PAGE } }))
      if (me !== this.me) return
      window.keep(page.items)
      window.isLoaded = true
      window.hasOlder = window.first > 1
    })
  }

  /** Starts for another person, or for nobody. */
  reset(me: string | undefined): void {
    batched(() => {
      this.me = me
      for (const map of [this.overlays, this.errors, this.reading, this.unsentMarkers, this.late, this.chains]) map.clear()
      for (const window of this.windows.values()) window.clear()
      this.all.reset(me)
      this.lists.allChanged()
    })
  }

  /** Fetches all conversations, and forgets what is loaded of their messages. What is watched is loaded again. */
  async fetchAll(): Promise<void> {
    const found = await this.all.fetch()
    if (!found) return
    batched(() => {
      this.all.replace(found)
      for (const window of this.windows.values()) window.clear()
      this.lists.allChanged()
    })
    await this.loadWatched()
  }

  /** Fetches how far people have read: sync does not say it. */
  fetchMarkers(): Promise<void> {
    return this.all.fetchMarkers()
  }

  /** What failed before: markers are sent, and what is watched is loaded. */
  async refresh(): Promise<void> {
    await Promise.all([this.loadWatched(), ...[...this.unsentMarkers].map(([id, seq]) => this.sendMarker(id, seq))])
  }

  /** A count that rises with each conversation that becomes known. */
  moment(): number {
    return this.all.moment()
  }

  private async loadWatched(): Promise<void> {
    await Promise.all(this.lists.watched().map(id => this.load(id)))
  }

  /** Applies the changes of a sync page, in their order. */
  apply(changes: readonly Change[]): void {
    let messages: Message[] = []
    for (const change of changes) {
      if (change.type !== "left" && change.type !== "joined" && change.message && !change.conversation) {
        messages.push(change.message)
        continue
      }
      this.keep(messages)
      messages = []
      this.applyOne(change)
    }
    this.keep(messages)
  }

  private applyOne({ type, conversationId, conversation, message, messages, moreMessages }: Change): void {
    if (type === "left") return this.forget(conversationId)
    if (conversation) this.all.keep(conversation)
    if (type === "joined" && messages) {
      const window = this.windows.get(conversationId)
      if (window && !window.isLoaded) {
        window.isLoaded = true
        window.hasOlder = Boolean(moreMessages)
        this.lists.changed(conversationId)
      }
      // It may be known and read already: then these are only newer.
      this.keep(messages)
    }
    if (message) this.keep([message])
  }

  /** Forgets the conversations that are not among these: the last page of a sync names all. Those that became known after `before` are newer than the page. */
  retain(ids: readonly string[], before: number): void {
    for (const id of this.all.others(ids, before)) this.forget(id)
  }

  /** Applies what a frame says. */
  hear(frame: ServerFrame): void {
    switch (frame.action) {
      case "newMessage":
      case "editMessage":
      case "deleteMessage":
      case "toggleReaction":
        return this.hearMessage(frame)
      case "conversationAdded":
      case "conversationUpdated":
        if (this.all.isRemoved(frame.conversation)) return
        this.all.keep(frame.conversation)
        if (this.lists.of(frame.conversation.conversationId).isWatched) void this.load(frame.conversation.conversationId)
        return
      case "conversationRemoved":
        return this.forget(frame.conversationId, frame.version)
      case "projectRemoved":
        for (const id of this.all.ids()) if (this.all.get(id)?.projectId === frame.projectId) this.forget(id)
        return
      case "markRead":
        return this.all.readUpTo(frame.conversationId, frame.userId, frame.seq)
      case "teamChanged":
        if (frame.conversation) this.all.keep(frame.conversation)
    }
  }

  /** An unsent message was added, sent or refused. */
  unsentChanged(conversationId: string): void {
    this.lists.changed(conversationId)
  }

  private hearMessage(frame: MessageFrame): void {
    const { conversationId, messageId } = frame
    if (!this.all.get(conversationId)) void this.all.fetchOne(conversationId)
    if (frame.truncated) {
      // Text and attachments were left out.
      void unwrap(getMessage({ client: this.http, path: { id: messageId } })).then(message => this.keep([message]), () => undefined)
      return
    }
    const { action: _, conversationType: __, projectId: ___, truncated: ____, ...rest } = frame
    const { prevSeq: _____, ...message } = rest as typeof rest & { prevSeq?: number }
    this.keep([message as Message])
  }

  /** Keeps messages in their windows, and what conversations say of their latest one. */
  private keep(messages: readonly Message[]): void {
    const groups = new Map<string, Message[]>()
    for (const message of messages) {
      const group = groups.get(message.conversationId)
      if (group) group.push(message)
      else groups.set(message.conversationId, [message])
    }
    batched(() => {
      for (const [id, group] of groups) {
        const markers = new Map<string, number>()
        let latest = group[0] as Message
        for (const message of group) {
          if (message.optimisticId && message.senderId === this.me) void this.outbox().arrived(message.optimisticId)
          this.onMessage(message)
          for (const listener of this.listeners) listener(message)
          if (message.seq >= latest.seq) latest = message
          if (message.seq > (markers.get(message.senderId) ?? 0)) markers.set(message.senderId, message.seq)
        }
        this.all.heardMessage(latest)
        // A send marks all before it as read.
        for (const [sender, seq] of markers) this.all.readUpTo(id, sender, seq)
        this.show(id, group)
      }
    })
  }

  private show(id: string, messages: readonly Message[]): void {
    const window = this.windows.get(id)
    if (this.loading.has(id)) this.late.set(id, [...(this.late.get(id) ?? []), ...messages])
    if (!window?.isLoaded) return
    const { first, last, hasOlder } = window
    // What is before the first one here comes with its page, unless there is no such page.
    if (window.keep(hasOlder ? messages.filter(({ seq }) => seq >= first) : messages)) this.lists.changed(id)
    if (window.gapAfter(last) !== undefined) void this.fill(id, last)
  }

  /** Fetches what is missing after `seq`. A gap that stays is given up: the server has nothing there for this person. */
  private async fill(id: string, after: number): Promise<void> {
    if (this.filling.has(id)) return
    this.filling.add(id)
    try {
      const window = this.window(id)
      let gap: number | undefined = after
      for (let tries = 0; gap !== undefined && tries < FILLS; ) {
        const page = await unwrap(listMessages({ client: this.http, path: { id }, query: { afterSeq: gap, limit: 100 } }))
        if (window.keep(page.items)) this.lists.changed(id)
        const next = window.gapAfter(after)
        tries = next === gap ? tries + 1 : 0
        gap = next
      }
      if (this.errors.delete(id)) this.lists.changed(id)
    } catch (error) {
      this.errors.set(id, error as MylgError)
      this.lists.changed(id)
    } finally {
      this.filling.delete(id)
    }
  }

  private async fetchNewer(id: string): Promise<void> {
    const page = await unwrap(listMessages({ client: this.http, path: { id }, query: { limit: PAGE } }))
    this.keep([...page.items].sort((a, b) => a.seq - b.seq))
  }

  private forget(id: string, version?: number): void {
    this.all.forget(id, version)
    this.late.delete(id)
    this.windows.get(id)?.clear()
    this.lists.changed(id)
  }

  private window(id: string): MessageWindow {
    let window = this.windows.get(id)
    if (!window) {
      window = new MessageWindow()
      this.windows.set(id, window)
    }
    return window
  }

  private list(id: string, before: MessageList | undefined): MessageList {
    const window = this.window(id)
    const unsent = this.outbox().of(id).map(entry => asUnsent(entry))
    const items = sameOr(before?.items, [...window.show(this.me, this.overlays), ...unsent])
    const error = this.errors.get(id)
    const isLoading = this.loading.has(id) || (!window.isLoaded && !error)
    return { items, hasOlder: window.isLoaded && window.hasOlder, isLoading, ...(error && { error }) }
  }

  private async page(id: string, load: () => Promise<void>): Promise<void> {
    this.loading.add(id)
    this.errors.delete(id)
    this.lists.changed(id)
    try {
      await load()
    } catch (error) {
      this.errors.set(id, error as MylgError)
    } finally {
      this.loading.delete(id)
      const late = this.late.get(id) ?? []
      this.late.delete(id)
      this.show(id, late)
      this.lists.changed(id)
    }
  }

  /** Shows a change, makes it, and keeps what the server says, or takes the change back. */
  private async change(messageId: string, change: Overlay["change"], make: () => Promise<Message | undefined>): Promise<void> {
    const overlay = { messageId, change }
    this.overlay(messageId, list => [...list, overlay])
    const id = [...this.windows].find(([, window]) => window.find(messageId))?.[0] ?? messageId
    const turn = (this.chains.get(id) ?? Promise.resolve()).then(make, make)
    const done = turn.catch(() => undefined)
    this.chains.set(id, done)
    try {
      const message = await turn
      if (message) this.keep([message])
    } finally {
      if (this.chains.get(id) === done) this.chains.delete(id)
      this.overlay(messageId, list => list.filter(one => one !== overlay))
    }
  }

  private overlay(messageId: string, change: (list: Overlay[]) => Overlay[]): void {
    const list = change(this.overlays.get(messageId) ?? [])
    if (list.length > 0) this.overlays.set(messageId, list)
    else this.overlays.delete(messageId)
    for (const [id, window] of this.windows) if (window.find(messageId)) this.lists.changed(id)
  }

  /** Over the socket while it is open. Where its reply is lost, HTTP does it again: each of these may be done twice. */
  private async asked(frame: Parameters<Connection["ask"]>[0], http: () => Promise<Message | undefined>): Promise<Message | undefined> {
    if (this.connection.isOpen) {
      try {
        const reply = await this.connection.ask(frame)
        if ("message" in reply && reply.message && !("truncated" in reply && reply.truncated)) return reply.message as Message
      } catch (error) {
        if (!(error instanceof MylgError) || !["closed", "timeout", "internal"].includes(error.code)) throw error
      }
    }
    return http()
  }

}

const unsentShown = new WeakMap<Unsent, ChatMessage>()

function asUnsent(entry: Unsent): ChatMessage {
  let shown = unsentShown.get(entry)
  if (!shown) {
    const { optimisticId, conversationId, userId, text, fileIds, mentions, order, failure } = entry
    const attachments = fileIds.map(fileId => ({ fileId, key: null, name: "", size: null, type: "" }))
    shown = {
      messageId: optimisticId, optimisticId, conversationId, senderId: userId, text, attachments, mentions, seq: 0, version: 0, deleted: false,
      editedAt: null, reactions: {}, timestamp: new Date(order).toISOString(), key: `${userId}:${optimisticId}`, status: failure ? "failed" : "sending",
      ...(failure && { error: new MylgError(failure) }),
    }
    unsentShown.set(entry, shown)
  }
  return shown
}
