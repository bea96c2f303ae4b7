import type { Client } from "./client.js"
import { login, loginWithCode, loginWithNewPassword, logout, refreshSession } from "./generated/sdk.gen.js"
import type { LoginResponse, Profile, RefreshResponse } from "./generated/types.gen.js"
import { MylgError } from "./problem.js"
import { Value } from "./store.js"
import type { Tabs } from "./tabs.js"
import { type ServerClock, backoff, uniqueId } from "./time.js"
import { type TokenSource, createTransport, unwrap } from "./transport.js"

/** Whether somebody is signed in. `unknown` until a page that was opened has found out. */
export type SessionState =
  | { status: "unknown" | "signedOut"; user?: undefined }
  | { status: "signedIn"; user: Profile }

/** Where the refresh token is. `storage`: in `localStorage`, which this client reads. `cookie`: in a cookie that no script reads. */
export type SessionStorageKind = "storage" | "cookie"

/** What is kept beyond a reload. The key is made before a refresh and belongs to it: a repetition gets the same tokens, whichever tab sends it. */
interface Kept {
  refreshToken: string | null
  key: string
}

interface Token {
  value: string
  /** When it expires, by this device's clock. */
  expiresAt: number
  /** When it is renewed, by this device's clock: at 80 % of its life. */
  renewAt: number
}

/** A token that expires sooner than this is renewed before it is used. */
const MARGIN_MS = 5_000

/** Signs in and out, and keeps the access token fresh. */
export class SessionManager implements TokenSource {
  /** Whether somebody is signed in. */
  readonly state = new Value<SessionState>({ status: "unknown" })
  private access: Token | undefined
  private refreshing: Promise<string | undefined> | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly open: Client
  private readonly renewals = new Set<(token: string) => void>()
  private readonly storageKey: string
  private readonly ends: Array<() => void> = []
  private memory: string | null = null
  /** Raised by each login and by each end: what was asked for before counts no more. */
  private epoch = 0
  private failures = 0

  constructor(
    base: string,
    private readonly kind: SessionStorageKind,
    clock: ServerClock,
    private readonly tabs: Tabs,
    fetcher?: typeof fetch,
  ) {
    this.open = createTransport(base, clock, undefined, fetcher)
    this.storageKey = `mylg:session:${tabs.name}`
    this.ends.push(
      tabs.listen(message => {
        if (message.type === "token") this.adopt(message)
        // The tab that signed out has emptied the storage. A tab that was frozen may hear of it late: somebody else's login stays.
        if (message.type === "signedOut") this.forget(false)
      }),
    )
    // Timers stop while a device sleeps.
    const on = (target: EventTarget | undefined, event: string, listener: () => void) => {
      target?.addEventListener(event, listener)
      this.ends.push(() => target?.removeEventListener(event, listener))
    }
    on(typeof document === "undefined" ? undefined : document, "visibilitychange", () => document.visibilityState === "visible" && this.wake())
    on(typeof window === "undefined" ? undefined : window, "online", () => this.wake())
  }

  /** Signs in. A `MylgError` with `challenge` says that another step is needed: `withCode` or `withNewPassword`. */
  async signIn(email: string, password: string): Promise<Profile> {
    return this.began(await unwrap(login({ client: this.open, body: { email, password }, headers: this.headers() })))
  }

  /** The second step of a login: a code of the second factor, or a recovery code. */
  async withCode(challenge: string, code: string): Promise<Profile> {
    return this.began(await unwrap(loginWithCode({ client: this.open, body: { challenge, code }, headers: this.headers() })))
  }

  /** The step of a login that needs a new password. */
  async withNewPassword(challenge: string, newPassword: string): Promise<Profile> {
    return this.began(await unwrap(loginWithNewPassword({ client: this.open, body: { challenge, newPassword }, headers: this.headers() })))
  }

  /** Goes on with the session of an earlier visit, if there is one. For a page that opens. Without a network it tries again by itself, later. */
  async restore(): Promise<SessionState> {
    if (this.kind === "storage" && !this.kept()) this.forget()
    else if (this.kind === "cookie" && this.mark()) await this.endOnServer({})
    else await this.refresh().catch(error => (this.wakeLater(), Promise.reject(error)))
    return this.state.get()
  }

  /** Signs out: here, in the other tabs, and on the server. */
  async signOut(): Promise<void> {
    const [kept, token] = [this.kept(), this.access?.value]
    this.forget()
    this.tabs.tell({ type: "signedOut" })
    if (this.kind === "cookie") this.mark(true)
    await this.endOnServer(this.kind === "storage" && kept?.refreshToken ? { refreshToken: kept.refreshToken } : {}, token)
  }

  /** Without a network, a session in storage is forgotten here and ends by itself. One in a cookie is ended by the next visit: its cookie is still there. */
  private async endOnServer(body: { refreshToken?: string }, token?: string): Promise<void> {
    this.forget()
    const headers = { ...this.headers(), ...(token && { Authorization: `Bearer ${token}` }) }
    await unwrap(logout({ client: this.open, body, headers })).then(
      () => this.mark(false),
      () => undefined,
    )
  }

  /** Whether somebody signed out who could not be signed out on the server. */
  private mark(value?: boolean): boolean {
    const key = `${this.storageKey}:out`
    if (typeof localStorage === "undefined") return false
    if (value === true) localStorage.setItem(key, "1")
    if (value === false) localStorage.removeItem(key)
    return localStorage.getItem(key) !== null
  }

  async token(): Promise<string | undefined> {
    if (this.access && this.access.expiresAt - Date.now() > MARGIN_MS) return this.access.value
    return this.state.get().status === "signedOut" ? undefined : this.refresh()
  }

  async renewed(refused: string): Promise<string | undefined> {
    if (this.access && this.access.value !== refused) return this.access.value
    this.access = undefined
    return this.refresh()
  }

  /** Gets a fresh token. Parallel calls share one request; so do tabs, because their requests have the same key. Nothing if the session has ended. */
  refresh(): Promise<string | undefined> {
    this.refreshing ??= this.exchange().finally(() => {
      this.refreshing = undefined
    })
    return this.refreshing
  }

  /** Calls `listener` with each new token. Returns what ends it. */
  onRenewal(listener: (token: string) => void): () => void {
    this.renewals.add(listener)
    return () => this.renewals.delete(listener)
  }

  /** The server has ended the session: it said so of this token, or, without one, on the socket. */
  ended(token?: string): void {
    if (token === undefined || token === this.access?.value) this.forget()
  }

  close(): void {
    this.epoch++
    clearTimeout(this.timer)
    for (const end of this.ends) end()
  }

  private async exchange(): Promise<string | undefined> {
    const epoch = this.epoch
    for (;;) {
      const kept = this.kept() ?? (this.kind === "cookie" ? this.keep(null) : undefined)
      if (!kept) return this.forget()
      try {
        const body = this.kind === "storage" ? { refreshToken: kept.refreshToken } : {}
        const headers = { ...this.headers(), "Idempotency-Key": kept.key }
        const session = (await unwrap(refreshSession({ client: this.open, body, headers }))) as Partial<RefreshResponse>
        // Somebody signed out or in meanwhile.
        if (epoch !== this.epoch) return this.access?.value
        // 204: nobody has signed in.
        if (!session.accessToken) return this.forget()
        // Another tab may have gone on meanwhile: then what it keeps is newer.
        if (this.kept()?.key === kept.key) this.keep(session.refreshToken ?? null)
        this.take(session as RefreshResponse)
        return session.accessToken
      } catch (error) {
        if (!(error instanceof MylgError) || error.status !== 401) throw error
        if (epoch !== this.epoch) return this.access?.value
        const now = this.kept()
        if (!now || now.key === kept.key) return this.forget()
      }
    }
  }

  private began(session: LoginResponse): Profile {
    this.epoch++
    this.mark(false)
    this.keep(session.refreshToken)
    this.take(session)
    return session.user
  }

  private take(session: RefreshResponse | LoginResponse): void {
    this.hold(session.accessToken, session.expiresIn, Date.now(), session.user)
    this.share(session.user)
  }

  private hold(value: string, expiresIn: number, at: number, user: Profile): void {
    const life = expiresIn * 1_000
    this.access = { value, expiresAt: at + life, renewAt: at + life * 0.8 }
    this.schedule()
    const known = this.state.get()
    if (known.status !== "signedIn" || JSON.stringify(known.user) !== JSON.stringify(user)) this.state.set({ status: "signedIn", user })
    for (const listener of this.renewals) listener(value)
  }

  private share(user: Profile): void {
    if (!this.access) return
    const life = (this.access.renewAt - this.access.expiresAt) / -0.2
    this.tabs.tell({ type: "token", accessToken: this.access.value, expiresIn: life / 1_000, at: this.access.expiresAt - life, user })
  }

  /** Another tab has a token. */
  private adopt(message: { accessToken: string; expiresIn: number; at: number; user: unknown }): void {
    const expiresAt = message.at + message.expiresIn * 1_000
    if (this.access && this.access.expiresAt >= expiresAt) return
    this.hold(message.accessToken, message.expiresIn, message.at, message.user as Profile)
  }

  private schedule(): void {
    clearTimeout(this.timer)
    if (!this.access) return
    // Not all tabs at the same moment: the first one shares what it gets.
    const wait = Math.max(0, this.access.renewAt - Date.now()) + Math.random() * 5_000
    this.timer = setTimeout(() => this.wake(), wait)
  }

  /** Renews a token whose time has come, also after a sleep. A page that opened without a network goes on with its session. */
  private wake(): void {
    const { status } = this.state.get()
    if (status === "signedOut" || (status === "unknown" && this.kind === "storage" && !this.kept())) return
    if (this.access && Date.now() < this.access.renewAt) return this.schedule()
    this.refresh().then(
      () => (this.failures = 0),
      () => this.wakeLater(),
    )
  }

  private wakeLater(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.wake(), backoff(this.failures++, 2_000))
  }

  private forget(isStorage = true): undefined {
    clearTimeout(this.timer)
    this.epoch++
    this.access = undefined
    this.memory = null
    if (isStorage && typeof localStorage !== "undefined") localStorage.removeItem(this.storageKey)
    this.state.set({ status: "signedOut" })
    return undefined
  }

  private keep(refreshToken: string | null): Kept {
    const kept = { refreshToken: this.kind === "storage" ? refreshToken : null, key: uniqueId() }
    this.memory = JSON.stringify(kept)
    if (typeof localStorage !== "undefined") localStorage.setItem(this.storageKey, this.memory)
    return kept
  }

  private kept(): Kept | undefined {
    const text = typeof localStorage === "undefined" ? this.memory : localStorage.getItem(this.storageKey)
    try {
      return text ? (JSON.parse(text) as Kept) : undefined
    } catch {
      return undefined
    }
  }

  private headers(): { "X-Session-Transport"?: "cookie" } {
    return this.kind === "cookie" ? { "X-Session-Transport": "cookie" } : {}
  }
}
