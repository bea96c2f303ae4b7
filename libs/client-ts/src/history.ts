import { listMessages } from "./generated/sdk.gen.js"
import type { Message } from "./generated/types.gen.js"
import { type ChatMessage, MessageWindow } from "./messages.js"
import type { Mylg } from "./mylg.js"
import { MylgError } from "./problem.js"
import { Derived, type Readable } from "./store.js"
import { unwrap } from "./transport.js"

/** Messages around a place in a conversation, the oldest first. */
export interface HistoryList {
  items: readonly ChatMessage[]
  hasOlder: boolean
  hasNewer: boolean
  isLoading: boolean
  error?: MylgError
}

/** How many messages a page has. */
const PAGE = 25

/** A window into a conversation. It stays current: edits, deletions and reactions change it, and new messages are added where it reaches the end. */
export class History implements Readable<HistoryList> {
  private readonly window = new MessageWindow()
  private readonly list = new Derived<HistoryList>(() => ({
    items: this.window.show(this.mylg.session.state.get().user?.userId, new Map()),
    hasOlder: this.window.hasOlder,
    hasNewer: this.hasNewer,
    isLoading: this.loading,
    ...(this.error && { error: this.error }),
  }))
  readonly get = this.list.get
  readonly subscribe = this.list.subscribe
  /** Ends the window: it changes no more. */
  readonly close: () => void
  private hasNewer = true
  private loading = false
  private error: MylgError | undefined
  /** What came while a page was loading. */
  private late: Message[] = []

  constructor(private readonly mylg: Mylg, private readonly conversationId: string, private readonly seq: number) {
    this.close = mylg.chat.listen(message => this.heard(message))
    void this.load(() => this.begin())
  }

  /** Loads the messages around the place. */
  private async begin(): Promise<void> {
    const [before, after] = await Promise.all([this.page({ beforeSeq: this.seq + 1 }), this.page({ afterSeq: this.seq })])
    this.window.keep([...before, ...after])
    this.window.isLoaded = true
    this.window.hasOlder = this.window.first > 1
    this.hasNewer = after.length === PAGE
  }

  /** Loads the page before the first message. */
  loadOlder(): Promise<void> {
    return this.load(async () => {
      if (!this.window.isLoaded) return this.begin()
      if (!this.window.hasOlder) return
      const found = await this.page({ beforeSeq: this.window.first })
      this.window.keep(found)
      this.window.hasOlder = found.length > 0 && this.window.first > 1
    })
  }

  /** Loads the page after the last message. */
  loadNewer(): Promise<void> {
    return this.load(async () => {
      if (!this.window.isLoaded) return this.begin()
      if (!this.hasNewer) return
      const found = await this.page({ afterSeq: this.window.last })
      this.window.keep(found)
      this.hasNewer = found.length === PAGE
    })
  }

  private async page(query: { beforeSeq: number } | { afterSeq: number }): Promise<Message[]> {
    return (await unwrap(listMessages({ client: this.mylg.http, path: { id: this.conversationId }, query: { ...query, limit: PAGE } }))).items
  }

  /** One page at a time. An error is shown, and the next call tries again. */
  private async load(work: () => Promise<void>): Promise<void> {
    if (this.loading) return
    this.loading = true
    this.error = undefined
    this.list.changed()
    try {
      await work()
    } catch (error) {
      this.error = error as MylgError
    }
    this.loading = false
    const late = this.late
    this.late = []
    late.forEach(message => this.keep(message))
    this.list.changed()
  }

  private heard(message: Message): void {
    if (message.conversationId !== this.conversationId) return
    if (this.loading) this.late.push(message)
    else if (this.keep(message)) this.list.changed()
  }

  private keep(message: Message): boolean {
    const { last } = this.window
    if (message.seq > last + 1 && !this.hasNewer) {
      // One before it was missed: the next page has both.
      this.hasNewer = true
      return true
    }
    const isNext = message.seq === last + 1 && !this.hasNewer
    return (isNext || this.window.find(message.messageId) !== undefined) && this.window.keep([message])
  }
}

/** Opens a window at a message, such as one that a notification or a search names by its `seq`. */
export function createHistory(mylg: Mylg, conversationId: string, seq: number): History {
  return new History(mylg, conversationId, seq)
}
