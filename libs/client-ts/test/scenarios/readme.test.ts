// The ten lines of the README, as they stand, in a fresh Vite app that has installed the package.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { World, packageFolder } from "../harness.js"

const tenLines = () => /```tsx\n([^]*?)```/.exec(readFileSync(join(packageFolder, "README.md"), "utf8"))![1]!

let world: World
beforeAll(async () => {
  world = await World.start(
    {},
    {
      site: async ({ api, ws }) => {
        const app = mkdtempSync(join(tmpdir(), "app-"))
        execFileSync("node", ["scripts/build.mjs"], { cwd: packageFolder, stdio: "inherit" })
        execFileSync("npm", ["pack", "--silent", "--pack-destination", app], { cwd: packageFolder })
        const installed = join(app, "node_modules/@mylg/client")
        mkdirSync(installed, { recursive: true })
        execFileSync("tar", ["xzf", join(app, readdirSync(app).find(file => file.endsWith(".tgz"))!), "-C", installed, "--strip-components=1"])
        for (const name of ["react", "react-dom", "scheduler", "vite", "@types", "typescript", "csstype"]) symlinkSync(join(packageFolder, "node_modules", name), join(app, "node_modules", name))
        // The one change: where this test's backend is.
        const code = tenLines().replace("http://localhost:3000", api).replace("ws://localhost:3001", ws)
        writeFileSync(join(app, "main.tsx"), code)
        writeFileSync(join(app, "index.html"), `<!doctype html><div id="root"></div><script type="module" src="/main.tsx"></script>`)
        writeFileSync(join(app, "package.json"), `{ "type": "module" }`)
        const options = ["--noEmit", "--strict", "--jsx", "react-jsx", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", "--lib", "es2022,dom", "--skipLibCheck", "main.tsx"]
        execFileSync("node", [join(packageFolder, "node_modules/typescript/bin/tsc"), ...options], { cwd: app, stdio: "inherit" })
        execFileSync("node", [join(packageFolder, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"], { cwd: app, stdio: "inherit" })
        return join(app, "dist")
      },
    },
  )
})
afterAll(() => world.stop())

it("the ten lines of the README are live", async () => {
  expect(tenLines().trim().split("\n").filter(line => !line.startsWith("import") && line !== "").length).toBeLessThanOrEqual(10)
  const [ana, ben] = [await world.stack.person("ana"), await world.stack.person("ben")]
  const { conversationId } = await ben("POST", "/messages/conversations", { type: "direct", participants: [(ana as any).id] })
  const page = await (await world.context()).newPage()
  await page.goto(world.origin)
  // Then the page knows the conversation.
  const loaded = page.waitForResponse(response => response.url().endsWith(`${conversationId}/messages?limit=50`))
  await page.getByRole("button", { name: "Sign in" }).click()
  await loaded
  await page.getByRole("button", { name: "Say hello" }).click()
  await page.getByText("Hello", { exact: true }).waitFor()
  await expect.poll(async () => (await ben("GET", `/messages/conversations/${conversationId}/messages`)).items.map((item: any) => item.text)).toEqual(["Hello"])
  await ben("POST", `/messages/conversations/${conversationId}/messages`, { text: "Good morning" })
  await page.getByText("Good morning").waitFor()
})
