// The sizes in the README are those of this code. UPDATE=1 writes them.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { expect, it } from "vitest"
import { packageFolder } from "../harness.js"

async function size(contents: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: packageFolder, loader: "ts" }, bundle: true, minify: true, format: "esm", write: false, target: "es2022", platform: "browser", external,
  })
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length
}

it("the core takes at most 15 KB, the hooks 3 KB more, and the table of the README is true", async () => {
  const core = await size(`export { createMylg } from "./src/index.ts"`)
  const hooks = (await size(`export { createMylg } from "./src/index.ts"; export * from "./src/react.tsx"`, ["react"])) - core
  const rows = [
    ["@mylg/client: HTTP, sessions, realtime, stores, outbox", core],
    ["its React hooks, in addition", hooks],
    ["@supabase/realtime-js", await size(`export { RealtimeClient } from "@supabase/realtime-js"`)],
    ["centrifuge", await size(`export { Centrifuge } from "centrifuge"`)],
    ["ably", await size(`export { Realtime } from "ably"`)],
    ["stream-chat", await size(`export { StreamChat } from "stream-chat"`)],
  ] as const
  expect(core).toBeLessThanOrEqual(15 * 1024)
  expect(hooks).toBeLessThanOrEqual(3 * 1024)
  const table = ["| | KB |", "| --- | ---: |", ...rows.map(([name, bytes]) => `| ${name} | ${(bytes / 1024).toFixed(1)} |`)].join("\n")
  const file = join(packageFolder, "README.md")
  const text = readFileSync(file, "utf8")
  const written = text.replace(/(<!-- sizes -->\n\n)[^]*?(\n?<!-- end of the sizes -->)/, (_, before: string) => `${before}${table}\n\n<!-- end of the sizes -->`)
  if (process.env.UPDATE) writeFileSync(file, written)
  expect(written, "UPDATE=1 npm test -- size writes the table").toBe(readFileSync(file, "utf8"))
})

it("the example has under 300 lines", () => {
  const lines = ["main", "App", "Chat", "Project"].map(name => readFileSync(join(packageFolder, `example/src/${name}.tsx`), "utf8").split("\n").length - 1)
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(300)
})
