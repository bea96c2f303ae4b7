// Writes src/generated from docs/openapi.json and docs/asyncapi.json: the HTTP functions, and the types of both. `--check` fails if the committed
// files are not what it would write.
import { createClient } from "@hey-api/openapi-ts"
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const committed = fileURLToPath(new URL("../src/generated", import.meta.url))
const document = async name => JSON.parse(await readFile(join(root, "docs", name), "utf8"))

/** The name of a frame's type: `client.sendMessage` is `ClientSendMessage`, `server.auth_expired` is `ServerAuthExpired`. */
const typeName = name => name.replace(/(^|[._])(\w)/g, (_, __, letter) => letter.toUpperCase())

/** A frame's schema without the members that are ignored. */
function frame({ payload }) {
  const properties = Object.fromEntries(Object.entries(payload.properties ?? {}).filter(([, schema]) => !schema.deprecated))
  return { ...payload, properties }
}

const openapi = await document("openapi.json")
const asyncapi = await document("asyncapi.json")
const frames = Object.entries(asyncapi.components.messages)
const schemas = { ...asyncapi.components.schemas, ...openapi.components.schemas }
for (const [name, message] of frames) schemas[typeName(name)] = frame(message)
for (const side of ["client", "server"]) {
  const names = frames.map(([name]) => name).filter(name => name.startsWith(side))
  schemas[side === "client" ? "ClientFrame" : "ServerFrame"] = { oneOf: names.map(name => ({ $ref: `#/components/schemas/${typeName(name)}` })) }
}
const input = { ...openapi, components: { ...openapi.components, schemas } }

async function write(path) {
  await createClient({
    input,
    output: { path, clean: true, tsConfigPath: null, importFileExtension: ".js" },
    plugins: [{ name: "@hey-api/client-fetch", bundle: true }, "@hey-api/typescript", { name: "@hey-api/sdk", auth: false, client: false }],
    logs: { level: "silent" },
  })
  // The generator's own client is not used: the functions take one of the form of src/client.ts.
  for (const unused of ["client", "core", "client.gen.ts", "index.ts"]) await rm(join(path, unused), { recursive: true, force: true })
  const functions = join(path, "sdk.gen.ts")
  await writeFile(functions, (await readFile(functions, "utf8")).replace("'./client/index.js'", "'../client.js'"))
}

async function contents(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(files.map(async file => [relative(folder, file), await readFile(file, "utf8")])))
}

if (process.argv.includes("--check")) {
  const fresh = await mkdtemp(join(tmpdir(), "client-"))
  await write(fresh)
  const [now, before] = [await contents(fresh), await contents(committed)]
  await rm(fresh, { recursive: true })
  const different = [...new Set([...now.keys(), ...before.keys()])].filter(file => now.get(file) !== before.get(file))
  if (different.length > 0) {
    console.error(`src/generated is not that of the documents: run \`npm run generate\` (${different.join(", ")})`)
    process.exit(1)
  }
} else {
  await write(committed)
}
