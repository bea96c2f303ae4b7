import type { Client } from "./client.js"
import type { Problem } from "./generated/types.gen.js"
import { MylgError } from "./problem.js"
import { type ServerClock, backoff, sleep, uniqueId } from "./time.js"

/** Where requests get their access token. */
export interface TokenSource {
  /** The token to send, renewed if need be. Nothing if nobody is signed in. */
  token(): Promise<string | undefined>
  /** The server has refused this token. Another one, or nothing. */
  renewed(refused: string): Promise<string | undefined>
  /** The server says that this token's session has ended. */
  ended(token: string): void
}

/** A response with its body. */
interface Answer {
  response: Response
  text: string
}

/** What the generated functions ask for. */
interface Call {
  url: string
  path?: Record<string, string>
  query?: Record<string, string | number | undefined>
  body?: unknown
  headers?: Record<string, string | undefined>
  signal?: AbortSignal
}

interface Result {
  data?: unknown
  error?: unknown
  response?: Response
}

/** How often a request is repeated. */
const REPETITIONS = 3
/** The longest `Retry-After` that is waited for. A longer one is the caller's to decide on. */
const PATIENCE_MS = 30_000
/** A request without a response ends after this time. */
const TIMEOUT_MS = 30_000

/** Operations that take an `Idempotency-Key`: a repetition gets the first answer. */
const KEYED = ["POST /projects", "PATCH /projects/{id}/budget", "POST /messages/conversations"]
/** Other POST requests that may be done twice. */
const REPEATABLE = /\/(ws-ticket|complete|logout)$/

/** Makes the client that the generated functions take. It repeats what is safe to repeat, and renews the token once. */
export function createTransport(base: string, clock: ServerClock, tokens?: TokenSource, fetcher: typeof fetch = (...request) => fetch(...request)): Client {
  const run = async (method: string, call: Call): Promise<Result> => {
    try {
      const { response, text } = await send(method, call)
      const value = parsed(text)
      return response.ok ? { data: value ?? {}, response } : { error: value ?? text, response }
    } catch (error) {
      return { error }
    }
  }
  const send = async (method: string, call: Call): Promise<Answer> => {
    const headers = new Headers()
    for (const [name, value] of Object.entries(call.headers ?? {})) if (value !== undefined && (call.body !== undefined || name !== "Content-Type")) headers.set(name, value)
    if (KEYED.includes(`${method} ${call.url}`) && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", uniqueId())
    const isSafe = isRepeatable(method, call, headers)
    const init = { method, headers, credentials: "include" as const, ...(call.body !== undefined && { body: JSON.stringify(call.body) }) }
    let token = await tokens?.token()
    let wasRenewed = false
    for (let attempt = 0; ; attempt++) {
      if (token) headers.set("Authorization", `Bearer ${token}`)
      const answer = await once(base + address(call), init, call.signal).catch((error: unknown) => {
        if (call.signal?.aborted) throw call.signal.reason
        if (!isSafe || attempt >= REPETITIONS) throw new MylgError({ code: "network", detail: `No response: ${String(error)}` })
        return undefined
      })
      const status = answer?.response.status
      const code = answer && status === 401 ? (parsed(answer.text) as Partial<Problem> | undefined)?.code : undefined
      if (answer && token && tokens && code === "session_revoked") {
        tokens.ended(token)
        return answer
      }
      if (answer && token && tokens && !wasRenewed && (code === "token_expired" || code === "invalid_token")) {
        wasRenewed = true
        token = await tokens.renewed(token)
        if (!token) return answer
        attempt--
        continue
      }
      // What 429 refuses was not done.
      const waits = status === 429 || (status === 503 && isSafe)
      const least = (answer && retryAfter(answer.response)) ?? 0
      if (answer && (!waits || attempt >= REPETITIONS || least > PATIENCE_MS)) return answer
      await sleep(backoff(attempt, 250, 8_000, least), call.signal)
    }
  }
  const once = async (url: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> => {
    const sent = Date.now()
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetcher(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
    clock.learn(Date.parse(response.headers.get("Date") ?? ""), sent, Date.now(), 1_000)
    return { response, text: await response.text() }
  }
  const methods = ["get", "post", "put", "patch", "delete"].map(method => [method, (call: Call) => run(method.toUpperCase(), call)])
  return Object.fromEntries(methods) as unknown as Client
}

/** The path and query of a call. */
function address({ url, path = {}, query = {} }: Call): string {
  const filled = url.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""))
  const named = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return named.length > 0 ? `${filled}?${new URLSearchParams(named)}` : filled
}

/** Whether a second time has no other effect than the first. */
function isRepeatable(method: string, { url, body }: Call, headers: Headers): boolean {
  if (headers.has("Idempotency-Key")) return true
  if (method === "PATCH") return !headers.has("If-Match")
  if (method === "POST") return REPEATABLE.test(url) || typeof (body as { optimisticId?: unknown } | undefined)?.optimisticId === "string"
  return true
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined
}

/** The data of a response, or a `MylgError`. */
export async function unwrap<T>(result: Promise<{ data?: T; error?: unknown; response?: Response }>): Promise<T> {
  const { data, error, response } = await result
  if (response?.ok) return data as T
  if (!response) throw error instanceof MylgError ? error : new MylgError({ code: "network", detail: String(error) })
  const problem = (typeof error === "object" ? error : {}) as Partial<Problem>
  throw new MylgError({
    status: response.status,
    // The gateway's own answers have no code.
    code: problem.code ?? (response.status === 429 ? "too_many_requests" : response.status >= 500 ? "unavailable" : "unknown"),
    detail: problem.detail ?? `The server answered with ${response.status}.`,
    errors: problem.errors,
    requestId: problem.requestId,
    retryAfterMs: retryAfter(response),
    challenge: problem.challenge,
  })
}

/** The items of all pages. */
export async function allPages<T>(page: (query: { limit: number; cursor?: string }) => Promise<{ items: T[]; nextCursor: string | null }>): Promise<T[]> {
  const found: T[] = []
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { items, nextCursor }: { items: T[]; nextCursor: string | null } = await page({ limit: 100, ...(cursor && { cursor }) })
    found.push(...items)
    cursor = nextCursor
  }
  return found
}
