import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { World, group, live, send, shows, watch } from "../harness.js"

const status = (page: Page) => page.evaluate(() => [window.mylg.session.state.get().status, window.mylg.connection.get().status])

/** A page of Ana's that shows this conversation, with a clock that the test moves. */
async function clockedPage(world: World, context: BrowserContext, conversation: string): Promise<Page> {
  const page = await context.newPage()
  await page.clock.install()
  await world.load(page)
  await page.evaluate(() => window.mylg.signIn("ana@mylg.test", "studio-local-only"))
  await live(page)
  await watch(page, conversation)
  return page
}

/** Makes the page hidden or visible, as a browser does for a tab in the background. */
function setVisibility(page: Page, state: "hidden" | "visible") {
  return page.evaluate(state => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true })
    document.dispatchEvent(new Event("visibilitychange"))
  }, state)
}

describe("sessions that end and go on", () => {
  let world: World
  beforeAll(async () => {
    world = await World.start({ ACCESS_TTL_S: "8", REFRESH_IDLE_S: "20", TICKET_RATE: "off", REFRESH_RATE: "off", SESSION_REFRESH_RATE: "off" })
  })
  afterAll(() => world.stop())

  it("stays live over the lives of several tokens, on one socket", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    await page.evaluate(() => {
      ;(window as any).states = []
      window.mylg.connection.subscribe(() => (window as any).states.push(window.mylg.connection.get().status))
    })
    await new Promise(resolve => setTimeout(resolve, 25_000))
    await ben("POST", `/messages/conversations/${conversation}/messages`, { text: "still there" }).catch(async () => {
      const again = await world.stack.person("ben")
      await again("POST", `/messages/conversations/${conversation}/messages`, { text: "still there" })
    })
    await shows(page, conversation, ["still there"])
    expect(await page.evaluate(() => (window as any).states)).toEqual([])
    await context.close()
  })

  it("a cut that outlasts the token ends with a fresh token and everything that was missed", async () => {
    const { conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    world.cut()
    await send(page, conversation, "written meanwhile")
    await new Promise(resolve => setTimeout(resolve, 12_000))
    world.mend()
    await shows(page, conversation, ["written meanwhile"])
    await live(page)
    await context.close()
  })

  it("signing out in one tab signs the others out, and a session that the server ends goes too", async () => {
    const context = await world.context()
    const first = await world.tab(context, "ana")
    const second = await world.tab(context)
    await first.evaluate(() => window.mylg.signOut())
    await second.waitForFunction(() => window.mylg.session.state.get().status === "signedOut")
    expect(await status(second)).toEqual(["signedOut", "off"])
    await context.close()
    const other = await world.context()
    const third = await world.tab(other, "ben")
    const ben = await world.stack.person("ben")
    const { items } = await ben("GET", "/auth/sessions")
    const sessions = (items ?? []).filter((session: any) => !session.current)
    for (const session of sessions) await ben("DELETE", `/auth/sessions/${session.sessionId}`)
    await third.waitForFunction(() => window.mylg.session.state.get().status === "signedOut", undefined, { timeout: 60_000 })
    await other.close()
  })
})

describe("many tabs and wrong clocks", () => {
  let world: World
  beforeAll(async () => {
    world = await World.start()
  })
  afterAll(() => world.stop())

  it("eleven tabs: the one that was used least recently stops, says why, and comes back when it is looked at", async () => {
    const { conversation } = await group(world)
    const context = await world.context()
    const pages = [await world.tab(context, "ana")]
    for (let n = 2; n <= 11; n++) pages.push(await world.tab(context))
    const stopped = async () => {
      const states = await Promise.all(pages.map(page => page.evaluate(() => window.mylg.connection.get())))
      return states.flatMap((state, index) => (state.status === "stopped" ? [{ index, reason: state.reason }] : []))
    }
    await expect.poll(async () => (await stopped()).length, { timeout: 30_000 }).toBe(1)
    const [{ index, reason }] = (await stopped()) as [{ index: number; reason: string }]
    expect(reason).toBe("too_many_connections")
    await pages[index]!.evaluate(() => window.dispatchEvent(new Event("focus")))
    await live(pages[index]!)
    await watch(pages[index]!, conversation)
    await send(pages[index]!, conversation, "back")
    await shows(pages[index]!, conversation, ["back"])
    await context.close()
  })

  it("a duplicated tab gets an id of its own: both stay live", async () => {
    const context = await world.context()
    const first = await world.tab(context, "ben")
    const second = await world.tab(context)
    const ids = await Promise.all([first, second].map(page => page.evaluate(() => (window.mylg as any).tabs.id as string)))
    expect(new Set(ids).size).toBe(2)
    // With a copied memory, which no browser does: the later one takes the id, the earlier one takes another and comes back.
    await second.evaluate(id => {
      ;(window.mylg as any).tabs.id = id
      ;(window.mylg as any).socket.connect()
    }, ids[0])
    await first.waitForFunction(id => (window.mylg as any).tabs.id !== id, ids[0], { timeout: 30_000 })
    await live(first)
    await live(second)
    await context.close()
  })

  it("a session in a cookie survives a reload, no script sees its token, and it ends with signing out", async () => {
    const context = await world.context()
    const page = await context.newPage()
    await world.load(page, "cookie")
    expect(await status(page)).toEqual(["signedOut", "off"])
    await page.evaluate(() => window.mylg.signIn("ana@mylg.test", "studio-local-only"))
    await live(page)
    expect(await page.evaluate(() => document.cookie + Object.values(localStorage).join())).not.toMatch(/refreshToken":"/)
    await world.load(page, "cookie")
    await live(page)
    await page.evaluate(() => window.mylg.signOut())
    await world.load(page, "cookie")
    expect(await status(page)).toEqual(["signedOut", "off"])
    await context.close()
  })

  it("a hidden tab gives its socket up after five minutes, and comes back with what it missed", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await clockedPage(world, context, conversation)
    await setVisibility(page, "hidden")
    await page.clock.fastForward("05:01")
    await page.waitForFunction(() => window.mylg.connection.get().status === "asleep")
    await ben("POST", `/messages/conversations/${conversation}/messages`, { text: "meanwhile" })
    await setVisibility(page, "visible")
    await live(page)
    await shows(page, conversation, ["meanwhile"])
    await context.close()
  })

  it("throttled timers of a hidden tab keep nothing back: frames are applied as they come", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await clockedPage(world, context, conversation)
    await setVisibility(page, "hidden")
    // No timer runs at all.
    await page.clock.pauseAt(Date.now() + 1_000)
    await ben("POST", `/messages/conversations/${conversation}/messages`, { text: "heard" })
    await expect.poll(() => page.evaluate(id => window.mylg.chat.messages(id).get().items.map(item => item.text), conversation), { timeout: 10_000 }).toEqual(["heard"])
    await context.close()
  })

  it("a network that is away for five minutes: the client comes back by itself", async () => {
    const { ben, conversation } = await group(world)
    const context = await world.context()
    const page = await clockedPage(world, context, conversation)
    world.cut()
    await page.waitForFunction(() => window.mylg.connection.get().status !== "live")
    for (let minute = 0; minute < 5; minute++) await page.clock.fastForward("01:00")
    await ben("POST", `/messages/conversations/${conversation}/messages`, { text: "after five minutes" })
    world.mend()
    await page.clock.fastForward("00:31")
    await live(page)
    await shows(page, conversation, ["after five minutes"])
    await context.close()
  })

  it("a clock that is ten minutes off: the client is live, and knows the server's time", async () => {
    const { conversation } = await group(world)
    for (const wrong of [-600_000, 600_000]) {
      const context = await world.context()
      const page = await context.newPage()
      await page.addInitScript(wrong => {
        const now = Date.now.bind(Date)
        Date.now = () => now() + wrong
      }, wrong)
      await world.load(page)
      await page.evaluate(() => window.mylg.signIn("ana@mylg.test", "studio-local-only"))
      await live(page)
      await watch(page, conversation)
      const before = await page.evaluate(id => window.mylg.chat.messages(id).get().items.length, conversation)
      await send(page, conversation, `with a clock ${wrong} ms off`)
      await page.waitForFunction(
        ([id, before]) => {
          const { items } = window.mylg.chat.messages(id as string).get()
          return items.length === (before as number) + 1 && items.every(item => item.status === "sent")
        },
        [conversation, before] as const,
      )
      const skew = await page.evaluate(() => (window.mylg as any).clock.skew as number)
      expect(Math.abs(skew + wrong)).toBeLessThan(2_000)
      await context.close()
    }
  })
})

describe("a laptop asleep for longer than the refresh token lives", () => {
  let world: World
  beforeAll(async () => {
    // Four seconds: the server grants two minutes more.
    world = await World.start({ REFRESH_IDLE_S: "-116" })
  })
  afterAll(() => world.stop())

  it("a laptop that slept past the refresh token's life is signed out, keeps what was written, and sends it after the next login", async () => {
    const { conversation } = await group(world)
    const context = await world.context()
    const page = await world.tab(context, "ana")
    await watch(page, conversation)
    world.cut()
    await send(page, conversation, "kept")
    // Nothing runs on a sleeping laptop: the page is gone, and comes back.
    await page.goto("about:blank")
    await new Promise(resolve => setTimeout(resolve, 6_000))
    world.mend()
    await world.load(page)
    expect(await status(page)).toEqual(["signedOut", "off"])
    await page.evaluate(() => window.mylg.signIn("ana@mylg.test", "studio-local-only"))
    await live(page)
    await watch(page, conversation)
    await shows(page, conversation, ["kept"])
    await context.close()
  })
})
