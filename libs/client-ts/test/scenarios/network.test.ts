import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { World, group, live, send, shows, watch } from "../harness.js"

describe("a network that comes and goes", () => {
  let world: World
  beforeAll(async () => {
    world = await World.start({ TICKET_RATE: "off" })
  })
  afterAll(() => world.stop())

  it("two tabs and two people see the same, each message once", async () => {
    const { conversation } = await group(world)
    const [one, other] = [await world.context(), await world.context()]
    const first = await world.tab(one, "ana")
    const second = await world.tab(one)
    const third = await world.tab(other, "ben")
    for (const page of [first, second, third]) await watch(page, conversation)
    await Promise.all([send(first, conversation, "from the first tab"), send(third, conversation, "from ben")])
    await first.waitForFunction(id => window.mylg.chat.messages(id).get().items.filter(item => item.status === "sent").length === 2, conversation)
    await send(second, conversation, "from the second tab")
    const order = await first.waitForFunction(id => {
      const { items } = window.mylg.chat.messages(id).get()
      return items.length === 3 && items.every(item => item.status === "sent") && items.map(item => item.text)
    }, conversation)
    const expected = (await order.jsonValue()) as string[]
    for (const page of [first, second, third]) await shows(page, conversation, expected)
    await Promise.all([one.close(), other.close()])
  })

  it("what is sent during a cut of ten seconds arrives once, in order", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    await send(page, conversation, "1")
    await shows(page, conversation, ["1"])
    world.cut()
    for (const text of ["2", "3", "4"]) await send(page, conversation, text)
    await shows(page, conversation, ["1", "2 (sending)", "3 (sending)", "4 (sending)"])
    await new Promise(resolve => setTimeout(resolve, 10_000))
    world.mend()
    await shows(page, conversation, ["1", "2", "3", "4"])
    const { items } = await ben("GET", `/messages/conversations/${conversation}/messages`)
    expect(items.map((item: any) => item.text).sort()).toEqual(["1", "2", "3", "4"])
    await context.close()
  })

  it("a dead link that tells nobody is noticed, and what was missed is fetched", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    world.ws.freeze()
    await ben("POST", `/messages/conversations/${conversation}/messages`, { text: "missed" })
    // The page is seen again: it asks whether the socket lives.
    await page.evaluate(() => window.dispatchEvent(new Event("focus")))
    await page.waitForFunction(() => window.mylg.connection.get().status !== "live", undefined, { timeout: 20_000 })
    world.mend()
    await live(page)
    await shows(page, conversation, ["missed"])
    await context.close()
  })

  it("a thousand messages that were missed come in order", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    await send(page, conversation, "before")
    await shows(page, conversation, ["before"])
    world.cut()
    const expected = ["before"]
    for (let n = 1; n <= 1_000; n++) {
      await ben("POST", `/messages/conversations/${conversation}/messages`, { text: `missed ${n}` })
      expected.push(`missed ${n}`)
    }
    world.mend()
    await shows(page, conversation, expected)
    await context.close()
  })

  it("a reload in the middle of a send loses nothing and sends nothing twice", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    // The write is slow: the page is gone before the reply.
    await world.stack.fault({ action: "TransactWriteItems", effect: "delay", delayMs: 1_500, times: 3 })
    for (const text of ["1", "2", "3"]) await send(page, conversation, text)
    await new Promise(resolve => setTimeout(resolve, 500))
    await world.load(page)
    await live(page)
    await watch(page, conversation)
    await shows(page, conversation, ["1", "2", "3"])
    const { items } = await ben("GET", `/messages/conversations/${conversation}/messages`)
    expect(items.length).toBe(3)
    await context.close()
    await world.stack.healthy()
  })

  it("a server that is killed between the write and the reply has the message once", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    await world.stack.fault({ action: "TransactWriteItems", effect: "kill" })
    await send(page, conversation, "once")
    await send(page, conversation, "after")
    await shows(page, conversation, ["once", "after"])
    const { items } = await ben("GET", `/messages/conversations/${conversation}/messages`)
    expect(items.length).toBe(2)
    await context.close()
  })
})
