import { expect, it } from "vitest"
import { MessageWindow } from "../../src/messages.js"
import { message } from "./fakes.js"

it("ten thousand messages are kept and shown once, and each later one touches no other", () => {
  const window = new MessageWindow()
  const messages = Array.from({ length: 10_000 }, (_, index) => message(index + 1))
  const began = performance.now()
  window.keep(messages)
  const shown = window.show("usr_ana", new Map())
  console.log(`10,000 messages applied in ${(performance.now() - began).toFixed(1)} ms`)
  expect(shown.length).toBe(10_000)
  window.keep([message(10_001), message(5_000, { version: 2, text: "changed" })])
  const again = window.show("usr_ana", new Map())
  expect(again.filter((entry, index) => entry !== shown[index]).map(({ seq }) => seq)).toEqual([5_000, 10_001])
})

it("messages in any order and twice end up in order and once", () => {
  const window = new MessageWindow()
  const order = [5, 3, 9, 1, 3, 7, 2, 8, 4, 6, 5]
  for (const seq of order) window.keep([message(seq)])
  expect(window.show(undefined, new Map()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(window.gapAfter(1)).toBeUndefined()
  window.keep([message(12), message(14)])
  expect([window.gapAfter(9), window.gapAfter(12)]).toEqual([9, 12])
})
