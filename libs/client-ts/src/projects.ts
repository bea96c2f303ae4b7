import type { Client } from "./client.js"
import { createProject, getBudget, getProject, listProjects, removeTeamMember, setTeamMember, updateBudget, updateProject } from "./generated/sdk.gen.js"
import type { Budget, BudgetLine, CreateProjectData, LineLock, Project, ProjectSummary, ServerFrame, TeamRole, UpdateBudgetData, UpdateProjectData } from "./generated/types.gen.js"
import type { Connection } from "./connection.js"
import { MylgError } from "./problem.js"
import { Derived, Family, batched, sameOr } from "./store.js"
import type { ServerClock } from "./time.js"
import { allPages, unwrap } from "./transport.js"

/** Changes of a project within this time are fetched together. */
const SOON_MS = 2_000

/** A budget as a page shows it. `error` is why it cannot be shown: 403 for viewers. */
export interface BudgetState {
  budget: Budget | undefined
  isLoading: boolean
  error?: MylgError
}

/** The projects of the person who is signed in, their budgets, and who edits which line. */
export class Projects {
  /** The projects that are loaded, the one that changed last first. */
  readonly list = new Derived<readonly ProjectSummary[]>(before => sameOr(before, this.order.flatMap(id => this.summaries.get(id) ?? [])), () => this.wanted(() => this.fetchAll()))
  private order: string[] = []
  private readonly summaries = new Map<string, ProjectSummary>()
  private readonly details = new Map<string, Project>()
  private readonly gone = new Set<string>()
  private readonly budgets = new Map<string, BudgetState>()
  private readonly fetching = new Map<string, { again: boolean }>()
  private readonly held = new Map<string, Map<string, LineLock & { timer?: ReturnType<typeof setTimeout> }>>()
  private readonly unlocked = new Map<string, number>()
  private readonly project = new Family<string, Project | undefined>(id => this.details.get(id), id => this.wanted(() => this.fetch(id)))
  private readonly budget = new Family<string, BudgetState>(id => this.budgets.get(id) ?? { budget: undefined, isLoading: true }, id => this.wanted(() => this.fetchBudget(id)))
  private readonly locked = new Family<string, readonly LineLock[]>((id, before) => sameOr(before, [...(this.held.get(id)?.values() ?? [])]))
  private readonly later = new Map<string, ReturnType<typeof setTimeout>>()
  private isListed = false
  private me: string | undefined

  constructor(private readonly http: Client, private readonly connection: Connection, private readonly clock: ServerClock) {}

  /** One whole project. Fetched when someone watches. */
  of(id: string) {
    return this.project.of(id)
  }

  /** A project's budget in the revision that clients see, else the highest. Fetched when someone watches, and again with each change. */
  budgetOf(id: string) {
    return this.budget.of(id)
  }

  /** Who edits which line of a project's budget. */
  locksOf(id: string) {
    return this.locked.of(id)
  }

  async create(body: CreateProjectData["body"]): Promise<Project> {
    const project = await unwrap(createProject({ client: this.http, body }))
    this.keep(project)
    this.order = [project.projectId, ...this.order.filter(id => id !== project.projectId)]
    if (this.isListed) await this.fetchAll()
    return project
  }

  /** Changes the fields that are named. Shown at once, and taken back if it fails. */
  async update(id: string, body: UpdateProjectData["body"]): Promise<Project> {
    const before = this.details.get(id)
    if (before) this.show({ ...before, ...(body as Partial<Project>) })
    try {
      const project = await unwrap(updateProject({ client: this.http, path: { id }, body }))
      this.keep(project)
      return project
    } catch (error) {
      if (before && this.details.get(id)?.version === before.version) this.show(before)
      throw error
    }
  }

  /** Adds someone to a project's team, or gives them another role. */
  async addMember(id: string, userId: string, role: TeamRole): Promise<void> {
    await unwrap(setTeamMember({ client: this.http, path: { id, userId }, body: { role } }))
    if (this.details.has(id)) await this.fetch(id).catch(() => undefined)
  }

  /** Removes someone from a project's team. */
  async removeMember(id: string, userId: string): Promise<void> {
    await unwrap(removeTeamMember({ client: this.http, path: { id, userId } }))
    if (this.details.has(id)) await this.fetch(id).catch(() => undefined)
  }

  /** Changes lines of a budget: those with a `budgetItemId` are merged field by field, the others are new. Shown at once, with the totals of the server when it has answered. */
  async changeLines(id: string, lines: NonNullable<UpdateBudgetData["body"]["lines"]>): Promise<void> {
    return this.change(id, { lines })
  }

  /** Deletes lines of a budget. */
  async deleteLines(id: string, deleteLines: string[]): Promise<void> {
    return this.change(id, { deleteLines })
  }

  /** Takes a line for a minute: say it again while it is edited. A `MylgError` with `conflict` if somebody else has it. */
  async lock(projectId: string, revision: number, lineId: string): Promise<void> {
    await this.connection.ask({ action: "lineLocked", projectId, revision, lineId })
  }

  /** Gives a line back. */
  async unlock(projectId: string, revision: number, lineId: string): Promise<void> {
    // Without a connection it has been given back.
    await this.connection.ask({ action: "lineUnlocked", projectId, revision, lineId }).catch(() => undefined)
  }

  /** Fetches the list of projects. */
  async fetchAll(): Promise<void> {
    const me = this.me
    const found = await allPages(query => unwrap(listProjects({ client: this.http, query })))
    if (me !== this.me) return
    this.isListed = true
    this.order = found.map(({ projectId }) => projectId).filter(id => !this.gone.has(id))
    for (const project of found) {
      const known = this.summaries.get(project.projectId)
      if (!known || known.version < project.version) this.summaries.set(project.projectId, project)
    }
    this.list.changed()
  }

  /** After a time without a connection: fetches what is watched. */
  async refresh(): Promise<void> {
    const fetches = [...this.project.watched().map(id => this.fetch(id)), ...this.budget.watched().map(id => this.fetchBudget(id))]
    if (this.isListed || this.list.isWatched) fetches.push(this.fetchAll())
    await Promise.allSettled(fetches)
  }

  hear(frame: ServerFrame): void {
    switch (frame.action) {
      case "projectUpdated":
        return this.updated(frame)
      case "projectRemoved":
        return this.remove(frame.projectId)
      case "teamChanged":
        if (frame.project) this.joined(frame.project)
        else if (frame.userId === this.me && frame.role && !this.summaries.has(frame.projectId)) void this.fetchAll().catch(() => undefined)
        else void this.fetchIfKnown(frame.projectId, frame.version)
        // With another role one may see the budget, or not.
        if (frame.userId === this.me) void this.fetchBudgetIfKnown(frame.projectId)
        return
      case "budgetUpdated":
      case "clientRevisionUpdated":
        if ((this.budgets.get(frame.projectId)?.budget?.version ?? -1) < frame.version) void this.fetchBudgetIfKnown(frame.projectId)
        return
      case "lineLocked": {
        const { action: _, projectId, truncated: __, ...lock } = frame
        return this.lockHeard(projectId, lock)
      }
      case "lineUnlocked":
        return this.unlockHeard(frame.projectId, frame.lineId, Date.parse(frame.at))
    }
  }

  /** Starts for another person, or for nobody. */
  reset(me: string | undefined): void {
    batched(() => {
      this.me = me
      for (const timer of this.later.values()) clearTimeout(timer)
      this.later.clear()
      this.order = []
      this.isListed = false
      for (const map of [this.summaries, this.details, this.budgets, this.held, this.unlocked]) map.clear()
      this.gone.clear()
      this.list.changed()
      for (const family of [this.project, this.budget, this.locked]) family.allChanged()
    })
  }

  /** Someone watches: fetches at once, or, if nobody has signed in yet, with the others later. */
  private wanted(fetch: () => Promise<void>): void {
    if (this.me) fetch().catch(() => undefined)
  }

  private async fetch(id: string): Promise<void> {
    const me = this.me
    try {
      const project = await unwrap(getProject({ client: this.http, path: { id } }))
      if (me === this.me) this.keep(project)
    } catch (error) {
      if (me === this.me && error instanceof MylgError && error.status === 404) this.remove(id)
      throw error
    }
  }

  /** Fetches a project that is watched, once for many changes. */
  private fetchSoon(id: string): void {
    if (!this.project.of(id).isWatched || this.later.has(id)) return
    this.later.set(
      id,
      setTimeout(() => {
        this.later.delete(id)
        void this.fetch(id).catch(() => undefined)
      }, SOON_MS),
    )
  }

  private async fetchIfKnown(id: string, version: number): Promise<void> {
    const known = this.details.get(id) ?? this.summaries.get(id)
    if (!known || known.version >= version) return
    if (this.project.of(id).isWatched || this.details.has(id)) await this.fetch(id).catch(() => undefined)
    if (this.isListed) await this.fetchAll().catch(() => undefined)
  }

  private async fetchBudgetIfKnown(id: string): Promise<void> {
    if (this.budget.of(id).isWatched) await this.fetchBudget(id)
    else this.budgets.delete(id)
  }

  /** Fetches a budget. A change during a fetch leads to one more. */
  private async fetchBudget(id: string): Promise<void> {
    const running = this.fetching.get(id)
    if (running) {
      running.again = true
      return
    }
    const [me, state] = [this.me, { again: false }]
    this.fetching.set(id, state)
    try {
      do {
        state.again = false
        const budget = await unwrap(getBudget({ client: this.http, path: { id } }))
        if (me !== this.me) return
        this.keepBudget(id, budget)
      } while (state.again)
    } catch (error) {
      if (me !== this.me) return
      const problem = error as MylgError
      // A person who may not see it any more has nothing of it.
      const budget = problem.status === 403 || problem.status === 404 ? undefined : this.budgets.get(id)?.budget
      this.setBudget(id, { budget, isLoading: false, error: problem })
    } finally {
      this.fetching.delete(id)
    }
  }

  private async change(id: string, body: UpdateBudgetData["body"]): Promise<void> {
    const before = this.budgets.get(id)?.budget
    if (before) this.setBudget(id, { budget: { ...before, lines: changedLines(before.lines, body) }, isLoading: false })
    const revision = before && { revision: before.revision }
    try {
      const answer = await unwrap(updateBudget({ client: this.http, path: { id }, body: { ...revision, ...body } as UpdateBudgetData["body"] }))
      const known = this.budgets.get(id)?.budget
      if (known && answer.version < known.version) return
      if ("header" in answer) this.keepBudget(id, answer as Budget)
      else await this.fetchBudget(id)
    } catch (error) {
      // What the server has counts.
      if (this.budgets.get(id)?.budget?.version === before?.version) this.setBudget(id, { budget: before, isLoading: false })
      void this.fetchBudget(id)
      throw error
    }
  }

  private keepBudget(id: string, budget: Budget): void {
    const known = this.budgets.get(id)?.budget
    if (!known || known.version <= budget.version) {
      const lines = budget.lines.map(line => known?.lines.find(one => one.budgetItemId === line.budgetItemId && same(one, line)) ?? line)
      this.setBudget(id, { budget: { ...budget, lines }, isLoading: false })
    }
    for (const lock of budget.locks) this.lockHeard(id, lock)
  }

  private setBudget(id: string, state: BudgetState): void {
    this.budgets.set(id, state)
    this.budget.changed(id)
  }

  private keep(project: Project): void {
    if (this.gone.has(project.projectId)) return
    const known = this.details.get(project.projectId)
    if (!known || known.version <= project.version) this.show(project)
    const summary = this.summaries.get(project.projectId)
    if (summary && summary.version < project.version) this.summarise(project.projectId, project as Partial<ProjectSummary>)
  }

  private show(project: Project): void {
    this.details.set(project.projectId, project)
    this.project.changed(project.projectId)
  }

  private summarise(id: string, fields: Partial<ProjectSummary>): void {
    const known = this.summaries.get(id)
    if (!known) return
    const { description: _, ...rest } = fields
    const named = Object.fromEntries(Object.entries(rest).filter(([name]) => name in known)) as Partial<ProjectSummary>
    this.summaries.set(id, { ...known, ...named, partial: true })
    this.order = [id, ...this.order.filter(other => other !== id)]
    this.list.changed()
  }

  private updated(frame: Extract<ServerFrame, { action: "projectUpdated" }>): void {
    const { projectId, version } = frame
    const [known, summary] = [this.details.get(projectId), this.summaries.get(projectId)]
    const fields = frame.fields ?? {}
    if (summary && summary.version < version) this.summarise(projectId, { ...(fields as Partial<ProjectSummary>), version })
    if (!known || known.version >= version) return
    // Long fields are left out of the frame, which does not say so.
    this.show({ ...known, ...(fields as Partial<Project>) })
    this.fetchSoon(projectId)
  }

  private joined(project: ProjectSummary): void {
    if (this.gone.has(project.projectId)) return
    const known = this.summaries.get(project.projectId)
    if (known && known.version >= project.version) return
    this.summaries.set(project.projectId, project)
    this.order = [project.projectId, ...this.order.filter(id => id !== project.projectId)]
    this.list.changed()
  }

  private remove(id: string): void {
    this.gone.add(id)
    this.summaries.delete(id)
    this.details.delete(id)
    this.budgets.delete(id)
    this.order = this.order.filter(other => other !== id)
    this.list.changed()
    this.project.changed(id)
    this.budget.changed(id)
  }

  private lockHeard(projectId: string, lock: LineLock): void {
    const at = Date.parse(lock.at)
    const locks = this.held.get(projectId) ?? new Map<string, LineLock & { timer?: ReturnType<typeof setTimeout> }>()
    const known = locks.get(lock.lineId)
    const left = Date.parse(lock.expiresAt) - this.clock.now()
    if (left <= 0 || at < (this.unlocked.get(`${projectId}:${lock.lineId}`) ?? 0) || (known && Date.parse(known.at) > at)) return
    clearTimeout(known?.timer)
    // Nobody tells of a lock's end: its time does.
    const timer = setTimeout(() => this.unlockHeard(projectId, lock.lineId, at), left)
    locks.set(lock.lineId, Object.defineProperty({ ...lock }, "timer", { value: timer, enumerable: false }))
    this.held.set(projectId, locks)
    this.locked.changed(projectId)
  }

  private unlockHeard(projectId: string, lineId: string, at: number): void {
    const locks = this.held.get(projectId)
    const known = locks?.get(lineId)
    this.unlocked.set(`${projectId}:${lineId}`, Math.max(at, this.unlocked.get(`${projectId}:${lineId}`) ?? 0))
    if (!known || Date.parse(known.at) > at) return
    clearTimeout(known.timer)
    locks?.delete(lineId)
    this.locked.changed(projectId)
  }
}

function same(a: BudgetLine, b: BudgetLine): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function changedLines(lines: readonly BudgetLine[], { lines: changes, deleteLines }: UpdateBudgetData["body"]): BudgetLine[] {
  const gone = new Set(deleteLines ?? [])
  const byId = new Map((changes ?? []).flatMap(change => (change.budgetItemId ? [[change.budgetItemId, change] as const] : [])))
  return lines
    .filter(line => !gone.has(line.budgetItemId))
    .map(line => {
      const change = byId.get(line.budgetItemId)
      return change ? ({ ...line, ...change } as BudgetLine) : line
    })
}
