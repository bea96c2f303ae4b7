// A local stack with the real binaries, a page with the client in Chromium, and a network between them that can be cut.
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net"
import { extname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core"
import type { Mylg } from "../src/index.js"

const root = fileURLToPath(new URL("../../..", import.meta.url))
export const packageFolder = fileURLToPath(new URL("..", import.meta.url))
const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" }
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`

export const PASSWORD = "studio-local-only"

export interface Fault {
  action?: string
  effect: "throttle" | "serverError" | "dropResponse" | "gone" | "kill" | "delay"
  delayMs?: number
  skip?: number
  times?: number
  perMillion?: number
}

/** A running local stack. */
export class Stack {
  private constructor(
    private readonly process: ChildProcess,
    readonly http: string,
    readonly ws: string,
    readonly database: string,
    readonly mail: string,
    /** The console's address, with its token. */
    readonly consoleLink: string,
  ) {}

  static async start(origin: string, environment: Record<string, string> = {}): Promise<Stack> {
    const ports = ["HTTP_PORT", "WS_PORT", "DYNAMODB_PORT", "CONSOLE_PORT", "S3_PORT", "MAIL_PORT"].map(name => [name, "0"])
    const child = spawn(`${target}/debug/local-stack`, ["--in-memory"], {
      env: { ...process.env, ...Object.fromEntries(ports), ALLOWED_ORIGINS: origin, SEND_RATE: "off", ACTION_RATE: "off", LOGIN_RATE: "off", ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    })
    const found: Record<string, string> = {}
    const lines = createInterface({ input: child.stdout! })
    await new Promise<void>((resolve, reject) => {
      child.once("exit", code => reject(new Error(`the local stack ended with ${code}: is it built? (cargo build --workspace)`)))
      lines.on("line", line => {
        const [, name, value] = /^(HTTP API|WebSocket API|DynamoDB|Mails|Console) +(\S+)$/.exec(line) ?? []
        if (name && value) found[name] = value
        if (line.startsWith("error:")) reject(new Error(line))
        if (line.startsWith("ready")) resolve()
      })
    })
    return new Stack(child, found["HTTP API"]!, found["WebSocket API"]!, found.DynamoDB!, found.Mails!, found.Console!)
  }

  /** Injects a fault, or, with `perMillion`, random faults. */
  async fault(...faults: Fault[]): Promise<void> {
    const risks = faults.filter(fault => fault.perMillion !== undefined)
    if (risks.length > 0) await this.control("PUT", "faults", { seed: 1, risks })
    for (const fault of faults) if (fault.perMillion === undefined) await this.control("POST", "faults", fault)
  }

  /** Ends all faults. Returns how many random ones there were. */
  async healthy(): Promise<Record<string, number>> {
    const { struck } = (await (await this.control("GET", "faults")).json()) as { struck: Record<string, number> }
    await this.control("DELETE", "faults")
    return struck
  }

  /** A request to the control interface, whatever its answer is. */
  ask(method: string, path: string, body?: unknown): Promise<Response> {
    const [page, token] = this.consoleLink.split("/#token=")
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }
    return fetch(`${page}/control/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  }

  /** A request to the control interface that must succeed. */
  async control(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await this.ask(method, path, body)
    if (!response.ok) throw new Error(`the control interface answered with ${response.status}: ${await response.text()}`)
    return response
  }

  /** A person's requests, without the client. */
  async person(name: string): Promise<(method: string, path: string, body?: unknown) => Promise<any>> {
    const send = async (method: string, path: string, body?: unknown, token?: string): Promise<any> => {
      const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) }
      const response = await fetch(this.http + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      const text = await response.text()
      return text === "" ? undefined : JSON.parse(text)
    }
    const { accessToken, user } = await send("POST", "/auth/login", { email: `${name}@mylg.test`, password: PASSWORD })
    return Object.assign((method: string, path: string, body?: unknown) => send(method, path, body, accessToken), { id: user.userId as string })
  }

  async stop(): Promise<void> {
    this.process.kill("SIGTERM")
    await new Promise(resolve => this.process.once("exit", resolve))
  }
}

/** A network to one port, that can be cut and frozen. */
export class Network {
  private readonly open = new Set<Socket>()
  private isCut = false
  private isFrozen = false
  private constructor(private readonly server: Server, readonly port: number) {}

  static async to(url: string): Promise<Network> {
    const port = Number(new URL(url).port)
    let network: Network
    const server = createServer(client => network.pass(client, port))
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve))
    network = new Network(server, (server.address() as AddressInfo).port)
    return network
  }

  /** Ends every connection, and refuses new ones. */
  cut(): void {
    this.isCut = true
    for (const socket of this.open) socket.destroy()
  }

  /** Passes nothing on, and tells nobody: as behind a dead radio link. */
  freeze(): void {
    this.isFrozen = true
    for (const socket of this.open) socket.pause()
  }

  mend(): void {
    this.isCut = false
    if (this.isFrozen) for (const socket of this.open) socket.destroy()
    this.isFrozen = false
  }

  close(): void {
    this.cut()
    this.server.close()
  }

  private pass(client: Socket, port: number): void {
    if (this.isCut) return void client.destroy()
    const server = connect(port, "127.0.0.1")
    for (const [from, to] of [[client, server], [server, client]] as const) {
      this.open.add(from)
      from.on("error", () => from.destroy())
      from.on("close", () => (this.open.delete(from), to.destroy()))
      from.pipe(to)
      if (this.isFrozen) from.pause()
    }
  }
}

declare global {
  interface Window {
    mylg: Mylg
    lib: typeof import("../src/index.js")
  }
}

/** A local stack with a browser. */
export class World {
  private constructor(
    readonly stack: Stack,
    readonly api: Network,
    readonly ws: Network,
    private readonly browser: Browser,
    readonly origin: string,
    private readonly pages: ReturnType<typeof createHttpServer>,
  ) {}

  /** Serves a page with this script, or the files in a folder that `site` makes, for a stack with these variables. */
  static async start(environment: Record<string, string> = {}, { entry = `import * as lib from "./src/index.ts"; window.lib = lib`, site }: { entry?: string; site?: (world: { api: string; ws: string }) => Promise<string> } = {}): Promise<World> {
    const bundle = await build({
      stdin: { contents: entry, resolveDir: packageFolder, loader: "tsx" },
      bundle: true, format: "esm", write: false, target: "es2022", jsx: "automatic", define: { "process.env.NODE_ENV": '"production"' },
    })
    const script = bundle.outputFiles[0]!.text
    let folder: string | undefined
    const pages = createHttpServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://x").pathname
      const file = folder && join(folder, path === "/" ? "index.html" : path)
      if (file && existsSync(file)) response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream").end(readFileSync(file))
      else if (path === "/lib.js") response.setHeader("Content-Type", "text/javascript").end(script)
      else response.setHeader("Content-Type", "text/html").end(`<!doctype html><title>test</title><div id="root"></div><script type="module" src="/lib.js"></script>`)
    })
    await new Promise<void>(resolve => pages.listen(0, "127.0.0.1", resolve))
    const origin = `http://localhost:${(pages.address() as AddressInfo).port}`
    const stack = await Stack.start(origin, environment)
    const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync)
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] })
    const world = new World(stack, await Network.to(stack.http), await Network.to(stack.ws), browser, origin, pages)
    folder = await site?.(world.addresses)
    return world
  }

  /** Where the backend is, through the network that can be cut. */
  get addresses(): { api: string; ws: string } {
    return { api: `http://localhost:${this.api.port}`, ws: `ws://localhost:${this.ws.port}` }
  }

  /** A browser of its own, with its own storage. */
  context(): Promise<BrowserContext> {
    return this.browser.newContext()
  }

  /** Opens a tab. With a name, signs that person in; else goes on with the session of this browser. */
  async tab(context: BrowserContext, name?: string): Promise<Page> {
    const page = await context.newPage()
    await this.load(page)
    if (name) await page.evaluate(([email, password]) => window.mylg.signIn(email!, password!), [`${name}@mylg.test`, PASSWORD])
    await live(page)
    return page
  }

  /** Loads or reloads the page, and goes on with the session. */
  async load(page: Page, session: "storage" | "cookie" = "storage"): Promise<void> {
    await page.goto(this.origin)
    await page.waitForFunction(() => window.lib !== undefined)
    await page.evaluate(
      async ([api, ws, session]) => {
        window.mylg = window.lib.createMylg({ api: api!, ws: ws!, session: session as "storage" | "cookie", syncEveryMs: 10_000 })
        await window.mylg.restore()
      },
      [this.addresses.api, this.addresses.ws, session],
    )
  }

  cut(): void {
    this.api.cut()
    this.ws.cut()
  }

  mend(): void {
    this.api.mend()
    this.ws.mend()
  }

  async stop(): Promise<void> {
    await this.browser.close()
    await this.stack.stop()
    this.api.close()
    this.ws.close()
    this.pages.close()
  }
}

/** A conversation of Ana and Ben, with their requests. */
export async function group(world: World) {
  const [ana, ben] = [await world.stack.person("ana"), await world.stack.person("ben")]
  const { conversationId } = await ana("POST", "/messages/conversations", { type: "group", title: "Test", participants: [(ben as any).id] })
  return { ana, ben, conversation: conversationId as string }
}

/** Waits until the page is live. */
export async function live(page: Page): Promise<void> {
  await page.waitForFunction(() => window.mylg.connection.get().status === "live", undefined, { timeout: 60_000 })
}

/** What the page shows of a conversation: each message's text, and a mark where it is not on the server. */
export function texts(page: Page, conversation: string): Promise<string[]> {
  return page.evaluate(
    id => window.mylg.chat.messages(id).get().items.map(item => `${item.deleted ? "(deleted)" : (item.text ?? "")}${item.status === "sent" ? "" : ` (${item.status})`}`),
    conversation,
  )
}

/** Watches a conversation, as a page that shows it does. */
export async function watch(page: Page, conversation: string): Promise<void> {
  await page.evaluate(id => void window.mylg.chat.messages(id).subscribe(() => undefined), conversation)
  await page.waitForFunction(id => !window.mylg.chat.messages(id).get().isLoading, conversation)
}

export function send(page: Page, conversation: string, text: string): Promise<unknown> {
  return page.evaluate(([id, text]) => window.mylg.chat.send(id!, { text: text! }), [conversation, text])
}

/** Waits until the page shows exactly these texts, all on the server. */
export async function shows(page: Page, conversation: string, expected: string[]): Promise<void> {
  await page
    .waitForFunction(
      ([id, expected]) => {
        const { items } = window.mylg.chat.messages(id as string).get()
        return JSON.stringify(items.map(item => (item.status === "sent" ? item.text : `${item.text} (${item.status})`))) === JSON.stringify(expected)
      },
      [conversation, expected] as const,
      { timeout: 60_000 },
    )
    .catch(async error => {
      throw new Error(`the page shows ${JSON.stringify(await texts(page, conversation))} instead of ${JSON.stringify(expected)}: ${error}`)
    })
}
