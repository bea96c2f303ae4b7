import { afterAll, beforeAll, expect, it } from "vitest"
import { World, group, send } from "../harness.js"

const ENTRY = `
  import * as lib from "./src/index.ts"
  import { MylgProvider, useMessages } from "./src/react.tsx"
  import { memo } from "react"
  import { createRoot } from "react-dom/client"
  window.lib = lib
  window.renders = {}
  const Entry = memo(({ message }) => {
    window.renders[message.text] = (window.renders[message.text] ?? 0) + 1
    return <p>{message.text} {Object.keys(message.reactions)}</p>
  })
  function List({ id }) {
    const { messages } = useMessages(id)
    return messages.map(message => <Entry key={message.key} message={message} />)
  }
  window.show = id => createRoot(document.getElementById("root")).render(<MylgProvider client={window.mylg}><List id={id} /></MylgProvider>)
`

let world: World
beforeAll(async () => {
  world = await World.start({}, { entry: ENTRY })
})
afterAll(() => world.stop())

it("what did not change is not rendered again, and a message that is sent keeps its place", async () => {
  const { ben, conversation: conversationId } = await group(world)
  const texts = Array.from({ length: 30 }, (_, n) => `message ${n}`)
  for (const text of texts) await ben("POST", `/messages/conversations/${conversationId}/messages`, { text })
  const context = await world.context()
  const page = await world.tab(context, "ana")
  await page.evaluate(id => (window as any).show(id), conversationId)
  await page.getByText("message 29").waitFor()
  const renders = () => page.evaluate(() => ({ ...(window as any).renders }))
  const before = await renders()
  expect(Object.values(before)).toEqual(texts.map(() => 1))
  await send(page, conversationId, "mine")
  await page.waitForFunction(id => window.mylg.chat.messages(id).get().items.at(-1)?.status === "sent", conversationId)
  // Once as it is sent, once as the server has it.
  expect(await renders()).toEqual({ ...before, mine: 2 })
  const first = await page.evaluate(id => window.mylg.chat.messages(id).get().items[0]!.messageId, conversationId)
  await page.evaluate(id => window.mylg.chat.react(id, "👍", true), first)
  await expect.poll(async () => (await renders())["message 0"]).toBeGreaterThan(1)
  const after = await renders()
  expect(Object.entries(after).filter(([text, count]) => text !== "message 0" && count !== (before[text] ?? 2))).toEqual([])
  await context.close()
})
