import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { type Mylg, MylgError, createMylg, unwrap } from "../../src/index.js"
import { createProject, getMe, updateMe } from "../../src/http.js"
import { FakeServer, FakeSocket, conversation, fakeBrowser, message, problem, user } from "./fakes.js"

let server: FakeServer
let mylg: Mylg

/** Lets everything that waits for nothing run. */
const settle = () => vi.advanceTimersByTimeAsync(0)

async function goLive() {
  await mylg.signIn("ana@mylg.test", "x")
  await settle()
  FakeSocket.last.open()
  await settle()
  expect(mylg.connection.get().status).toBe("live")
  return FakeSocket.last
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, "random").mockReturnValue(0.5)
  fakeBrowser()
  server = new FakeServer()
  mylg = createMylg({ api: "http://api.test", ws: "ws://ws.test", fetch: server.fetch })
})

afterEach(() => {
  mylg.close()
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describe("requests", () => {
  it("a token that is refused is renewed once, and the request repeated; another 4xx is not", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    let refusals = 1
    server.routes["GET /auth/me"] = () => (refusals-- > 0 ? problem(401, "token_expired") : { userId: "usr_ana" })
    await unwrap(getMe({ client: mylg.http }))
    expect(server.count("POST /auth/refresh")).toBe(1)
    expect(server.requests.at(-1)!.headers.get("Authorization")).toBe("Bearer token-2")
    server.routes["GET /auth/me"] = () => problem(401, "token_expired")
    await expect(unwrap(getMe({ client: mylg.http }))).rejects.toMatchObject({ code: "token_expired" })
    expect(server.count("POST /auth/refresh")).toBe(2)
    server.routes["GET /auth/me"] = () => problem(403, "forbidden")
    await expect(unwrap(getMe({ client: mylg.http }))).rejects.toMatchObject({ code: "forbidden", status: 403 })
    expect(server.count("POST /auth/refresh")).toBe(2)
  })

  it("parallel requests share one refresh", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    await vi.advanceTimersByTimeAsync(0)
    await vi.setSystemTime(Date.now() + 599_000)
    server.routes["GET /auth/me"] = () => ({ userId: "usr_ana" })
    await Promise.all([1, 2, 3, 4].map(() => unwrap(getMe({ client: mylg.http }))))
    expect(server.count("POST /auth/refresh")).toBe(1)
  })

  it("503 is repeated as Retry-After says, and only what is safe to repeat", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    let failures = 2
    server.routes["POST /projects"] = () => (failures-- > 0 ? problem(503, "unavailable", { "Retry-After": "2" }) : { projectId: "prj_1" })
    const made = unwrap(createProject({ client: mylg.http, body: { title: "x" } }))
    await vi.advanceTimersByTimeAsync(1_900)
    expect(server.count("POST /projects")).toBe(1)
    await vi.advanceTimersByTimeAsync(8_000)
    await made
    const keys = server.requests.filter(({ path }) => path === "/projects").map(({ headers }) => headers.get("Idempotency-Key"))
    expect(keys.length).toBe(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toBeTruthy()
    // With a precondition a repetition could not be told from somebody else's change.
    server.routes["PATCH /auth/me"] = () => problem(503, "unavailable")
    await expect(unwrap(updateMe({ client: mylg.http, body: {}, headers: { "If-Match": '"1"' } }))).rejects.toMatchObject({ status: 503 })
    expect(server.count("PATCH /auth/me")).toBe(1)
  })

  it("a network fault is repeated with growing waits, and reported in the end", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    await settle()
    server.isUp = false
    const asked = unwrap(getMe({ client: mylg.http })).catch((error: MylgError) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await asked).toMatchObject({ code: "network", isTemporary: true })
    expect(server.count("GET /auth/me")).toBe(4)
  })
})

describe("sessions", () => {
  it("the key of a refresh is made before it is sent, and stays when the response is lost", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    server.isUp = false
    const lost = mylg.session.refresh().catch(() => undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    await lost
    server.isUp = true
    await mylg.session.refresh()
    const refreshes = server.requests.filter(({ path }) => path === "/auth/refresh")
    expect(refreshes.length).toBeGreaterThan(3)
    expect(new Set(refreshes.map(({ headers, body }) => `${headers.get("Idempotency-Key")} ${body.refreshToken}`)).size).toBe(1)
    await mylg.session.refresh()
    expect(server.requests.at(-1)!.headers.get("Idempotency-Key")).not.toBe(refreshes[0]!.headers.get("Idempotency-Key"))
    expect(server.requests.at(-1)!.body.refreshToken).toBe("refresh-2")
  })

  it("a token is renewed at four fifths of its life, and the socket with it: a stale token on wake is never sent", async () => {
    const socket = await goLive()
    await vi.advanceTimersByTimeAsync(470_000)
    expect(server.count("POST /auth/refresh")).toBe(0)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(server.count("POST /auth/refresh")).toBe(1)
    expect(socket.sent.filter(({ action }) => action === "auth")).toMatchObject([{ token: "token-2" }])
    expect(FakeSocket.all.length).toBe(1)
  })

  it("a session that has ended is signed out, and everything of it is forgotten", async () => {
    await goLive()
    expect(mylg.chat.conversations.get().length).toBe(1)
    server.routes["POST /auth/refresh"] = () => problem(401, "invalid_refresh_token")
    await mylg.session.refresh()
    expect(mylg.session.state.get().status).toBe("signedOut")
    expect(mylg.chat.conversations.get()).toEqual([])
    expect(mylg.connection.get().status).toBe("off")
    expect(localStorage.getItem("mylg:session:http://api.test")).toBeNull()
  })
})

describe("sessions and time", () => {
  it("a page that opens without a network goes on with its session when there is one", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    mylg.close()
    server.isUp = false
    mylg = createMylg({ api: "http://api.test", ws: "ws://ws.test", fetch: server.fetch })
    const restored = mylg.restore().catch((error: MylgError) => error.code)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await restored).toBe("network")
    expect(mylg.session.state.get().status).toBe("unknown")
    server.isUp = true
    await vi.advanceTimersByTimeAsync(60_000)
    expect(mylg.session.state.get().status).toBe("signedIn")
  })

  it("a refresh that is under way does not undo a sign-out", async () => {
    await goLive()
    let answer = (_: unknown) => {}
    server.routes["POST /auth/refresh"] = () => new Promise(resolve => (answer = resolve))
    void mylg.session.refresh()
    await settle()
    await mylg.signOut()
    answer({ accessToken: "late", expiresIn: 600, refreshToken: "late", tokenType: "Bearer", refreshExpiresAt: "", user: user() })
    await settle()
    expect(mylg.session.state.get().status).toBe("signedOut")
    expect(localStorage.getItem("mylg:session:http://api.test")).toBeNull()
  })

  it("a login that was ended elsewhere signs out when HTTP says so", async () => {
    await goLive()
    server.routes["GET /auth/me"] = () => problem(401, "session_revoked")
    await expect(unwrap(getMe({ client: mylg.http }))).rejects.toMatchObject({ code: "session_revoked" })
    expect(mylg.session.state.get().status).toBe("signedOut")
    expect(server.count("POST /auth/refresh")).toBe(0)
  })

  it("a device that wakes with an old token renews it before it asks for a ticket", async () => {
    const socket = await goLive()
    // Timers do not run on a sleeping device, clocks do.
    vi.setSystemTime(Date.now() + 3_600_000)
    socket.drop()
    await vi.advanceTimersByTimeAsync(1_000)
    const tickets = server.requests.filter(({ path }) => path === "/auth/ws-ticket")
    expect(tickets.at(-1)!.headers.get("Authorization")).toBe("Bearer token-2")
    expect(server.count("POST /auth/refresh")).toBe(1)
  })

  it("after a renewal that came late it catches up: deliveries were left out", async () => {
    const socket = await goLive()
    const before = server.count("GET /messages/sync")
    socket.say({ action: "auth_expired", reason: "token_expired", reconnect: true })
    await settle()
    expect(socket.sent.filter(({ action }) => action === "auth").length).toBeGreaterThan(0)
    expect(server.count("GET /messages/sync")).toBeGreaterThan(before)
    expect(mylg.connection.get().status).toBe("live")
  })
})

describe("the connection", () => {
  it("is live only when it has caught up: not \"subscribed\" too early", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    await settle()
    let release = () => {}
    server.routes["GET /messages/sync"] = () => new Promise(resolve => (release = () => resolve({ changes: [], cursor: "c2", more: false, conversationIds: ["cnv_1"], notifications: { unread: 0, latest: null } })))
    FakeSocket.last.open()
    await settle()
    FakeSocket.last.say({ action: "newMessage", ...message(1), prevSeq: 0, conversationType: "direct", projectId: null })
    expect(mylg.connection.get().status).toBe("connecting")
    release()
    await settle()
    expect(mylg.connection.get().status).toBe("live")
    expect(mylg.chat.conversations.get()[0]!.lastSeq).toBe(1)
  })

  it("comes back with full jitter, from 250 ms to 30 s", async () => {
    const socket = await goLive()
    socket.drop()
    expect(mylg.connection.get().status).toBe("waiting")
    const waits: number[] = []
    for (let attempt = 0; attempt < 10; attempt++) {
      const began = Date.now()
      const before = FakeSocket.all.length
      while (FakeSocket.all.length === before) await vi.advanceTimersByTimeAsync(25)
      waits.push(Date.now() - began)
      FakeSocket.last.onerror?.()
      await settle()
    }
    // Math.random gives one half.
    expect(waits[0]).toBeLessThanOrEqual(150)
    waits.slice(1, 7).forEach((wait, index) => expect(wait).toBeGreaterThan(waits[index]! * 1.5))
    expect(waits.at(-1)).toBeLessThanOrEqual(15_050)
  })

  it("obeys Retry-After of the ticket", async () => {
    const socket = await goLive()
    server.routes["POST /auth/ws-ticket"] = () => problem(429, "too_many_requests", { "Retry-After": "45" })
    socket.drop()
    await vi.advanceTimersByTimeAsync(10_000)
    const asked = server.count("POST /auth/ws-ticket")
    await vi.advanceTimersByTimeAsync(34_000)
    expect(server.count("POST /auth/ws-ticket")).toBe(asked)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(server.count("POST /auth/ws-ticket")).toBe(asked + 1)
  })

  it.each([
    ["rights_changed", true, "waiting"],
    ["unknown_connection", true, "waiting"],
    ["strikes", false, "stopped"],
    ["account_pending", false, "stopped"],
    ["too_many_connections", false, "stopped"],
  ] as const)("closing with %s: reconnect %s is obeyed", async (reason, reconnect, status) => {
    const socket = await goLive()
    socket.say({ action: "closing", reason, reconnect })
    socket.drop()
    expect(mylg.connection.get().status).toBe(status)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeSocket.all.length > 1).toBe(reconnect)
    if (reason === "rights_changed") expect(server.count("POST /auth/refresh")).toBe(1)
  })

  it("opens the next socket before the gateway's limit of two hours closes the old one", async () => {
    const socket = await goLive()
    // Up to a twentieth earlier, at random.
    await vi.advanceTimersByTimeAsync(6_600_000 * 0.975 + 1_000)
    expect(FakeSocket.all.length).toBe(2)
    expect(socket.readyState).toBe(FakeSocket.OPEN)
    expect(mylg.connection.get().status).toBe("live")
    FakeSocket.last.open()
    await settle()
    expect(socket.readyState).toBe(FakeSocket.CLOSED)
    expect(mylg.connection.get().status).toBe("live")
  })

  it("pings before the ten quiet minutes in which the gateway closes, and gives a deaf socket up", async () => {
    const socket = await goLive()
    await vi.advanceTimersByTimeAsync(301_000)
    expect(socket.sent.some(({ action }) => action === "ping")).toBe(true)
    socket.answer = () => undefined
    await vi.advanceTimersByTimeAsync(316_000)
    expect(mylg.connection.get().status).not.toBe("live")
    expect(socket.readyState).toBe(FakeSocket.CLOSED)
  })

  it("asks every five minutes what has changed: a server that dies after a write tells nobody", async () => {
    await goLive()
    server.routes["GET /messages/sync"] = () => ({ changes: [{ type: "edited", conversationId: "cnv_1", message: message(1, { version: 2 }) }], cursor: "c3", more: false, notifications: { unread: 0, latest: null } })
    await vi.advanceTimersByTimeAsync(301_000)
    expect(mylg.chat.conversations.get()[0]!.lastSeq).toBe(1)
  })

  it("brings data over HTTP while no socket gets through", async () => {
    await mylg.signIn("ana@mylg.test", "x")
    await settle()
    for (let n = 0; n < 5; n++) {
      FakeSocket.last.onerror?.()
      await vi.advanceTimersByTimeAsync(31_000)
    }
    server.routes["GET /messages/sync"] = () => ({ changes: [{ type: "created", conversationId: "cnv_1", message: message(1) }], cursor: "c3", more: false, notifications: { unread: 0, latest: null } })
    FakeSocket.last.onerror?.()
    await vi.advanceTimersByTimeAsync(61_000)
    expect(mylg.chat.conversations.get()[0]!.lastSeq).toBe(1)
  })
})

describe("messages", () => {
  const frame = (seq: number, more = {}) => ({ action: "newMessage", ...message(seq, more), prevSeq: seq - 1, conversationType: "direct", projectId: null })
  const shown = () => mylg.chat.messages("cnv_1").get().items.map(({ seq, text, status }) => (status === "sent" ? seq : `${text} ${status}`))

  it("one's own message is there once, when the frame comes before the reply", async () => {
    const socket = await goLive()
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    socket.answer = () => undefined
    const { optimisticId } = await mylg.chat.send("cnv_1", { text: "hello" })
    await settle()
    const sent = socket.sent.find(({ action }) => action === "sendMessage")
    socket.say(frame(1, { senderId: "usr_ana", optimisticId, text: "hello" }))
    await settle()
    expect(shown()).toEqual([1])
    socket.say({ action: "ack", of: "sendMessage", ref: sent.ref, message: message(1, { senderId: "usr_ana", optimisticId, text: "hello" }) })
    await settle()
    expect(shown()).toEqual([1])
    expect(mylg.outbox.size).toBe(0)
  })

  it("frames of one conversation are sent one after another, each after its reply", async () => {
    const socket = await goLive()
    socket.answer = () => undefined
    await mylg.chat.send("cnv_1", { text: "1" })
    await mylg.chat.send("cnv_1", { text: "2" })
    await settle()
    const sends = () => socket.sent.filter(({ action }) => action === "sendMessage")
    expect(sends().map(({ text }) => text)).toEqual(["1"])
    socket.say({ action: "ack", of: "sendMessage", ref: sends()[0].ref, message: message(1, { senderId: "usr_ana", optimisticId: sends()[0].optimisticId }) })
    await settle()
    expect(sends().map(({ text }) => text)).toEqual(["1", "2"])
  })

  it("a message that is refused for good is shown as failed, the next is sent, and a retry sends it again", async () => {
    const socket = await goLive()
    socket.answer = ({ text }) => (text === "bad" ? { action: "error", of: "sendMessage", code: "validation_failed", detail: "No." } : { action: "ack", of: "sendMessage", message: message(1, { senderId: "usr_ana", text }) })
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    const bad = await mylg.chat.send("cnv_1", { text: "bad" })
    await mylg.chat.send("cnv_1", { text: "good" })
    await settle()
    expect(shown()).toEqual([1, "bad failed"])
    await mylg.outbox.discard(bad.optimisticId)
    expect(shown()).toEqual([1])
  })

  it("a gap is filled by afterSeq; one that cannot be filled is given up, and nothing loops", async () => {
    const socket = await goLive()
    server.routes["GET /messages/conversations/cnv_1/messages"] = ({ query }) => ({ items: query.has("afterSeq") ? [message(2), message(3)] : [message(1)], nextCursor: null, lastSeq: 4 })
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    socket.say(frame(4))
    await settle()
    expect(shown()).toEqual([1, 2, 3, 4])
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => ({ items: [], nextCursor: null, lastSeq: 9 })
    const before = server.requests.length
    socket.say(frame(9))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(shown()).toEqual([1, 2, 3, 4, 9])
    expect(server.requests.length - before).toBeLessThanOrEqual(3)
  })

  it("the first frames of a new conversation come in the wrong order, or the first does not come", async () => {
    const socket = await goLive()
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => ({ items: [], nextCursor: null, lastSeq: 2 })
    socket.say(frame(2))
    socket.say(frame(1))
    await settle()
    expect(shown()).toEqual([1, 2])
  })

  it("the first frame of a new conversation does not come: it is fetched", async () => {
    const socket = await goLive()
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    server.routes["GET /messages/conversations/cnv_1/messages"] = ({ query }) => ({ items: query.get("afterSeq") === "0" ? [message(1), message(2)] : [], nextCursor: null, lastSeq: 2 })
    socket.say(frame(2))
    await settle()
    expect(shown()).toEqual([1, 2])
  })

  it("a frame that comes while the first page loads is not lost", async () => {
    const socket = await goLive()
    let answer = (_: unknown) => {}
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => new Promise(resolve => (answer = resolve))
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    socket.say(frame(2))
    answer({ items: [message(1)], nextCursor: null, lastSeq: 1 })
    await settle()
    expect(shown()).toEqual([1, 2])
  })

  it("a first page that failed is loaded when the network is back", async () => {
    const socket = await goLive()
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => problem(500, "internal")
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    expect(mylg.chat.messages("cnv_1").get().error?.status).toBe(500)
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => ({ items: [message(1)], nextCursor: null, lastSeq: 1 })
    socket.drop()
    await vi.advanceTimersByTimeAsync(300)
    FakeSocket.last.open()
    await settle()
    expect([shown(), mylg.chat.messages("cnv_1").get().error]).toEqual([[1], undefined])
  })

  it("what another device has read is known after a reconnect, and a marker that did not arrive is sent again", async () => {
    const socket = await goLive()
    socket.say(frame(1))
    socket.say(frame(2))
    socket.answer = () => undefined
    const marked = mylg.chat.markRead("cnv_1", 1)
    socket.drop()
    await marked
    server.routes["GET /messages/conversations"] = () => ({ items: [conversation("cnv_1", { lastSeq: 2, participants: [{ userId: "usr_ana", readSeq: 0 }, { userId: "usr_ben", readSeq: 2 }] })], nextCursor: null })
    await vi.advanceTimersByTimeAsync(300)
    FakeSocket.last.open()
    await settle()
    expect(FakeSocket.last.sent.filter(({ action }) => action === "markRead")).toMatchObject([{ seq: 1 }])
    expect(mylg.chat.conversations.get()[0]).toMatchObject({ unread: 1, participants: [{ readSeq: 1 }, { readSeq: 2 }] })
  })

  it("unsent messages stay for the next login of the same person, without a reload", async () => {
    const socket = await goLive()
    socket.answer = () => undefined
    await mylg.chat.send("cnv_1", { text: "kept" })
    await settle()
    await mylg.signOut()
    expect(mylg.outbox.size).toBe(0)
    const sent: string[] = []
    server.routes["POST /messages/conversations/cnv_1/messages"] = ({ body }) => {
      sent.push(body.text)
      return message(1, { senderId: "usr_ana", ...body })
    }
    await goLive()
    await settle()
    expect([sent, mylg.outbox.size]).toEqual([["kept"], 0])
  })

  it("the highest version holds, in whatever order frames come", async () => {
    const socket = await goLive()
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => ({ items: [message(1)], nextCursor: null, lastSeq: 1 })
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    const edit = (version: number, text: string) => ({ ...frame(1, { version, text }), action: "editMessage", prevSeq: undefined })
    socket.say(edit(3, "third"))
    socket.say(edit(2, "second"))
    socket.say({ ...frame(1), action: "newMessage" })
    expect(mylg.chat.messages("cnv_1").get().items[0]!.text).toBe("third")
  })

  it("an edit and a reaction are shown at once, and taken back when they are refused", async () => {
    const socket = await goLive()
    server.routes["GET /messages/conversations/cnv_1/messages"] = () => ({ items: [message(1, { senderId: "usr_ana" })], nextCursor: null, lastSeq: 1 })
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    socket.answer = () => undefined
    const first = () => mylg.chat.messages("cnv_1").get().items[0]!
    const edited = mylg.chat.edit("msg_1", "better").catch((error: MylgError) => error.code)
    const reacted = mylg.chat.react("msg_1", "👍", true).catch((error: MylgError) => error.code)
    expect([first().text, first().reactions]).toEqual(["better", { "👍": ["usr_ana"] }])
    // One after another: the server might do them in another order.
    for (const expected of ["editMessage", "toggleReaction"]) {
      await settle()
      const { action, ref } = socket.sent.at(-1)
      expect(action).toBe(expected)
      socket.say({ action: "error", of: action, ref, code: "not_found", detail: "Gone." })
    }
    expect(await Promise.all([edited, reacted])).toEqual(["not_found", "not_found"])
    expect([first().text, first().reactions]).toEqual(["text 1", {}])
  })

  it("10,000 messages of one conversation are applied in one go, and what did not change stays the same object", async () => {
    const socket = await goLive()
    mylg.chat.messages("cnv_1").subscribe(() => undefined)
    await settle()
    const changes = Array.from({ length: 10_000 }, (_, index) => ({ type: "created", conversationId: "cnv_1", message: message(index + 1) }))
    server.routes["GET /messages/sync"] = () => ({ changes, cursor: "c2", more: false, notifications: { unread: 0, latest: null } })
    let told = 0
    mylg.chat.messages("cnv_1").subscribe(() => told++)
    socket.drop()
    await vi.advanceTimersByTimeAsync(300)
    FakeSocket.last.open()
    await settle()
    const items = mylg.chat.messages("cnv_1").get().items
    expect(items.length).toBe(10_000)
    expect(told).toBe(1)
    FakeSocket.last.say(frame(10_001))
    const after = mylg.chat.messages("cnv_1").get().items
    expect(after.length).toBe(10_001)
    expect(after.slice(0, 10_000).every((item, index) => item === items[index])).toBe(true)
  })
})

describe("people and projects", () => {
  it("someone is shown as offline ten seconds after they went, unless they came back", async () => {
    const socket = await goLive()
    const ben = mylg.presence.of("usr_ben")
    const say = (online: boolean) => socket.say({ action: "presenceChanged", userId: "usr_ben", online, at: new Date().toISOString() })
    say(true)
    expect(ben.get()).toBe(true)
    await vi.advanceTimersByTimeAsync(1_000)
    say(false)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(ben.get()).toBe(true)
    say(true)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ben.get()).toBe(true)
    say(false)
    await vi.advanceTimersByTimeAsync(12_000)
    expect(ben.get()).toBe(false)
  })

  it("typing is gone after five seconds, and with the message", async () => {
    const socket = await goLive()
    const typing = mylg.presence.typingIn("cnv_1")
    const type = () => socket.say({ action: "typing", conversationId: "cnv_1", userId: "usr_ben", at: new Date().toISOString() })
    type()
    expect(typing.get()).toEqual(["usr_ben"])
    await vi.advanceTimersByTimeAsync(5_100)
    expect(typing.get()).toEqual([])
    type()
    await vi.advanceTimersByTimeAsync(100)
    const at = new Date().toISOString()
    socket.say({ action: "newMessage", ...message(1, { timestamp: at }), prevSeq: 0, conversationType: "direct", projectId: null })
    expect(typing.get()).toEqual([])
    await vi.advanceTimersByTimeAsync(10)
    socket.say({ action: "typing", conversationId: "cnv_1", userId: "usr_ben", at: new Date(Date.parse(at) - 1).toISOString() })
    expect(typing.get()).toEqual([])
  })

  it("one's own typing is sent once in three seconds", async () => {
    const socket = await goLive()
    const sent = () => socket.sent.filter(({ action }) => action === "typing").length
    for (let n = 0; n < 10; n++) mylg.presence.type("cnv_1")
    expect(sent()).toBe(1)
    await vi.advanceTimersByTimeAsync(3_100)
    mylg.presence.type("cnv_1")
    expect(sent()).toBe(2)
  })

  it("a lock ends with its time, nobody tells of it; the latest `at` holds", async () => {
    const socket = await goLive()
    const locks = mylg.projects.locksOf("prj_1")
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    socket.say({ action: "lineLocked", projectId: "prj_1", revision: 1, lineId: "lin_1", userId: "usr_ben", at: at(0), expiresAt: at(60_000) })
    expect(locks.get().map(({ lineId }) => lineId)).toEqual(["lin_1"])
    socket.say({ action: "lineUnlocked", projectId: "prj_1", revision: 1, lineId: "lin_1", userId: "usr_ben", at: at(-1_000) })
    expect(locks.get().length).toBe(1)
    await vi.advanceTimersByTimeAsync(60_100)
    expect(locks.get()).toEqual([])
  })

  it("names of people are asked for together, and once", async () => {
    await goLive()
    const asked: string[] = []
    server.routes["GET /auth/users"] = ({ query }) => {
      asked.push(query.get("ids")!)
      return { items: query.get("ids")!.split(",").map(userId => ({ userId, firstName: userId, lastName: null, username: null })), nextCursor: null }
    }
    for (const id of ["usr_1", "usr_2", "usr_1"]) mylg.people.of(id).subscribe(() => undefined)
    await vi.advanceTimersByTimeAsync(50)
    expect(asked).toEqual(["usr_1,usr_2"])
    expect(mylg.people.of("usr_2").get()?.firstName).toBe("usr_2")
    mylg.people.of("usr_2").subscribe(() => undefined)
    await vi.advanceTimersByTimeAsync(50)
    expect(asked.length).toBe(1)
  })

  it("a conversation that is removed stays removed when an older frame comes later", async () => {
    const socket = await goLive()
    socket.say({ action: "conversationRemoved", conversationId: "cnv_1", version: 5 })
    socket.say({ action: "conversationUpdated", conversation: conversation("cnv_1", { version: 4 }) })
    expect(mylg.chat.conversations.get()).toEqual([])
    socket.say({ action: "conversationAdded", conversation: conversation("cnv_1", { version: 6 }) })
    expect(mylg.chat.conversations.get().length).toBe(1)
  })
})
