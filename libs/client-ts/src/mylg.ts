import { Chat } from "./chat.js"
import { Connection, type ConnectionState } from "./connection.js"
import type { Client } from "./client.js"
import { sync } from "./generated/sdk.gen.js"
import type { ServerFrame } from "./generated/types.gen.js"
import { Notifications } from "./notifications.js"
import { Outbox, openOutboxStorage } from "./outbox.js"
import { People } from "./people.js"
import { Presence } from "./presence.js"
import { MylgError } from "./problem.js"
import { Projects } from "./projects.js"
import { SessionManager, type SessionStorageKind } from "./session.js"
import { type Readable, batched } from "./store.js"
import { Tabs } from "./tabs.js"
import { ServerClock } from "./time.js"
import { createTransport, unwrap } from "./transport.js"

/** Where the backend is, and how this client uses it. */
export interface MylgOptions {
  /** The address of the HTTP API, such as `http://localhost:3000`. */
  api: string
  /** The address of the WebSocket API, such as `ws://localhost:3001`. */
  ws: string
  /** Where the refresh token is: `storage` (this client keeps it in `localStorage`) or `cookie` (no script reads it). */
  session?: SessionStorageKind
  /** In place of `fetch`. */
  fetch?: typeof fetch
  /** Keeps the session, the tabs and the outbox of this client apart from those of other clients of the same origin. By default the address of the API. */
  name?: string
  /** How often a live page that is seen asks what has changed, in milliseconds; five minutes by default. A server that dies after a write tells nobody of it. */
  syncEveryMs?: number
}

/** A client: sign in, and the rest is live. Everything that changes is a `Readable`: `get()` and `subscribe()`. */
export class Mylg {
  /** For the generated functions: `unwrap(getMe({ client: mylg.http }))`. */
  readonly http: Client
  readonly session: SessionManager
  readonly connection: Readable<ConnectionState>
  readonly chat: Chat
  readonly projects: Projects
  readonly presence: Presence
  readonly people: People
  readonly notifications: Notifications
  readonly outbox: Outbox
  private readonly socket: Connection
  private readonly tabs: Tabs
  private readonly clock = new ServerClock()
  private readonly ends: Array<() => void> = []
  private me: string | undefined
  private cursor: string | undefined
  private lookingUp: ReturnType<typeof setTimeout> | undefined
  /** Catching up is done one after another. */
  private catchingUp: Promise<void> = Promise.resolve()
  private next: Promise<void> | undefined

  constructor({ api, ws, session = "storage", fetch, name = api, syncEveryMs = 300_000 }: MylgOptions) {
    this.tabs = new Tabs(name)
    this.session = new SessionManager(api, session, this.clock, this.tabs, fetch)
    this.http = createTransport(api, this.clock, this.session, fetch)
    this.socket = new Connection(
      { url: ws, http: this.http, session: this.session, tabs: this.tabs, clock: this.clock },
      { opened: () => this.catchUp(), frame: frame => this.hear(frame) },
    )
    this.connection = this.socket.state
    this.presence = new Presence(this.socket, this.clock)
    this.chat = new Chat(this.http, this.socket, () => this.outbox, message => this.presence.heardMessage(message))
    this.outbox = new Outbox(openOutboxStorage(name), this.tabs, entry => this.chat.deliver(entry), id => this.chat.unsentChanged(id))
    this.projects = new Projects(this.http, this.socket, this.clock)
    this.people = new People(this.http)
    this.notifications = new Notifications(this.http)
    this.ends.push(this.session.state.subscribe(() => this.sessionChanged()))
    const turns = setInterval(() => this.everyHalfMinute(), 30_000)
    const syncs = setInterval(() => this.isSeen() && this.catchUp().catch(() => undefined), syncEveryMs)
    this.ends.push(() => (clearInterval(turns), clearInterval(syncs)))
  }

  /** Signs in, and goes live. */
  signIn(email: string, password: string) {
    return this.session.signIn(email, password)
  }

  /** Goes on with the session of an earlier visit. For a page that opens. */
  restore() {
    return this.session.restore()
  }

  /** Signs out, here and in the other tabs. */
  signOut() {
    return this.session.signOut()
  }

  /** Ends everything of this client. The session stays. */
  close(): void {
    clearTimeout(this.lookingUp)
    for (const end of this.ends) end()
    this.socket.close()
    this.session.close()
    this.outbox.clear()
    this.presence.reset()
    this.tabs.close()
  }

  private sessionChanged(): void {
    const me = this.session.state.get().user?.userId
    if (me === this.me) return
    this.me = me
    this.cursor = undefined
    this.next = undefined
    this.socket.stop()
    this.outbox.clear()
    batched(() => {
      this.chat.reset(me)
      this.projects.reset(me)
      this.presence.reset()
      this.notifications.reset()
      this.people.reset(me)
    })
    if (!me) return
    void this.outbox.adopt(me)
    // Does not wait for a socket: HTTP is the truth.
    this.catchUp().catch(() => undefined)
    this.socket.start()
  }

  /** Whether the page is live, and not in the background. */
  private isSeen(): boolean {
    const isHidden = typeof document !== "undefined" && document.visibilityState === "hidden"
    return this.socket.state.get().status === "live" && !isHidden
  }

  private everyHalfMinute(): void {
    if (!this.me) return
    // Unsent messages of a tab that was closed.
    void this.outbox.adopt(this.me)
    // No socket gets through: the page is not live, but not stale either.
    if (!["live", "off", "asleep"].includes(this.socket.state.get().status)) this.catchUp().catch(() => undefined)
  }

  private catchUp(): Promise<void> {
    const me = this.me
    // One that has not begun yet will see what this one would.
    this.next ??= this.catchingUp.then(() => {
      this.next = undefined
      return me === this.me ? this.bringUpToDate(me) : undefined
    })
    this.catchingUp = this.next.catch(() => undefined)
    return this.next
  }

  /** Brings everything up to date. While a socket opens, its frames wait until this has ended: nothing falls between. */
  private async bringUpToDate(me: string | undefined): Promise<void> {
    if (this.cursor === undefined || !(await this.catchUpFrom(this.cursor, me))) {
      // The cursor comes first: what changes during the fetch comes again with the next sync, or as a frame.
      const { cursor } = await unwrap(sync({ client: this.http }))
      await Promise.all([this.chat.fetchAll(), this.notifications.fetchAll()])
      if (me !== this.me) return
      this.cursor = cursor
    }
    // Nothing here may keep messages from being live.
    void this.presence.lookUp().catch(() => undefined)
    void this.projects.refresh()
    void this.chat.refresh().catch(() => undefined)
    this.outbox.wake()
  }

  /** Applies what has changed since a cursor. Whether it was good: one that is too old is not. */
  private async catchUpFrom(since: string, me: string | undefined): Promise<boolean> {
    try {
      for (let more = true; more; ) {
        const before = this.chat.moment()
        const page = await unwrap(sync({ client: this.http, query: { since, limit: 100 } }))
        if (me !== this.me) return true
        batched(() => {
          this.chat.apply(page.changes)
          if (page.conversationIds) this.chat.retain(page.conversationIds, before)
          this.notifications.synced(page.notifications)
        })
        this.cursor = since = page.cursor
        more = page.more
      }
      // Read markers are not among the changes.
      await this.chat.fetchMarkers()
      return true
    } catch (error) {
      if (error instanceof MylgError && (error.code === "cursor_expired" || error.code === "invalid_cursor")) return false
      throw error
    }
  }

  private hear(frame: ServerFrame): void {
    batched(() => {
      for (const part of [this.chat, this.projects, this.presence, this.notifications]) part.hear(frame)
    })
    // Other people are concerned from now on. Many such frames come together: one question is enough.
    if (["conversationAdded", "conversationUpdated", "teamChanged"].includes(frame.action)) {
      clearTimeout(this.lookingUp)
      this.lookingUp = setTimeout(() => void this.presence.lookUp().catch(() => undefined), 500)
    }
  }
}

/** Makes a client. One for each page is enough. */
export function createMylg(options: MylgOptions): Mylg {
  return new Mylg(options)
}
