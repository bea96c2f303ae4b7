// Line locks of the hook, without a browser: what it says of a line, in which order.
import { createElement } from "react"
import { renderToString } from "react-dom/server"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { type Mylg, createMylg } from "../../src/index.js"
import { MylgProvider, useLineLock } from "../../src/react.js"
import { FakeServer, fakeBrowser } from "./fakes.js"

let mylg: Mylg
const said: string[] = []
let answer: Array<() => void> = []

beforeEach(() => {
  vi.useFakeTimers()
  fakeBrowser()
  said.length = 0
  answer = []
  mylg = createMylg({ api: "http://api.test", ws: "ws://ws.test", fetch: new FakeServer().fetch })
  for (const name of ["lock", "unlock"] as const) {
    vi.spyOn(mylg.projects, name).mockImplementation(() => {
      said.push(name)
      return new Promise(resolve => answer.push(resolve))
    })
  }
})
afterEach(() => {
  mylg.close()
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function hook(): ReturnType<typeof useLineLock> {
  let result: ReturnType<typeof useLineLock> | undefined
  const Line = () => {
    result = useLineLock("prj_1", 1, "lin_1")
    return null
  }
  renderToString(createElement(MylgProvider, { client: mylg }, createElement(Line)))
  return result!
}

it("a line that is given back before its lock was answered is given back after it, and is not renewed", async () => {
  const { take, release } = hook()
  void take()
  await vi.advanceTimersByTimeAsync(0)
  release()
  await vi.advanceTimersByTimeAsync(0)
  expect(said).toEqual(["lock"])
  answer.shift()?.()
  await vi.advanceTimersByTimeAsync(0)
  expect(said).toEqual(["lock", "unlock"])
  answer.shift()?.()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(said).toEqual(["lock", "unlock"])
})

it("a line that is taken again at once stays taken, and is renewed every half minute", async () => {
  const { take, release } = hook()
  void take()
  await vi.advanceTimersByTimeAsync(0)
  answer.shift()?.()
  release()
  void take()
  await vi.advanceTimersByTimeAsync(0)
  expect(said).toEqual(["lock", "lock"])
  answer.shift()?.()
  await vi.advanceTimersByTimeAsync(30_000)
  expect(said).toEqual(["lock", "lock", "lock"])
})
