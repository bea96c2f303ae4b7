import type { FieldError } from "./generated/types.gen.js"

/** What a failed request or action says. `code` is stable; `detail` is for people. */
export class MylgError extends Error {
  override readonly name = "MylgError"
  /** The HTTP status. 0 if there was no response, or for an action over the socket. */
  readonly status: number
  /** A code of the API, or `network` (no response), `closed` (the socket closed before the reply), `timeout`, `signed_out`. */
  readonly code: string
  /** The faulty values, each with a JSON pointer. */
  readonly errors: FieldError[]
  /** The id of the request in the backend's logs. */
  readonly requestId: string | undefined
  /** How long to wait before another try. */
  readonly retryAfterMs: number | undefined
  /** The challenge of a login that needs another step. */
  readonly challenge: string | undefined

  constructor(about: { status?: number; code: string; detail?: string; errors?: FieldError[]; requestId?: string; retryAfterMs?: number | null; challenge?: string | null }) {
    super(about.detail ?? about.code)
    this.status = about.status ?? 0
    this.code = about.code
    this.errors = about.errors ?? []
    this.requestId = about.requestId
    this.retryAfterMs = about.retryAfterMs ?? undefined
    this.challenge = about.challenge ?? undefined
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    return ["network", "closed", "timeout", "too_many_requests", "unavailable", "auth_expired", "token_expired", "internal"].includes(this.code)
  }
}
