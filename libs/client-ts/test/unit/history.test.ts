import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { type Mylg, createHistory, createMylg } from "../../src/index.js"
import { FakeServer, FakeSocket, conversation, fakeBrowser, message, problem } from "./fakes.js"

let server: FakeServer
let mylg: Mylg
let last: number
const settle = () => vi.advanceTimersByTimeAsync(0)

/** Pages of a conversation with `last` messages. */
function page(query: URLSearchParams) {
  const [before, after, limit] = ["beforeSeq", "afterSeq", "limit"].map(name => query.get(name)) as [string | null, string | null, string]
  const all = Array.from({ length: last }, (_, index) => message(index + 1))
  const found = after !== null ? all.filter(({ seq }) => seq > Number(after)).slice(0, Number(limit)) : all.filter(({ seq }) => seq < Number(before ?? last + 1)).slice(-Number(limit))
  return { items: found, nextCursor: null, lastSeq: last }
}

beforeEach(async () => {
  vi.useFakeTimers()
  fakeBrowser()
  last = 200
  server = new FakeServer()
  server.routes["GET /messages/conversations/cnv_1/messages"] = request => page(request.query)
  server.routes["GET /messages/conversations"] = () => ({ items: [conversation("cnv_1", { lastSeq: last })], nextCursor: null })
  mylg = createMylg({ api: "http://api.test", ws: "ws://ws.test", fetch: server.fetch })
  await mylg.signIn("ana@mylg.test", "x")
  await settle()
  FakeSocket.last.open()
  await settle()
})

afterEach(() => {
  mylg.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const seqs = (history: ReturnType<typeof createHistory>) => history.get().items.map(({ seq }) => seq)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

it("a window begins around a message, and loads older and newer ones to both ends", async () => {
  const history = createHistory(mylg, "cnv_1", 100)
  expect(history.get()).toMatchObject({ items: [], isLoading: true })
  await settle()
  expect(seqs(history)).toEqual(range(76, 125))
  await Promise.all([history.loadOlder(), history.loadOlder()])
  expect(seqs(history)).toEqual(range(51, 125))
  for (let n = 0; n < 6; n++) await history.loadNewer()
  for (let n = 0; n < 6; n++) await history.loadOlder()
  expect(seqs(history)).toEqual(range(1, 200))
  expect(history.get()).toMatchObject({ hasOlder: false, hasNewer: false, isLoading: false })
})

it("it stays current: changes within it, new messages where it reaches the end, and none beyond a gap", async () => {
  const history = createHistory(mylg, "cnv_1", 100)
  await settle()
  let told = 0
  history.subscribe(() => told++)
  const hear = async (seq: number, more: object = {}) => {
    FakeSocket.last.say({ action: "editMessage", conversationType: "group", projectId: null, ...message(seq, { version: 2, text: "changed", ...more }) })
    await settle()
  }
  await hear(100)
  expect(history.get().items.find(({ seq }) => seq === 100)?.text).toBe("changed")
  await hear(30)
  await hear(201)
  expect([told, seqs(history)]).toEqual([1, range(76, 125)])
  for (let n = 0; n < 4; n++) await history.loadNewer()
  await hear(201)
  expect(seqs(history).at(-1)).toBe(201)
  last = 204
  await hear(204)
  expect([seqs(history).at(-1), history.get().hasNewer]).toEqual([201, true])
  await history.loadNewer()
  expect(seqs(history)).toEqual(range(76, 204))
  history.close()
  await hear(100, { version: 3, text: "later" })
  expect(history.get().items.find(({ seq }) => seq === 100)?.text).toBe("changed")
})

it("a page that fails is shown as an error, and the next call tries again", async () => {
  server.routes["GET /messages/conversations/cnv_1/messages"] = () => problem(403, "forbidden")
  const history = createHistory(mylg, "cnv_1", 100)
  await settle()
  expect(history.get()).toMatchObject({ isLoading: false, items: [] })
  expect(history.get().error?.status).toBe(403)
  server.routes["GET /messages/conversations/cnv_1/messages"] = request => page(request.query)
  // Not the beginning of the conversation: the place that was asked for.
  await history.loadNewer()
  expect(history.get().error).toBeUndefined()
  expect(seqs(history)).toEqual(range(76, 125))
})
