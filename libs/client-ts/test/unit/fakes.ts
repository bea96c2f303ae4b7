// A server in memory and sockets that the test opens, answers and closes.
import { vi } from "vitest"
import type { Message } from "../../src/index.js"

export class FakeSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 3
  static all: FakeSocket[] = []
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!
  }

  readyState = 0
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onerror: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  readonly sent: any[] = []
  /** Answers each frame. Nothing: the frame has no reply. */
  answer: (frame: any) => any = frame =>
    frame.action === "ping" ? { action: "pong", at: new Date().toISOString() } : frame.action === "presenceLookup" ? { action: "presenceSnapshot", at: new Date().toISOString(), userIds: [] } : { action: "ack", of: frame.action }

  constructor(readonly url: string) {
    FakeSocket.all.push(this)
  }

  open() {
    this.readyState = 1
    this.onopen?.()
  }

  send(text: string) {
    const frame = JSON.parse(text)
    this.sent.push(frame)
    const reply = this.answer(frame)
    if (reply) queueMicrotask(() => this.say({ ...reply, ref: frame.ref }))
  }

  say(frame: unknown) {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }

  /** The other side, or the network, closes it. */
  drop() {
    this.readyState = 3
    this.onclose?.()
  }

  close() {
    this.readyState = 3
  }
}

export interface Request {
  method: string
  path: string
  query: URLSearchParams
  body: any
  headers: Headers
}

export const user = (id = "usr_ana") => ({ userId: id, email: "ana@mylg.test", firstName: "Ana", lastName: "Roy", role: "admin", pending: false })

export function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    messageId: `msg_${seq}`, conversationId: "cnv_1", senderId: "usr_ben", seq, version: 1, text: `text ${seq}`, timestamp: new Date(1_700_000_000_000 + seq).toISOString(),
    optimisticId: null, attachments: [], mentions: [], reactions: {}, deleted: false, editedAt: null, ...more,
  }
}

export const conversation = (id = "cnv_1", more: object = {}) => ({
  conversationId: id, type: "direct", title: null, projectId: null, createdAt: "2026-01-01T00:00:00.000Z", createdBy: "usr_ana", lastMessage: null, lastSeq: 0, readSeq: 0, unread: 0,
  version: 1, participants: [{ userId: "usr_ana", readSeq: 0 }, { userId: "usr_ben", readSeq: 0 }], ...more,
})

/** A server: routes by `METHOD /path`, and a log of what was asked. */
export class FakeServer {
  readonly requests: Request[] = []
  readonly routes: Record<string, (request: Request) => any> = {}
  tokens = 0
  /** Whether there is a network. */
  isUp = true

  constructor() {
    const session = () => ({ accessToken: `token-${++this.tokens}`, expiresIn: 600, refreshToken: `refresh-${this.tokens}`, tokenType: "Bearer", refreshExpiresAt: "", user: user() })
    Object.assign(this.routes, {
      "POST /auth/login": session,
      "POST /auth/refresh": session,
      "POST /auth/logout": () => undefined,
      "POST /auth/ws-ticket": () => ({ ticket: "ticket", expiresIn: 30 }),
      "GET /messages/sync": () => ({ changes: [], cursor: "cursor", more: false, conversationIds: ["cnv_1"], notifications: { unread: 0, latest: null } }),
      "GET /messages/conversations": () => ({ items: [conversation()], nextCursor: null }),
      "GET /messages/notifications": () => ({ items: [], nextCursor: null, unread: 0 }),
      "GET /messages/conversations/cnv_1/messages": () => ({ items: [], nextCursor: null, lastSeq: 0 }),
      "GET /projects/list": () => ({ items: [], nextCursor: null }),
    })
  }

  readonly fetch = (async (input: string, init: RequestInit) => {
    const url = new URL(input)
    const request: Request = {
      method: init.method ?? "GET", path: url.pathname, query: url.searchParams, headers: new Headers(init.headers), body: init.body ? JSON.parse(String(init.body)) : undefined,
    }
    this.requests.push(request)
    if (!this.isUp) throw new TypeError("Failed to fetch")
    const route = this.routes[`${request.method} ${request.path}`]
    if (!route) return problem(404, "not_found")
    const answer = await route(request)
    return answer instanceof Response ? answer : answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer)
  }) as typeof fetch

  count(route: string): number {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === route).length
  }
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ status, code, detail: code, title: code, type: "about:blank", requestId: "r" }), { status, headers })
}

/** A browser's `localStorage`, and no real WebSocket. */
export function fakeBrowser() {
  const kept = new Map<string, string>()
  vi.stubGlobal("localStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) })
  vi.stubGlobal("WebSocket", FakeSocket)
  vi.stubGlobal("BroadcastChannel", undefined)
  FakeSocket.all = []
}
