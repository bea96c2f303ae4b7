import type { Message } from "./generated/types.gen.js"
import type { MylgError } from "./problem.js"

/** A message as a page shows it: on the server, or on its way there. */
export interface ChatMessage extends Message {
  /** Stays the same from the first attempt to send on: fit for React's `key`. */
  key: string
  /** `sending` has not reached the server yet. `failed` will not be tried again by itself: `error` says why. */
  status: "sent" | "sending" | "failed"
  error?: MylgError
}

/** A change that is shown before the server has made it. */
export interface Overlay {
  messageId: string
  change: (message: Message) => Message
}

/** The messages of one conversation that are loaded: a range of `seq` without gaps, as far as is known. */
export class MessageWindow {
  /** Whether a first page has been loaded. */
  isLoaded = false
  /** Whether there are messages before the first one here. */
  hasOlder = true
  private readonly byId = new Map<string, Message>()
  private sorted: Message[] = []
  private shown = new WeakMap<Message, ChatMessage>()

  get first(): number {
    return this.sorted[0]?.seq ?? 0
  }

  get last(): number {
    return this.sorted.at(-1)?.seq ?? 0
  }

  get size(): number {
    return this.sorted.length
  }

  find(messageId: string): Message | undefined {
    return this.byId.get(messageId)
  }

  /** Keeps the highest version of each. Returns whether anything changed. */
  keep(messages: readonly Message[]): boolean {
    const added: Message[] = []
    let changed = false
    for (const message of messages) {
      const known = this.byId.get(message.messageId)
      if (known && known.version >= message.version) continue
      this.byId.set(message.messageId, message)
      changed = true
      if (known) this.sorted[this.indexOf(known.seq)] = message
      else added.push(message)
    }
    if (added.length > 0) this.insert(added)
    return changed
  }

  /** Forgets everything. */
  clear(): void {
    this.byId.clear()
    this.sorted = []
    this.shown = new WeakMap()
    this.isLoaded = false
    this.hasOlder = true
  }

  /** The `seq` after which the first message is missing, from this one on. */
  gapAfter(from: number): number | undefined {
    if (this.size > 0 && from < this.first - 1 && !this.hasOlder) return from
    for (let index = Math.max(1, this.indexOf(from) + 1); index < this.sorted.length; index++) {
      const before = this.sorted[index - 1]?.seq ?? 0
      if (before >= from && (this.sorted[index]?.seq ?? 0) > before + 1) return before
    }
    return undefined
  }

  /** As a page shows them. An entry stays the same object until its message changes. */
  show(me: string | undefined, overlays: ReadonlyMap<string, readonly Overlay[]>): ChatMessage[] {
    return this.sorted.map(message => {
      const changes = overlays.get(message.messageId)
      if (changes) return asShown(changes.reduce((result, overlay) => overlay.change(result), message), me)
      let entry = this.shown.get(message)
      if (!entry) {
        entry = asShown(message, me)
        this.shown.set(message, entry)
      }
      return entry
    })
  }

  /** Where the message with this `seq` is, or would be. */
  private indexOf(seq: number): number {
    let [low, high] = [0, this.sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.sorted[middle]?.seq ?? 0) < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  private insert(added: Message[]): void {
    added.sort((a, b) => a.seq - b.seq)
    const [before, first] = [this.last, added[0]?.seq ?? 0]
    if (first > before) {
      for (const message of added) this.sorted.push(message)
    } else if (this.sorted.length === 0 || (added.at(-1)?.seq ?? 0) < this.first) {
      this.sorted = [...added, ...this.sorted]
    } else {
      this.sorted = [...this.sorted, ...added].sort((a, b) => a.seq - b.seq)
    }
  }
}

function asShown(message: Message, me: string | undefined): ChatMessage {
  const isMine = message.senderId === me && message.optimisticId !== null
  return { ...message, key: isMine ? `${message.senderId}:${message.optimisticId}` : message.messageId, status: "sent" }
}
