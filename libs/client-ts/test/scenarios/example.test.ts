import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { build } from "vite"
import { PASSWORD, World, packageFolder } from "../harness.js"

let world: World
beforeAll(async () => {
  world = await World.start(
    {},
    {
      site: async ({ api, ws }) => {
        const outDir = mkdtempSync(join(tmpdir(), "example-"))
        const define = { "import.meta.env.VITE_API": JSON.stringify(api), "import.meta.env.VITE_WS": JSON.stringify(ws) }
        await build({ configFile: join(packageFolder, "example/vite.config.ts"), define, logLevel: "error", build: { outDir, emptyOutDir: true } })
        return outDir
      },
    },
  )
})
afterAll(() => world.stop())

async function signIn(name: string): Promise<Page> {
  const page = await (await world.context()).newPage()
  page.on("pageerror", error => {
    throw error
  })
  await page.goto(world.origin)
  await page.getByLabel("E-mail").fill(`${name}@mylg.test`)
  await page.getByLabel("Password").fill(PASSWORD)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("status").getByText("live").waitFor()
  return page
}

it("two people work on a project: team, budget with live totals and locks, chat with typing, presence, unread, edit and reaction", async () => {
  const [ana, ben] = [await signIn("ana"), await signIn("ben")]
  await ana.getByLabel("Title of a new project").fill("Atrium Launch")
  await ana.getByRole("button", { name: "Add", exact: true }).click()
  await ana.getByLabel("Add to the team").fill("Ben")
  await ana.getByLabel("Add to the team").press("Enter")
  await ben.getByRole("button", { name: "Atrium Launch" }).first().click()
  await ben.getByText("Ana Roy owner").waitFor()

  // The budget: a line of one is there for the other, with the server's total.
  await ana.getByRole("button", { name: "Add a line" }).click()
  await ben.getByLabel("Total").getByText("$100.00").waitFor()
  await ben.getByLabel("Quantity").focus()
  await ana.locator("tr.locked").waitFor()
  expect(await ana.getByLabel("Quantity").isDisabled()).toBe(true)
  await ben.getByLabel("Quantity").fill("12")
  await ben.getByLabel("Quantity").blur()
  await ana.getByLabel("Total").getByText("$1,200.00").waitFor()
  await ana.locator("tr.locked").waitFor({ state: "detached" })

  // The conversation of the project.
  await ana.getByRole("button", { name: "Atrium Launch" }).first().click()
  await ben.getByLabel("Message", { exact: true }).pressSequentially("Good morning")
  await ana.getByText("Ben Okafor is typing…").waitFor()
  await ben.getByRole("button", { name: "Send" }).click()
  const log = ana.getByRole("log")
  await log.getByText("Good morning").waitFor()
  await ana.getByText("Ben Okafor is typing…").waitFor({ state: "detached" })
  await ana.locator(".online", { hasText: "Ben" }).waitFor()
  await log.getByRole("button", { name: "Like" }).click()
  await ben.getByRole("log").getByRole("button", { name: "👍 1" }).waitFor()
  await ben.getByRole("log").getByRole("button", { name: "Edit" }).click()
  await ben.getByLabel("Change the message").fill("Good morning, the drawings are ready")
  await ben.getByLabel("Change the message").press("Enter")
  await log.getByText("the drawings are ready").waitFor()

  // Offline: written now, sent when the network is back.
  world.cut()
  await ben.getByLabel("Message", { exact: true }).fill("Sent from a tunnel")
  await ben.getByRole("button", { name: "Send" }).click()
  await ben.getByRole("log").getByText("Sent from a tunnel").waitFor()
  world.mend()
  await log.getByText("Sent from a tunnel").waitFor({ timeout: 60_000 })

  // Unread, of a conversation that is not open.
  await ana.getByLabel("Find people").fill("Ben")
  await ana.getByRole("button", { name: "Talk to Ben Okafor" }).click()
  await ana.getByRole("heading", { name: "Ben Okafor" }).waitFor()
  await ana.getByLabel("Message", { exact: true }).fill("Lunch?")
  await ana.getByRole("button", { name: "Send" }).click()
  await ben.locator("nav li button", { hasText: "Lunch?" }).locator(".badge", { hasText: "1" }).waitFor()

  for (const page of [ana, ben]) {
    await page.getByRole("button", { name: "Atrium Launch" }).first().click()
    await page.getByRole("heading", { name: "Atrium Launch" }).waitFor()
  }
  for (const [page, text] of [[ben, "The lamps arrive on Monday"], [ana, "Great, I'll tell the venue"]] as const) {
    await page.getByLabel("Message", { exact: true }).fill(text)
    await page.getByRole("button", { name: "Send" }).click()
    await log.getByText(text).waitFor()
  }
  for (const [page, [width, height], name] of [[ana, [1280, 900], "desktop"], [ben, [390, 844], "phone"]] as const) {
    await page.setViewportSize({ width, height })
    if (name === "phone") {
      await page.getByRole("button", { name: "← All" }).click()
      await page.locator("nav li button", { hasText: "Lunch?" }).click()
      await page.getByRole("log").getByText("Lunch?").waitFor()
    }
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(packageFolder, `docs/example-${name}.png`) })
  }
})
