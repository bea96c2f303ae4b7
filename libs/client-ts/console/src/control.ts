// The control interface of the local stack: /control, with the token of the terminal's link.

/** An event that a function handled, as the list shows it. */
export interface EventSummary {
  id: number
  at: string
  function: string
  label: string
  status: number | null
  code: string | null
  route: string | null
  action: string | null
  userId: string | null
  connectionId: string | null
  ms: number | null
  cold: boolean
  calls: number | null
  roundTrips: number | null
}

export interface Call {
  action: string
  target: string | null
  accesses: { action: string; table: string; index: string | null; keys: string[] }[]
  status: number
  error: string | null
  fault: string | null
  read: number
  write: number
  from: number
  to: number
  afterResponse: boolean
}

export interface Frame {
  id: number
  connectionId: string
  direction: "fromClient" | "toClient" | "opened" | "closed"
  at: string
  text: string
  eventId: number | null
}

/** What AWS sends to a function: the members that the console reads. */
export interface LambdaEvent {
  rawPath?: string
  rawQueryString?: string
  headers?: Record<string, string>
  cookies?: string[]
  body?: string
  isBase64Encoded?: boolean
  requestContext?: { http?: { method: string }; connectionId?: string }
}

export interface EventDetail extends EventSummary {
  requestId: string
  waitedMs: number
  /** The end of the event is missing: it was too large to keep. */
  isCut: boolean
  event: LambdaEvent
  answer: unknown
  error: string | null
  isDone: boolean
  allCalls?: Call[]
  lines: string[]
  deliveries: Frame[]
}

export interface SocketState {
  connectionId: string
  userId: string | null
  tabId: string | null
  role: string | null
  connectedAt: string
  lastActiveAt: string
  tokenExpiresAt: string | null
  toldExpiredAt: string | null
  sourceIp: string
  userAgent: string
}

export interface FunctionState {
  name: string
  binary: string
  /** When the binary on disk was built. */
  builtAt: string | null
  /** When the binary was built that was started last. */
  runningBuiltAt: string | null
  builds: number
  warm: number
  busy: number
  starts: number
}

export interface Risk {
  function?: string
  action?: string
  effect: string
  delayMs: number
  perMillion: number
}

export interface StackState {
  http: string
  ws: string
  mail: string
  people: { email: string; role: string; firstName: string; lastName: string }[]
  password: string
  functions: FunctionState[]
  clockOffsetMs: number
  sandboxes: number
  /** The number that the stack was started with. */
  usualSandboxes: number
  faults: { waiting: number; risks: Risk[]; struck: Record<string, number> }
  unlocked: boolean
}

const KEY = "mylg:control-token"

/** The token of the link. It is kept for this tab, and taken out of the address. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token")
  if (token) {
    sessionStorage.setItem(KEY, token)
    history.replaceState(null, "", location.pathname)
  }
  return sessionStorage.getItem(KEY)
}

const token = takeToken()

/** The link had a token. Whether it is good is known after the first request. */
export const hasToken = token !== null

export class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

async function send(path: string, method: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` }
  if (body !== undefined) headers["Content-Type"] = "application/json"
  const response = await fetch(`/control/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal })
  if (!response.ok) {
    const reason = { 403: "The token of the link is not that of the running stack.", 404: "It is gone.", 423: "The data is locked.", 422: "The value is not allowed." }[response.status]
    throw new ControlError(response.status, reason ?? ((await response.text()) || `The stack answered with ${response.status}.`))
  }
  return response
}

/** Reads from the control interface. */
export async function read<T>(path: string): Promise<T> {
  return (await send(path, "GET")).json() as Promise<T>
}

/** Changes something. */
export async function change(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<void> {
  await send(path, method, body)
}

/** The content of an object. */
export async function content(bucket: string, key: string): Promise<Blob> {
  return (await send(`objects/content?${new URLSearchParams({ bucket, key })}`, "GET")).blob()
}

/** What the page knows of the feed. */
export interface FeedState {
  status: "connecting" | "live" | "refused"
  /** The newest first. */
  events: readonly EventSummary[]
  /** The newest first. */
  frames: readonly Frame[]
  /** Events that the list left out because there were too many at once. */
  skipped: number
  /** The same for frames. */
  skippedFrames: number
}

const [MOST_EVENTS, MOST_FRAMES] = [500, 1_000]
let state: FeedState = { status: "connecting", events: [], frames: [], skipped: 0, skippedFrames: 0 }
const listeners = new Set<() => void>()

function set(next: Partial<FeedState>): void {
  state = { ...state, ...next }
  for (const listener of listeners) listener()
}

interface Batch {
  events: EventSummary[]
  skipped: number
  frames: Frame[]
  skippedFrames: number
}

function apply({ events, skipped, frames, skippedFrames }: Batch): void {
  const known = new Map(state.events.map(event => [event.id, event]))
  for (const event of events) known.set(event.id, event)
  set({
    status: "live",
    events: events.length > 0 ? [...known.values()].sort((a, b) => b.id - a.id).slice(0, MOST_EVENTS) : state.events,
    frames: frames.length > 0 ? [...frames.reverse(), ...state.frames].slice(0, MOST_FRAMES) : state.frames,
    skipped: state.skipped + skipped,
    skippedFrames: state.skippedFrames + skippedFrames,
  })
}

async function readFeed(): Promise<void> {
  const response = await send("feed", "GET")
  // The stack may be another one than before: its first line has all that it knows.
  set({ events: [], frames: [], skipped: 0, skippedFrames: 0 })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const lines = (rest + value).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) if (line) apply(JSON.parse(line) as Batch)
  }
}

/** Follows the feed for as long as the page is open. */
async function follow(): Promise<void> {
  for (;;) {
    try {
      await readFeed()
    } catch (error) {
      if (error instanceof ControlError && error.status === 403) return set({ status: "refused" })
    }
    set({ status: "connecting" })
    await new Promise(resolve => setTimeout(resolve, 1_000))
  }
}

let following = false

/** The feed, for `useSyncExternalStore`. */
export const feed = {
  get: () => state,
  subscribe: (listener: () => void) => {
    listeners.add(listener)
    if (!following) {
      following = true
      void follow()
    }
    return () => listeners.delete(listener)
  },
}
