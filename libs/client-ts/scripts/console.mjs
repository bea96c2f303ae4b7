// Builds the local stack's console into libs/local-stack/src/console/page, which is committed. `--check` fails if that is not what the sources make.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "vite"

const configFile = fileURLToPath(new URL("../console/vite.config.ts", import.meta.url))
const committed = fileURLToPath(new URL("../../local-stack/src/console/page", import.meta.url))
const files = folder => readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(folder.length)).sort()

if (process.argv.includes("--check")) {
  const folder = mkdtempSync(join(tmpdir(), "console-"))
  process.env.CONSOLE_OUT = folder
  await build({ configFile, logLevel: "warn" })
  const isSame = JSON.stringify(files(folder)) === JSON.stringify(files(committed)) && files(folder).every(file => readFileSync(folder + file, "utf8") === readFileSync(committed + file, "utf8"))
  rmSync(folder, { recursive: true })
  if (!isSame) {
    console.error("the committed console is not that of its sources: npm run console")
    process.exit(1)
  }
} else {
  await build({ configFile, logLevel: "warn" })
}
