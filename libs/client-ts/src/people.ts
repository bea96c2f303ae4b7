import type { Client } from "./client.js"
import { listUsers } from "./generated/sdk.gen.js"
import type { Person } from "./generated/types.gen.js"
import { MylgError } from "./problem.js"
import { Family } from "./store.js"
import { unwrap } from "./transport.js"

/** One request names so many people. */
const BATCH = 50
/** What was asked for in this time goes in one request. */
const WINDOW_MS = 10
/** After a failure it is asked for again. */
const AGAIN_MS = 5_000

/** Names and pictures of people, by id. What is asked for together is fetched together, and kept. */
export class People {
  private readonly known = new Map<string, Person | null>()
  private readonly wanted = new Set<string>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private isSignedIn = false
  private readonly family = new Family<string, Person | undefined>(id => this.known.get(id) ?? undefined, id => this.want(id))

  constructor(private readonly http: Client) {}

  /** A person, once fetched. Nothing for someone who does not exist. */
  of(id: string) {
    return this.family.of(id)
  }

  /** Fetches a person if they are not known. */
  want(id: string): void {
    if (this.known.has(id) || !this.isSignedIn) return
    this.wanted.add(id)
    this.timer ??= setTimeout(() => void this.fetch(), WINDOW_MS)
  }

  /** Keeps people that another request brought. */
  keep(people: readonly Person[]): void {
    for (const person of people) {
      this.known.set(person.userId, person)
      this.family.changed(person.userId)
    }
  }

  /** Finds people by the beginning of a name. */
  async find(q: string): Promise<Person[]> {
    const { items } = await unwrap(listUsers({ client: this.http, query: { q, limit: 20 } }))
    this.keep(items as Person[])
    return items as Person[]
  }

  /** Starts for another person, or for nobody. */
  reset(me: string | undefined): void {
    this.isSignedIn = me !== undefined
    this.known.clear()
    this.wanted.clear()
    this.family.allChanged()
    for (const id of this.family.watched()) this.want(id)
  }

  private async fetch(): Promise<void> {
    this.timer = undefined
    const ids = [...this.wanted].slice(0, BATCH)
    for (const id of ids) this.wanted.delete(id)
    if (this.wanted.size > 0) this.timer = setTimeout(() => void this.fetch(), WINDOW_MS)
    try {
      const { items } = await unwrap(listUsers({ client: this.http, query: { ids: ids.join(",") } }))
      this.keep(items as Person[])
      for (const id of ids) if (!this.known.has(id)) this.known.set(id, null)
    } catch (error) {
      if (!(error instanceof MylgError) || !error.isTemporary) return
      for (const id of ids) this.wanted.add(id)
      this.timer ??= setTimeout(() => void this.fetch(), AGAIN_MS)
    }
  }
}

/** The name that is shown for a person. */
export function nameOf(person: Pick<Person, "firstName" | "lastName" | "username"> | undefined): string {
  if (!person) return ""
  return [person.firstName, person.lastName].filter(Boolean).join(" ") || person.username || "Someone"
}
