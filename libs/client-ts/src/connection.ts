import type { Client } from "./client.js"
import { createSocketTicket } from "./generated/sdk.gen.js"
import type { ClientFrame, ServerAck, ServerClosing, ServerFrame, ServerPong, ServerPresenceSnapshot } from "./generated/types.gen.js"
import { MylgError } from "./problem.js"
import type { SessionManager } from "./session.js"
import { Value } from "./store.js"
import type { Tabs } from "./tabs.js"
import { type ServerClock, backoff, uniqueId } from "./time.js"
import { unwrap } from "./transport.js"

/** Whether the client is live. `waiting`: it tries again. `asleep`: the tab is hidden for long, or the device is offline. `stopped`: `reason` says why it does not come back by itself. */
export interface ConnectionState {
  status: "off" | "connecting" | "live" | "waiting" | "asleep" | "stopped"
  reason?: ServerClosing["reason"] | "offline" | "hidden"
}

/** What a frame is answered with. */
export type Reply = ServerAck | ServerPong | ServerPresenceSnapshot

type Outgoing = ClientFrame extends infer Frame ? (Frame extends { action: string } ? Omit<Frame, "ref"> : never) : never

/** Times in milliseconds. Tests have shorter ones. */
export const TIMES = {
  /** A socket that does not open in this time is given up. */
  open: 15_000,
  /** A frame without a reply in this time: the socket is dead. */
  reply: 15_000,
  /** API Gateway closes a socket after ten minutes without a frame. */
  ping: 300_000,
  /** API Gateway closes a socket after two hours. The next one is open before. */
  replace: 6_600_000,
  /** A hidden tab keeps its socket for so long. */
  hidden: 300_000,
  /** After a sleep a socket must answer in this time, and an attempt to connect must have begun since. */
  probe: 5_000,
}

/** One open WebSocket. */
class Socket {
  private readonly waiting = new Map<string, { resolve: (reply: Reply) => void; reject: (error: MylgError) => void; timer: ReturnType<typeof setTimeout> }>()
  closing: ServerClosing | undefined
  isRevoked = false

  constructor(readonly raw: WebSocket, private readonly onFrame: (frame: ServerFrame) => void, private readonly onDead: () => void) {
    raw.onmessage = event => this.receive(String(event.data))
  }

  ask(frame: Outgoing, within = TIMES.reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.raw.readyState !== WebSocket.OPEN) return reject(new MylgError({ code: "closed" }))
      const ref = uniqueId()
      const timer = setTimeout(() => {
        this.waiting.delete(ref)
        reject(new MylgError({ code: "timeout" }))
        this.onDead()
      }, within)
      this.waiting.set(ref, { resolve, reject, timer })
      this.raw.send(JSON.stringify({ ...frame, ref }))
    })
  }

  private receive(text: string): void {
    const frame = JSON.parse(text) as ServerFrame & { ref?: string }
    const asked = typeof frame.ref === "string" ? this.waiting.get(frame.ref) : undefined
    if (asked && frame.ref && frame.action) {
      this.waiting.delete(frame.ref)
      clearTimeout(asked.timer)
      if (frame.action === "error") asked.reject(new MylgError(frame))
      else asked.resolve(frame as Reply)
      return
    }
    if (frame.action === "closing") this.closing = frame
    if (frame.action === "sessionRevoked") this.isRevoked = true
    if (frame.action) this.onFrame(frame)
    // The gateway's own errors have no action, and do not say what they are about: whether what was asked is done is not known.
    else this.fail(new MylgError({ code: "internal", detail: "The gateway reports an error." }))
  }

  /** Whatever was asked has no reply. */
  private fail(error: MylgError): void {
    const asked = [...this.waiting.values()]
    this.waiting.clear()
    for (const { reject, timer } of asked) {
      clearTimeout(timer)
      reject(error)
    }
  }

  /** Ends it. What was asked has no reply: whether it was done is not known. */
  end(): void {
    this.raw.onmessage = this.raw.onclose = this.raw.onerror = null
    this.raw.close()
    this.fail(new MylgError({ code: "closed" }))
  }
}

/** Keeps a socket open: tickets, renewal, replacement before the gateway's limit, and every way back. */
export class Connection {
  readonly state = new Value<ConnectionState>({ status: "off" })
  private socket: Socket | undefined
  private attempt = 0
  private generation = 0
  private timers: Array<ReturnType<typeof setTimeout>> = []
  private retry: ReturnType<typeof setTimeout> | undefined
  private hiding: ReturnType<typeof setTimeout> | undefined
  private isWanted = false
  /** When the attempt to connect began that is under way. */
  private opening: number | undefined
  private lastTick = Date.now()
  private readonly ends: Array<() => void> = []

  constructor(
    private readonly about: { url: string; http: Client; session: SessionManager; tabs: Tabs; clock: ServerClock },
    private readonly handlers: {
      /** A socket is open. Frames are kept back until this has ended; if it fails, the socket is given up. */
      opened: () => Promise<void>
      frame: (frame: ServerFrame) => void
    },
  ) {
    const on = (target: EventTarget | undefined, event: string, listener: () => void) => {
      target?.addEventListener(event, listener)
      this.ends.push(() => target?.removeEventListener(event, listener))
    }
    const page = typeof document === "undefined" ? undefined : document
    const view = typeof window === "undefined" ? undefined : window
    on(view, "online", () => this.wake(false))
    on(view, "offline", () => this.sleep("offline"))
    on(page, "visibilitychange", () => (page?.visibilityState === "hidden" ? this.hide() : this.wake(true)))
    on(view, "focus", () => this.wake(true))
    on(page, "resume", () => this.wake(false))
    this.ends.push(about.session.onRenewal(token => void this.authorize(token).catch(() => undefined)))
    // A device that slept: this timer was late.
    const ticks = setInterval(() => {
      const late = Date.now() - this.lastTick > 30_000
      this.lastTick = Date.now()
      if (late && !this.isHidden()) this.wake(false)
    }, 10_000)
    this.ends.push(() => clearInterval(ticks))
  }

  /** Whether frames can be sent now. */
  get isOpen(): boolean {
    return this.socket?.raw.readyState === WebSocket.OPEN
  }

  /** Connects, and stays connected. */
  start(): void {
    if (this.isWanted) return
    this.isWanted = true
    this.attempt = 0
    if (this.isHidden()) this.hide()
    this.connect()
  }

  /** Disconnects. */
  stop(): void {
    this.isWanted = false
    this.drop({ status: "off" })
  }

  close(): void {
    this.stop()
    clearTimeout(this.hiding)
    for (const end of this.ends) end()
  }

  /** Sends a frame and waits for its reply. A `MylgError` with `closed` or `timeout` leaves open whether it was done. */
  async ask(frame: Outgoing): Promise<Reply> {
    const socket = this.socket
    if (!socket) throw new MylgError({ code: "closed" })
    try {
      return await socket.ask(frame)
    } catch (error) {
      if (!(error instanceof MylgError) || error.code !== "auth_expired" || frame.action === "auth") throw error
      await this.renewLate(socket)
      return socket.ask(frame)
    }
  }

  private isHidden(): boolean {
    return typeof document !== "undefined" && document.visibilityState === "hidden"
  }

  private hide(): void {
    this.hiding ??= setTimeout(() => {
      this.hiding = undefined
      if (this.isHidden()) this.sleep("hidden")
    }, TIMES.hidden)
  }

  private sleep(reason: "offline" | "hidden"): void {
    if (!this.isWanted || this.state.get().status === "stopped") return
    this.drop({ status: "asleep", reason })
  }

  /** The page is seen again, the network is back, or the device woke up: connects at once, or finds out whether the socket still lives. */
  private wake(isSeen: boolean): void {
    if (this.isHidden()) this.hide()
    else this.hiding = void clearTimeout(this.hiding)
    if (!this.isWanted) return
    const { status, reason } = this.state.get()
    if (status === "stopped" && !(isSeen && reason === "too_many_connections")) return
    if (reason === "hidden" && this.isHidden()) return
    if (this.socket && status === "live") {
      this.socket.ask({ action: "ping" }, TIMES.probe).catch(() => undefined)
      return
    }
    // An attempt from before may hang on a link that is gone.
    if (this.opening !== undefined && Date.now() - this.opening < TIMES.probe) return
    this.attempt = 0
    this.connect()
  }

  private connect(): void {
    clearTimeout(this.retry)
    if (typeof navigator !== "undefined" && navigator.onLine === false) return this.drop({ status: "asleep", reason: "offline" })
    const generation = ++this.generation
    if (!this.socket) this.state.set({ status: "connecting" })
    this.opening = Date.now()
    const ended = () => {
      if (generation === this.generation) this.opening = undefined
    }
    this.open(generation).then(ended, (error: unknown) => {
      ended()
      if (generation !== this.generation) return
      if (this.about.session.state.get().status === "signedOut") return this.drop({ status: "off" })
      if (error instanceof MylgError && error.code === "account_pending") return this.drop({ status: "stopped", reason: "account_pending" })
      this.again(error instanceof MylgError ? (error.retryAfterMs ?? 0) : 0)
    })
  }

  private async open(generation: number): Promise<void> {
    const token = await this.about.session.token()
    const { ticket } = await unwrap(createSocketTicket({ client: this.about.http, body: {} }))
    const url = `${this.about.url}?ticket=${encodeURIComponent(ticket)}&tabId=${this.about.tabs.id}`
    const raw = new WebSocket(url)
    const waiting: ServerFrame[] = []
    let deliver = (frame: ServerFrame): void => void waiting.push(frame)
    const socket = new Socket(raw, frame => this.hear(socket, frame) && deliver(frame), () => this.lost(socket))
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new MylgError({ code: "timeout" })), TIMES.open)
        raw.onopen = () => (clearTimeout(timer), resolve())
        raw.onerror = raw.onclose = () => (clearTimeout(timer), reject(new MylgError({ code: "closed" })))
      })
      if (generation !== this.generation) throw new MylgError({ code: "closed" })
      raw.onerror = null
      raw.onclose = () => this.lost(socket)
      const before = this.socket
      this.socket = socket
      // A socket that was replaced in time goes when the next one is there.
      before?.end()
      // The ticket stands for the token that it was asked for with.
      const now = await this.about.session.token()
      if (now && now !== token) await socket.ask({ action: "auth", token: now })
      await this.handlers.opened()
      if (this.socket !== socket) throw new MylgError({ code: "closed" })
    } catch (error) {
      socket.end()
      if (this.socket === socket) this.socket = undefined
      throw error
    }
    for (const frame of waiting.splice(0)) this.handlers.frame(frame)
    deliver = frame => this.handlers.frame(frame)
    this.attempt = 0
    this.clearTimers()
    this.timers = [
      setInterval(() => this.socket?.ask({ action: "ping" }).catch(() => undefined), TIMES.ping),
      setTimeout(() => this.connect(), TIMES.replace * (1 - Math.random() * 0.05)),
    ]
    this.state.set({ status: "live" })
  }

  /** Deals with what frames say of the connection itself. Whether the frame is anybody else's business. */
  private hear(socket: Socket, frame: ServerFrame): boolean {
    if (frame.action === "auth_expired") {
      if (socket === this.socket) this.renewLate(socket).catch(() => this.lost(socket))
      return false
    }
    return frame.action !== "closing" && frame.action !== "sessionRevoked"
  }

  private async authorize(token: string): Promise<void> {
    await this.socket?.ask({ action: "auth", token })
  }

  /** The token has run out: within a minute another one saves the connection. Deliveries were left out, so it catches up. */
  private async renewLate(socket: Socket): Promise<void> {
    const token = await this.about.session.refresh()
    if (!token || socket !== this.socket) throw new MylgError({ code: "closed" })
    await socket.ask({ action: "auth", token })
    await this.handlers.opened()
  }

  /** A socket is closed, or does not answer. */
  private lost(socket: Socket): void {
    if (socket !== this.socket) return socket.end()
    const { closing, isRevoked } = socket
    if (isRevoked) {
      this.drop({ status: "off" })
      return this.about.session.ended()
    }
    if (closing?.reason === "replaced" && this.opening !== undefined) {
      // By the next socket of this tab, which is about to open.
      return this.end()
    }
    if (closing?.reason === "replaced") {
      // Another tab has this tab's id: one that was duplicated with its memory, or an old page. This one takes another.
      this.about.tabs.id = uniqueId()
    } else if (closing && !closing.reconnect) {
      return this.drop({ status: "stopped", reason: closing.reason })
    }
    this.end()
    if (closing?.reason === "rights_changed") {
      this.state.set({ status: "waiting" })
      const generation = ++this.generation
      const next = (): void => void (generation === this.generation && this.isWanted && this.connect())
      this.about.session.refresh().then(next, () => this.again(0))
      return
    }
    this.again(0)
  }

  /** Tries again after a wait. */
  private again(least: number): void {
    if (!this.isWanted) return
    if (!this.socket) this.state.set({ status: "waiting" })
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), backoff(this.attempt++, 250, 30_000, least))
  }

  private end(): void {
    this.clearTimers()
    this.socket?.end()
    this.socket = undefined
  }

  private drop(state: ConnectionState): void {
    this.generation++
    this.opening = undefined
    clearTimeout(this.retry)
    this.end()
    this.state.set(state)
  }

  private clearTimers(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers = []
  }
}
