import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import axe from "axe-core"
import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { World, send, watch } from "../harness.js"

const docs = fileURLToPath(new URL("../../../../docs/console", import.meta.url))

/** Opens a view of the console. */
const open = async (page: Page, name: string) => {
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name, exact: true }).click()
  await page.waitForFunction(name => document.title.startsWith(name), name)
}

/** The picture of a view for the documents: SCREENSHOTS=1. */
const picture = async (page: Page, name: string) => {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${docs}/${name}.png` })
}

describe("the console", () => {
  let world: World
  let context: BrowserContext
  let page: Page
  let requested: string[]

  beforeAll(async () => {
    world = await World.start({ MAIL_RATE: "off" })
    context = await world.context()
    await context.grantPermissions(["clipboard-read", "clipboard-write"])
    page = await context.newPage()
    await page.setViewportSize({ width: 1280, height: 800 })
    requested = []
    page.on("request", request => requested.push(request.url()))
    await page.goto(world.stack.consoleLink)
    await page.getByRole("status").filter({ hasText: "live" }).waitFor()
  })
  afterAll(() => world.stop())
  beforeEach(async () => {
    await world.stack.healthy()
    await page.bringToFront()
  })

  it("requests: the list, what one cost, as curl, once more", async () => {
    const ana = await world.stack.person("ana")
    await ana("POST", "/projects", { title: "Atrium" })
    await expect(ana("GET", "/projects/prj_01M8K41ATD2VWRN7ZHS17Q3028")).rejects.toThrow("404")
    const row = (text: string) => page.getByRole("row").filter({ hasText: text }).first()
    await row("POST /projects").waitFor()
    await page.getByLabel("Status").selectOption("refused")
    await row("GET /projects/prj_01M8K41ATD2VWRN7ZHS17Q3028").waitFor()
    expect(await page.getByRole("row").filter({ hasText: "POST /projects" }).count()).toBe(0)
    await page.getByLabel("Status").selectOption("all")
    await page.getByLabel("Search").fill("projects")
    await page.getByRole("button", { name: "POST /projects", exact: true }).first().click()
    const detail = page.getByRole("region", { name: "The request" })
    await detail.getByText("TransactWriteItems").first().waitFor()
    // The person is in the log line, which comes through a pipe.
    await detail.getByText("Ana Roy").waitFor()
    await detail.getByText(/PROJECT#prj_/).first().waitFor()
    await detail.getByText("WRU").first().waitFor()
    await detail.locator("li.line").filter({ hasText: '"message":"request"' }).waitFor()
    await picture(page, "requests")

    await detail.getByRole("button", { name: "Copy as curl" }).click()
    await detail.getByText("Copied.").waitFor()
    const curl = await page.evaluate(() => navigator.clipboard.readText())
    expect(execFileSync("bash", ["-c", `${curl} --silent`], { encoding: "utf8" })).toMatch(/^HTTP\/1.1 201/)
    await detail.getByRole("button", { name: "Send again" }).click()
    await detail.getByText("Sent again as ana@mylg.test: 201.").waitFor()
    await detail.getByRole("button", { name: "Close the request" }).click()
    await page.getByLabel("Search").fill("")
  })

  it("sockets: frames both ways, a frame sent, an expired token, a closed socket", async () => {
    const other = await world.context()
    const tab = await world.tab(other, "ben")
    await page.bringToFront()
    await open(page, "Sockets")
    const sockets = page.getByRole("region", { name: "Open sockets" })
    await sockets.getByText("Ben Okafor").first().waitFor()
    await sockets.getByRole("button", { name: "Send", exact: true }).click()
    const frames = page.getByRole("region", { name: "Frames", exact: true })
    await frames.getByText("pong").first().waitFor()
    await picture(page, "sockets")
    await sockets.getByRole("button", { name: "Expire its token" }).click()
    await sockets.getByText("Its token has expired").waitFor()
    await sockets.getByRole("button", { name: "Send", exact: true }).click()
    await expect.poll(() => frames.getByText("auth_expired").count(), { timeout: 20_000 }).toBeGreaterThan(0)
    // The client renews, or comes back with another socket: it is live again.
    await tab.waitForFunction(() => window.mylg.connection.get().status === "live", undefined, { timeout: 60_000 })
    await page.bringToFront()
    await sockets.getByRole("button", { name: "Close", exact: true }).first().click()
    await frames.getByText("1000 Connection closed by the server").first().waitFor()
    await other.close()
    await sockets.getByText("No socket is open").waitFor()
  })

  it("people: two panes talk to each other and edit one budget", async () => {
    const ana = await world.stack.person("ana")
    const ben = await world.stack.person("ben")
    const { projectId } = await ana("POST", "/projects", { title: "Side by side", team: [{ userId: (ben as any).id, role: "editor" }] })
    await ana("PATCH", `/projects/${projectId}/budget`, { lines: [{ description: "CAMERA", quantity: 1, itemBudgetedCost: 100 }] })
    await open(page, "People")
    const [left, right] = ["ana", "ben"].map(name => page.frameLocator(`iframe[title="The studio as ${name}@mylg.test"]`)) as [ReturnType<Page["frameLocator"]>, ReturnType<Page["frameLocator"]>]
    for (const pane of [left, right]) await pane.getByRole("button", { name: "Side by side" }).first().click()
    await left.getByLabel("Message", { exact: true }).fill("Do you see the budget?")
    await left.getByRole("button", { name: "Send" }).click()
    await right.getByRole("log").getByText("Do you see the budget?").waitFor()
    await right.getByLabel("Quantity").first().fill("3")
    await right.getByLabel("Quantity").first().press("Tab")
    await expect.poll(() => left.getByLabel("Total").textContent(), { timeout: 20_000 }).toContain("300")
    await picture(page, "people")
    await open(page, "Requests")
  })

  it("data, mail and files: read-only until unlocked", async () => {
    const dana = await world.stack.person("dana")
    await dana("POST", "/auth/password/forgot", { email: "dana@mylg.test" })
    await open(page, "Mail")
    const links = page.getByRole("list", { name: "Links in the mail" }).getByRole("link")
    await links.first().waitFor()
    expect(await links.first().getAttribute("href")).toMatch(/^http:\/\/localhost:\d+\/.+/)
    await page.frameLocator(`iframe[title="The mail as its reader sees it"]`).locator("body").getByText(/password/i).first().waitFor()
    await picture(page, "mail")

    const { projectId } = await dana("POST", "/projects", { title: "Harbour" })
    const bytes = new TextEncoder().encode("a file")
    const checksum = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("base64")
    const declared = await dana("POST", `/projects/${projectId}/files`, { name: "note.txt", type: "text/plain", size: bytes.length, checksum })
    const form = new FormData()
    for (const [name, value] of Object.entries(declared.upload.fields)) form.set(name, value as string)
    form.set("file", new Blob([bytes], { type: "text/plain" }))
    expect((await fetch(declared.upload.url, { method: "POST", body: form })).status).toBeLessThan(300)
    await open(page, "Files")
    await page.getByRole("heading", { name: "Project Harbour" }).waitFor()
    const download = page.waitForEvent("download")
    await page.getByRole("region", { name: projectId }).getByRole("button").first().click()
    await download
    await picture(page, "files")

    await open(page, "Data")
    await page.getByRole("button", { name: "user", exact: true }).click()
    await page.getByRole("row").filter({ hasText: "dana@mylg.test" }).waitFor()
    await page.getByLabel("All about").selectOption({ label: "Harbour" })
    const project = page.getByRole("region", { name: `Items: projects: PROJECT#${projectId}` })
    await project.getByRole("row").filter({ hasText: "HEADER" }).getByRole("button").click()
    await project.getByLabel("The item", { exact: true }).getByText('"Harbour"').waitFor()
    await picture(page, "data")
    expect(await project.getByRole("button", { name: "Save" }).count()).toBe(0)
    expect((await world.stack.ask("DELETE", `tables/projects/items?${new URLSearchParams({ pk: `PROJECT#${projectId}`, sk: "HEADER" })}`)).status).toBe(423)
    await page.getByLabel("Unlocked: items can be changed").check()
    const editor = project.getByLabel("Item, in DynamoDB's JSON")
    await editor.fill((await editor.inputValue()).replaceAll("Harbour", "Harbour, changed"))
    await project.getByRole("button", { name: "Save" }).click()
    await expect.poll(async () => (await dana("GET", `/projects/${projectId}`)).title).toBe("Harbour, changed")
    await page.getByLabel("Unlocked: items can be changed").uncheck()
  })

  it("faults and time: switches by function and share, a clock for all functions, a new account", async () => {
    const ana = await world.stack.person("ana")
    await open(page, "Faults and time")
    const faults = page.getByRole("region", { name: "Faults" })
    await faults.getByLabel(/^Function/).selectOption("projects-router")
    await faults.getByLabel(/^Call/).selectOption("Query")
    await faults.getByLabel(/^Share/).fill("100")
    await faults.getByRole("button", { name: "Switch on" }).click()
    await page.getByText("Faults are on:").waitFor()
    await expect(ana("GET", "/projects/list")).rejects.toThrow("503")
    // Another function makes Queries too.
    await ana("GET", "/messages/conversations")
    await picture(page, "faults")
    await page.getByRole("button", { name: "Turn all off" }).click()
    await page.getByText("Faults are on:").waitFor({ state: "detached" })
    await ana("GET", "/projects/list")

    await page.getByRole("button", { name: "+ 1 day", exact: true }).click()
    await page.getByText("The clock has moved").waitFor()
    await expect(ana("GET", "/auth/me")).rejects.toThrow("401")
    await expect(ana("GET", "/projects/list")).rejects.toThrow("401")
    const tomorrow = await fetch(`${world.stack.http}/auth/health`)
    expect(Math.round((Date.parse(tomorrow.headers.get("date")!) - Date.now()) / 3_600_000)).toBe(24)
    await page.getByRole("button", { name: "Back to now" }).click()
    await page.getByText("that of this machine").waitFor()
    await ana("GET", "/auth/me")

    await page.getByRole("button", { name: "As on a new account" }).click()
    await page.getByText("10 sandboxes for all functions").waitFor()
    await Promise.all(Array.from({ length: 30 }, () => ana("GET", "/auth/me")))
    await page.getByRole("button", { name: "Turn all off" }).click()
    await page.getByText("Faults are on:").waitFor({ state: "detached" })
  })

  it("explorer: health, builds, the documents", async () => {
    await open(page, "Explorer")
    const functions = page.getByRole("region", { name: "Functions", exact: true })
    await expect.poll(() => functions.getByText("200").count()).toBeGreaterThanOrEqual(3)
    await functions.getByText("auth-router").first().waitFor()
    await page.frameLocator("iframe.explorer").getByRole("button", { name: "ana", exact: true }).click()
    await page.frameLocator("iframe.explorer").getByText("Signed in as ana@mylg.test").waitFor()
    await picture(page, "explorer")
  })

  it("reset with a demo: a studio with weeks of work", async () => {
    await open(page, "Faults and time")
    await page.getByRole("button", { name: "Demo studio" }).click()
    await page.getByText("The demo studio is there.").waitFor({ timeout: 60_000 })
    const ana = await world.stack.person("ana")
    const { items } = await ana("GET", "/projects/list")
    expect(items.length).toBe(3)
    const { items: conversations } = await ana("GET", "/messages/conversations")
    const oldest = await Promise.all(conversations.map(async ({ conversationId }: any) => {
      const { items } = await ana("GET", `/messages/conversations/${conversationId}/messages?afterSeq=0`)
      return Math.min(...items.map(({ timestamp }: any) => Date.parse(timestamp)))
    }))
    expect(Date.now() - Math.min(...oldest)).toBeGreaterThan(19 * 24 * 3_600_000)
    await world.stack.control("POST", "reset", { demo: false })
    expect((await (await world.stack.person("ana"))("GET", "/projects/list")).items).toEqual([])
  })

  describe("stories: from a fault to its cause", () => {
    it("a 403 that should be 200", async () => {
      const [ana, cleo] = [await world.stack.person("ana"), await world.stack.person("cleo")]
      const { projectId } = await ana("POST", "/projects", { title: "Story", team: [{ userId: (cleo as any).id, role: "viewer" }] })
      await expect(cleo("GET", `/projects/${projectId}/budget`)).rejects.toThrow("403")
      // 1: only refused requests. 2: the request. 3: all about its project.
      await open(page, "Requests")
      await page.getByLabel("Status").selectOption("refused")
      await page.getByRole("button", { name: `GET /projects/${projectId}/budget` }).click()
      const detail = page.getByRole("region", { name: "The request" })
      await detail.getByText("Cleo Marsh").waitFor()
      await detail.locator("li.line").filter({ hasText: "access_denied" }).first().waitFor()
      await picture(page, "story-403")
      await open(page, "Data")
      await page.getByLabel("All about").selectOption({ label: "Story" })
      const project = page.getByRole("region", { name: `Items: projects: PROJECT#${projectId}` })
      await project.getByRole("row").filter({ hasText: `MEMBER#${(cleo as any).id}` }).getByRole("button").click()
      await project.getByRole("row").filter({ hasText: "HEADER" }).getByRole("button").click()
      // The cause: she is a viewer, and budgets are for editors.
      await project.getByLabel("The item", { exact: true }).getByText('"viewer"').waitFor()
      await open(page, "Requests")
      await page.getByLabel("Status").selectOption("all")
    })

    it("a lost message", async () => {
      const other = await world.context()
      const tab = await world.tab(other, "ben")
      const ana = await world.stack.person("ana")
      const { conversationId } = await ana("POST", "/messages/conversations", { type: "group", title: "Story", participants: [await tab.evaluate(() => window.mylg.session.state.get().user!.userId)] })
      await watch(tab, conversationId)
      await world.stack.fault({ action: "PostToConnection", effect: "throttle", times: 20 })
      await ana("POST", `/messages/conversations/${conversationId}/messages`, { text: "Did you get this?" })
      // 1: the send. Its calls show the post that did not arrive, and why.
      await page.bringToFront()
      await open(page, "Requests")
      await page.getByRole("button", { name: `POST /messages/conversations/${conversationId}/messages` }).first().click()
      const detail = page.getByRole("region", { name: "The request" })
      const post = detail.locator(".waterfall li").filter({ hasText: "PostToConnection" }).first()
      await post.getByText("fault: throttled").waitFor()
      await detail.getByText("Faults that are switched on hit").waitFor()
      await picture(page, "story-lost-message")
      await world.stack.healthy()
      await other.close()
    })

    it("a slow list", async () => {
      const ana = await world.stack.person("ana")
      await world.stack.fault({ action: "BatchGetItem", effect: "delay", delayMs: 700, perMillion: 1_000_000 }, { action: "Query", effect: "delay", delayMs: 700, perMillion: 1_000_000 })
      await ana("POST", "/projects", { title: "Slow" })
      await ana("GET", "/projects/list")
      // 1: the request. The longest bar is the call that takes the time.
      await open(page, "Requests")
      await page.getByRole("button", { name: "GET /projects/list" }).first().click()
      const detail = page.getByRole("region", { name: "The request" })
      const query = detail.locator(".waterfall li").filter({ hasText: "Query" }).first()
      await query.getByText("fault: late").waitFor()
      expect(await query.getByText("byMember").count()).toBe(1)
      expect(await query.locator(".bar i").evaluate(bar => bar.getBoundingClientRect().width / bar.parentElement!.getBoundingClientRect().width)).toBeGreaterThan(0.3)
      await picture(page, "story-slow-list")
    })
  })

  it("every view: no violation of accessibility rules, light and dark, no sideways scroll at 390 pixels", async () => {
    const tab = await world.tab(await world.context(), "ana")
    const ben = await world.stack.person("ben")
    const { conversationId } = await ben("POST", "/messages/conversations", { type: "direct", participants: [await tab.evaluate(() => window.mylg.session.state.get().user!.userId)] })
    await watch(tab, conversationId)
    await send(tab, conversationId, "a frame")
    await page.bringToFront()
    await page.evaluate(axe.source)
    for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]] as const) {
      await page.setViewportSize({ width, height: 800 })
      await page.emulateMedia({ colorScheme })
      for (const view of ["Requests", "Sockets", "People", "Data", "Mail", "Files", "Faults and time", "Explorer"]) {
        await open(page, view)
        // With something open: a request with its calls, and an item in its editor.
        if (view === "Requests") {
          await page.getByRole("button", { name: /^POST/ }).first().click()
          await page.locator(".waterfall li").first().waitFor()
        }
        if (view === "Data") {
          await page.getByLabel("Unlocked: items can be changed").check()
          await page.getByRole("button", { name: "user", exact: true }).click()
          await page.getByRole("button", { name: /^USER#/ }).first().click()
          await page.getByLabel("Item, in DynamoDB's JSON").waitFor()
        }
        await page.waitForTimeout(300)
        const violations = await page.evaluate(async () => {
          // The panes and the explorer are pages of their own: see the next test.
          const { violations } = await (window as any).axe.run({ exclude: [["iframe"]] }, { iframes: false })
          return violations.map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html.slice(0, 120)).join(" | ")}`)
        })
        expect(violations, `${view}, ${width}, ${colorScheme}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${view} at ${width}`).toBeLessThanOrEqual(0)
        if (view === "Requests") await page.getByRole("button", { name: "Close the request" }).click()
        if (view === "Data") await page.getByLabel("Unlocked: items can be changed").uncheck()
        if (width === 390 && colorScheme === "light" && view === "Requests") await picture(page, "phone")
        if (colorScheme === "dark" && view === "Faults and time") await picture(page, "dark")
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.emulateMedia({ colorScheme: "light" })
    await tab.context().close()
  })

  it("the panes and the explorer: no violation of accessibility rules", async () => {
    const later = await context.newPage()
    const hold = async (exclude: string[][]) => {
      await later.evaluate(axe.source)
      const violations = await later.evaluate(async exclude => {
        const { violations } = await (window as any).axe.run({ exclude })
        return violations.map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html.slice(0, 120)).join(" | ")}`)
      }, exclude)
      expect(violations).toEqual([])
    }
    const ana = await world.stack.person("ana")
    await ana("POST", "/projects", { title: "For everyone" })
    await later.goto(world.stack.consoleLink)
    await later.goto(`${world.stack.consoleLink.split("/#")[0]}/pane.html#${new URLSearchParams({ side: "left", email: "ana@mylg.test" })}`)
    for (const colorScheme of ["light", "dark"] as const) {
      await later.emulateMedia({ colorScheme })
      await later.getByRole("button", { name: "For everyone" }).first().click()
      await later.getByLabel("Message", { exact: true }).waitFor()
      await hold([])
    }
    await later.goto(`${world.stack.consoleLink.split("/#")[0]}/explorer`)
    await later.getByRole("button", { name: "ana", exact: true }).click()
    await later.getByText("Signed in as ana@mylg.test").waitFor()
    // What Scalar draws is Scalar's.
    await hold([["#app"]])
    await later.close()
  })

  it("a page that opens later is shown everything that is kept, and what a fault did to a caller who left", async () => {
    const ana = await world.stack.person("ana")
    for (let n = 0; n < 150; n++) await ana("GET", `/auth/me`)
    await world.stack.fault({ action: "Query", effect: "delay", delayMs: 4_000 })
    await ana("GET", "/projects/list")
    await world.stack.fault({ action: "Query", effect: "kill" })
    await ana("GET", "/projects/list").catch(() => undefined)
    const later = await context.newPage()
    await later.goto(world.stack.consoleLink)
    await later.getByLabel("Search").fill("/auth/me")
    await expect.poll(() => later.getByRole("row").filter({ hasText: "GET /auth/me" }).count()).toBeGreaterThanOrEqual(150)
    expect(await later.getByText("came too fast").count()).toBe(0)
    await later.getByLabel("Search").fill("/projects/list")
    await later.getByRole("button", { name: "GET /projects/list" }).first().click()
    await later.getByText("fault: process killed").waitFor()
    await later.getByRole("button", { name: "Close the request" }).click()
    await later.getByRole("button", { name: "GET /projects/list" }).nth(1).click()
    await later.getByText("the caller did not wait").waitFor()
    await later.close()
  })

  it("a reset goes on to its end when its page is closed: the clock is right, and the tables are there", async () => {
    const later = await context.newPage()
    await later.goto(`${world.stack.consoleLink}`)
    await open(later, "Faults and time")
    await later.getByRole("button", { name: "Demo studio" }).click()
    await later.waitForTimeout(300)
    await later.close()
    await expect.poll(async () => {
      const { clockOffsetMs } = (await (await world.stack.control("GET", "state")).json()) as { clockOffsetMs: number }
      const ana = await world.stack.person("ana")
      return [clockOffsetMs, (await ana("GET", "/projects/list")).items.length]
    }, { timeout: 60_000, interval: 1_000 }).toEqual([0, 3])
  })

  it("the keyboard alone opens a request", async () => {
    await open(page, "Requests")
    await page.getByLabel("Search").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.getByRole("region", { name: "The request" }).waitFor()
  })

  it("no request leaves the machine", () => {
    expect(requested.length).toBeGreaterThan(10)
    expect(requested.filter(url => !/^(http:\/\/localhost:\d+\/|data:|blob:)/.test(url))).toEqual([])
  })

  it("a page of another origin gets nothing", async () => {
    const foreign = await (await world.context()).newPage()
    await foreign.goto(world.origin)
    const [consoleUrl, token] = world.stack.consoleLink.split("/#token=") as [string, string]
    const attempt = (url: string, init?: RequestInit) =>
      foreign.evaluate(([url, init]) => fetch(url, init).then(response => response.status, error => String(error)), [url, init] as const)
    // Even with the token, and for simple requests that ask for no permission first.
    expect(await attempt(`${consoleUrl}/control/state`, { headers: { Authorization: `Bearer ${token}` } })).toContain("Failed to fetch")
    expect(await attempt(`${consoleUrl}/control/state`)).toContain("Failed to fetch")
    expect(await attempt(`${consoleUrl}/control/sockets/cut`, { method: "POST", body: "{}" })).toContain("Failed to fetch")
    const database = { method: "POST", body: JSON.stringify({}), headers: { "x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0" } }
    expect(await attempt(world.stack.database, database)).toContain("Failed to fetch")
    expect(await attempt(`${world.stack.mail}/mails`)).toContain("Failed to fetch")
    // A frame of another site.
    expect((await fetch(consoleUrl)).headers.get("content-security-policy")).toContain("frame-ancestors 'self'")
    await foreign.context().close()
  })
})
