import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { World, live, watch } from "../harness.js"

/** How long faults are injected: half a minute, or as many seconds as FAULTS_FOR says. */
const DURATION_MS = Number(process.env.FAULTS_FOR ?? 30) * 1_000

const MIX = [
  { effect: "throttle", perMillion: 20_000 },
  { effect: "serverError", perMillion: 10_000 },
  { effect: "delay", delayMs: 300, perMillion: 20_000 },
  { effect: "dropResponse", perMillion: 10_000 },
  { effect: "kill", perMillion: 1_500 },
  { action: "PostToConnection", effect: "gone", perMillion: 5_000 },
  { action: "PostToConnection", effect: "delay", delayMs: 500, perMillion: 20_000 },
] as const

/** What the page has of a conversation, as far as two people see the same. */
const state = (page: Page, id: string) =>
  page.evaluate(id => {
    const of = (message: any) => [message.seq, message.messageId, message.senderId, message.text, message.deleted, message.version, Object.keys(message.reactions).sort()]
    const { items } = window.mylg.chat.messages(id).get()
    const conversation = window.mylg.chat.conversation(id).get()
    const markers = conversation?.participants.map(({ userId, readSeq }) => `${userId} ${readSeq}`).sort()
    return { sending: items.filter(item => item.status !== "sent").length, items: items.map(of), lastSeq: conversation?.lastSeq, snippet: conversation?.lastMessage?.snippet, markers }
  }, id)

/** What the page has of a project, its budget, the list and the others. */
const projectState = (page: Page, id: string, others: string[]) =>
  page.evaluate(
    ([id, others]) => {
      const { projects, presence } = window.mylg
      const { budget } = projects.budgetOf(id).get()
      const project = projects.of(id).get()
      return {
        project: project && [project.title, project.version],
        listed: projects.list.get().map(({ projectId, title, version }) => [projectId, title, version]),
        budget: budget && [budget.version, budget.totals, budget.lines.map(line => [line.budgetItemId, line.description, line.quantity, line.itemBudgetedCost])],
        locks: projects.locksOf(id).get().map(({ lineId }) => lineId),
        online: others.map(other => presence.of(other).get()),
      }
    },
    [id, others] as const,
  )

describe("the full mix of faults", () => {
  let world: World
  beforeAll(async () => {
    world = await World.start({ TICKET_RATE: "off", REFRESH_RATE: "off", SESSION_REFRESH_RATE: "off", CONNECT_RATE: "off", ACCESS_TTL_S: "30" })
  })
  afterAll(() => world.stop())

  it(
    "three browsers write, edit, react and delete: afterwards every store equals a fresh fetch, nothing is lost, twice or out of order",
    async () => {
      const [ana, ben, cleo] = [await world.stack.person("ana"), await world.stack.person("ben"), await world.stack.person("cleo")]
      const participants = [(ben as any).id, (cleo as any).id]
      const { conversationId: id } = await ana("POST", "/messages/conversations", { type: "group", title: "Faults", participants })
      const team = participants.map(userId => ({ userId, role: "editor" }))
      const { projectId } = await ana("POST", "/projects", { title: "Faults 0", team })
      const contexts = await Promise.all(["ana", "ben", "cleo"].map(() => world.context()))
      const pages = await Promise.all(contexts.map((context, n) => world.tab(context, ["ana", "ben", "cleo"][n])))
      for (const page of pages) {
        await watch(page, id)
        await page.evaluate(projectId => {
          const { projects, presence, session } = window.mylg
          for (const store of [projects.list, projects.of(projectId), projects.budgetOf(projectId), projects.locksOf(projectId), presence.of(session.state.get().user!.userId)]) store.subscribe(() => undefined)
          ;(window as any).complaints = []
          window.addEventListener("unhandledrejection", event => (window as any).complaints.push(String(event.reason)))
        }, projectId)
      }
      await world.stack.fault(...MIX)
      const written: string[][] = pages.map(() => [])
      const until = Date.now() + DURATION_MS
      const write = async (page: Page, n: number) => {
        for (let count = 1; Date.now() < until; count++) {
          const text = `${n}:${count}`
          await page.evaluate(([id, text]) => window.mylg.chat.send(id!, { text: text! }), [id, text])
          written[n]!.push(text)
          if (count % 5 === 0) {
            // Whatever the page shows may be edited, reacted to or deleted; a temporary failure is the caller's to repeat.
            await page.evaluate(
              async ([id, turn]) => {
                const mine = window.mylg.chat.messages(id as string).get().items.filter(item => item.status === "sent" && !item.deleted && item.senderId === window.mylg.session.state.get().user?.userId)
                const message = mine.at(-3)
                if (!message) return
                const { chat } = window.mylg
                const action = (turn as number) % 3
                const done = action === 0 ? chat.react(message.messageId, "👍", true) : action === 1 ? chat.edit(message.messageId, `${message.text} (edited)`) : chat.delete(message.messageId)
                await done.catch(error => error.isTemporary || (window as any).complaints.push(`${error.code}: ${error.message}`))
              },
              [id, count / 5] as const,
            )
          }
          if (count % 7 === 0) {
            // A line is added or, under its lock, changed; at times the project gets another title.
            await page.evaluate(
              async ([id, turn, n]) => {
                const { projects } = window.mylg
                const { budget } = projects.budgetOf(id as string).get()
                const line = budget?.lines[(turn as number) % Math.max(budget.lines.length, 1)]
                const change = async () => {
                  if ((turn as number) % 5 === 4) return projects.update(id as string, { title: `Faults ${n}:${turn}` })
                  if (!budget || !line || budget.lines.length < 5) return projects.changeLines(id as string, [{ description: `LINE ${n}:${turn}`, quantity: 1, itemBudgetedCost: 100 }])
                  await projects.lock(id as string, budget.revision, line.budgetItemId)
                  try {
                    await projects.changeLines(id as string, [{ budgetItemId: line.budgetItemId, quantity: turn as number }])
                  } finally {
                    projects.unlock(id as string, budget.revision, line.budgetItemId)
                  }
                }
                // Somebody else has the line, or changed it at the same time: a person sees that, and goes on.
                await change().catch(error => error.isTemporary || error.code === "conflict" || error.code === "locked" || (window as any).complaints.push(`${error.code}: ${error.message}`))
              },
              [projectId, count / 7, n] as const,
            )
          }
          if (count % 3 === 0) await page.evaluate(id => window.mylg.chat.markRead(id), id)
          await new Promise(resolve => setTimeout(resolve, 100 + Math.random() * 200))
        }
      }
      const cuts = async () => {
        while (Date.now() < until - 5_000) {
          await new Promise(resolve => setTimeout(resolve, 4_000 + Math.random() * 6_000))
          world.ws.cut()
          await new Promise(resolve => setTimeout(resolve, 200))
          world.ws.mend()
        }
      }
      await Promise.all([...pages.map(write), cuts()])
      const struck = await world.stack.healthy()
      for (const page of pages) await page.waitForFunction(() => window.mylg.outbox.size === 0, undefined, { timeout: 120_000 })
      for (const page of pages) await live(page)

      // A fresh fetch, by somebody who was not there. A token lasts for half a minute, and a person has few logins: no login for each page.
      let reader = await world.stack.person("ana")
      const read = (path: string) => reader("GET", path).catch(async () => (reader = await world.stack.person("ana"))("GET", path))
      const all: any[] = []
      for (let after = 0; ; ) {
        const { items } = await read(`/messages/conversations/${id}/messages?afterSeq=${after}&limit=100`)
        const sorted = [...items].sort((a: any, b: any) => a.seq - b.seq)
        all.push(...sorted)
        if (sorted.length === 0) break
        after = sorted.at(-1).seq
      }
      const fresh = all.map(({ seq, messageId, senderId, text, deleted, version, reactions }) => [seq, messageId, senderId, text, deleted, version, Object.keys(reactions).sort()])
      expect(fresh.map(([seq]) => seq)).toEqual(fresh.map((_, index) => index + 1))
      const total = written.flat().length
      expect(fresh.length, "every message is there once").toBe(total)
      // In order: those of each person as they were written. An edit keeps the beginning, a deletion leaves the place.
      written.forEach((texts, n) => {
        const theirs = fresh.filter(([, , sender]) => sender === [(ana as any).id, (ben as any).id, (cleo as any).id][n])
        expect(theirs.length).toBe(texts.length)
        theirs.forEach(([, , , text], index) => text === null || expect(String(text).replaceAll(" (edited)", "")).toBe(texts[index]))
      })
      const { participants: people, lastMessage } = await read(`/messages/conversations/${id}`)
      const markers = people.map(({ userId, readSeq }: any) => `${userId} ${readSeq}`).sort()
      for (const page of pages) {
        await expect.poll(() => state(page, id), { timeout: 60_000, interval: 500 }).toEqual({ sending: 0, items: fresh, lastSeq: fresh.length, snippet: lastMessage.snippet, markers })
        expect(await page.evaluate(() => (window as any).complaints)).toEqual([])
      }
      const [project, budget, { items: listed }] = [await read(`/projects/${projectId}`), await read(`/projects/${projectId}/budget`), await read("/projects/list")]
      const freshProject = {
        project: [project.title, project.version],
        listed: listed.map(({ projectId, title, version }: any) => [projectId, title, version]),
        budget: [budget.version, budget.totals, budget.lines.map((line: any) => [line.budgetItemId, line.description, line.quantity, line.itemBudgetedCost])],
        locks: budget.locks.map(({ lineId }: any) => lineId),
        online: [true, true],
      }
      for (const [n, page] of pages.entries()) {
        const others = [ana, ben, cleo].filter((_, other) => other !== n).map(other => (other as any).id as string)
        await expect.poll(() => projectState(page, projectId, others), { timeout: 90_000, interval: 500 }).toEqual(freshProject)
      }
      console.log(`${total} messages by three browsers in ${DURATION_MS / 1_000} s, ${budget.version} changes of the budget; faults: ${JSON.stringify(struck)}`)
      await Promise.all(contexts.map(context => context.close()))
    },
    DURATION_MS + 300_000,
  )
})
