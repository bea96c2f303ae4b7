import { uniqueId } from "./time.js"

/** What tabs of one origin tell each other. */
export type TabMessage =
  | { type: "token"; accessToken: string; expiresIn: number; at: number; user: unknown }
  | { type: "signedOut" }
  | { type: "alive?"; ask: string }
  | { type: "alive"; ask: string; tab: string }

/** The tabs of one origin that use the same backend. Each has an id in memory: a duplicated tab gets one of its own. */
export class Tabs {
  /** This tab's id. */
  id = uniqueId()
  private readonly channel: BroadcastChannel | undefined
  private readonly listeners = new Set<(message: TabMessage) => void>()

  constructor(readonly name: string) {
    if (typeof BroadcastChannel === "undefined") return
    this.channel = new BroadcastChannel(`mylg:${name}`)
    this.channel.onmessage = event => {
      const message = event.data as TabMessage
      if (message.type === "alive?") this.tell({ type: "alive", ask: message.ask, tab: this.id })
      for (const listener of this.listeners) listener(message)
    }
  }

  /** Tells all other tabs. */
  tell(message: TabMessage): void {
    this.channel?.postMessage(message)
  }

  /** Calls `listener` with what other tabs tell. Returns what ends it. */
  listen(listener: (message: TabMessage) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The ids of the other tabs that answer within this time. */
  async others(withinMs = 300): Promise<Set<string>> {
    const [ask, found] = [uniqueId(), new Set<string>()]
    if (!this.channel) return found
    const end = this.listen(message => {
      if (message.type === "alive" && message.ask === ask) found.add(message.tab)
    })
    this.tell({ type: "alive?", ask })
    await new Promise(resolve => setTimeout(resolve, withinMs))
    end()
    return found
  }

  close(): void {
    this.channel?.close()
  }
}
