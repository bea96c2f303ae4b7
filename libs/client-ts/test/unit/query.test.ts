import { QueryClient } from "@tanstack/query-core"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { createMylg } from "../../src/index.js"
import { connectQueryCache, queryKeys } from "../../src/query.js"
import { FakeServer, FakeSocket, fakeBrowser, message } from "./fakes.js"

beforeEach(() => {
  vi.useFakeTimers()
  fakeBrowser()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it("what is live is in the cache of TanStack Query", async () => {
  const [server, cache] = [new FakeServer(), new QueryClient()]
  const mylg = createMylg({ api: "http://api.test", ws: "ws://ws.test", fetch: server.fetch })
  const end = connectQueryCache(mylg, cache, { conversations: ["cnv_1"] })
  await mylg.signIn("ana@mylg.test", "x")
  await vi.advanceTimersByTimeAsync(0)
  FakeSocket.last.open()
  await vi.advanceTimersByTimeAsync(0)
  expect((cache.getQueryData(queryKeys.conversations) as unknown[]).length).toBe(1)
  FakeSocket.last.say({ action: "newMessage", ...message(1), prevSeq: 0, conversationType: "direct", projectId: null })
  expect((cache.getQueryData(queryKeys.messages("cnv_1")) as { items: { text: string }[] }).items.map(({ text }) => text)).toEqual(["text 1"])
  end()
  mylg.close()
})
