// Builds dist: types and modules for those who install the package. `--sizes` prints what an app downloads.
import { build } from "esbuild"
import { execFileSync } from "node:child_process"
import { rmSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
rmSync(`${root}/dist`, { recursive: true, force: true })
execFileSync(`${root}/node_modules/.bin/tsc`, ["-p", root], { stdio: "inherit" })

/** The gzipped size of what this code bundles, in bytes. */
export async function size(contents, external = []) {
  const result = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true, minify: true, format: "esm", write: false, target: "es2022", external, treeShaking: true,
  })
  return gzipSync(result.outputFiles[0].contents, { level: 9 }).length
}

if (process.argv.includes("--sizes")) {
  const core = await size(`export { createMylg } from "./dist/index.js"`)
  const hooks = await size(`export { createMylg } from "./dist/index.js"; export * from "./dist/react.js"`, ["react"])
  console.log(JSON.stringify({ core, hooks: hooks - core }))
}
