import { type FormEvent, useState } from "react"
import { change } from "./control.js"
import { useControl, useStack } from "./hooks.js"

/** DynamoDB's JSON. */
type Attribute = Record<string, unknown>
type Item = Record<string, Attribute>

interface Typed {
  type: string
  item: Item
}

interface Tables {
  items: { table: string; types: { type: string; count: number }[]; isComplete: boolean }[]
  unlocked: boolean
}

/** A value as JavaScript has it. */
function plain(attribute: Attribute | undefined): unknown {
  const [kind, value] = Object.entries(attribute ?? {})[0] ?? []
  if (kind === "M") return plainItem(value as Item)
  if (kind === "L") return (value as Attribute[]).map(plain)
  if (kind === "N") return Number(value)
  if (kind === "NS") return (value as string[]).map(Number)
  if (kind === "NULL") return null
  return value
}

const plainItem = (item: Item): Record<string, unknown> => Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]))

const text = (item: Item, name: string) => (item[name]?.S as string | undefined) ?? ""

/** What tells an item from others of its type. */
function titleOf(item: Item): string {
  const found = ["title", "email", "description", "text", "name", "userId"].map(name => text(item, name)).find(one => one !== "")
  const last = item.lastMessage?.M as Item | undefined
  return (found ?? (last ? text(last, "snippet") || text(last, "text") : "")).slice(0, 80)
}

type Collection = { kind: "project" | "conversation" | "person"; id: string }

/** Where the items about something are. */
const PARTITIONS: Record<Collection["kind"], [table: string, prefix: string][]> = {
  project: [["projects", "PROJECT#"], ["projects", "BUDGET#"], ["projects", "FILES#"], ["connections", "LOCKS#"]],
  conversation: [["messages", "CONVERSATION#"], ["messages", "FILES#"]],
  person: [["auth", "USER#"], ["auth", "PERSON#"], ["auth", "FILES#"], ["messages", "USER#"], ["messages", "NOTIFICATIONS#"], ["messages", "SYNC#"], ["connections", "USER#"]],
}

type View = { table: string; type: string } | Collection | undefined

/** The tables, by item types and by collections. */
export function Data() {
  const { value: tables, problem, reload } = useControl<Tables>("tables")
  const { reload: reloadState } = useStack()
  const [view, setView] = useState<View>()
  const [asked, ask] = useState<boolean>()
  const unlocked = asked ?? tables?.unlocked ?? false
  const unlock = async (unlocked: boolean) => {
    ask(unlocked)
    await change("POST", "unlocked", { unlocked }).catch(() => undefined)
    await Promise.all([reload(), reloadState()])
    ask(undefined)
  }
  return (
    <div className="columns narrow">
      <section aria-label="Tables">
        <h2>Tables</h2>
        {problem ? <p role="alert">{problem}</p> : null}
        <label className="check"><input type="checkbox" checked={unlocked} onChange={event => void unlock(event.target.checked)} /> Unlocked: items can be changed</label>
        <Collections choose={setView} />
        {tables?.items.map(({ table, types, isComplete }) => (
          <section key={table} aria-label={`Table ${table}`}>
            <h3>{table}</h3>
            <ul className="types">
              {types.map(({ type, count }) => (
                <li key={type}>
                  <button className="link" aria-current={view !== undefined && "type" in view && view.table === table && view.type === type} onClick={() => setView({ table, type })}>{type}</button>
                  <small>{isComplete ? "" : "over "}{count.toLocaleString()}</small>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <button onClick={() => void reload()}>Count again</button>
      </section>
      {view === undefined ? <section aria-label="Items"><p className="hint">Choose a type of items, or a project, a conversation or a person.</p></section> : null}
      {view && "type" in view ? <Items key={view.table + view.type} query={`${view.table}/items?${new URLSearchParams({ type: view.type })}`} table={view.table} title={view.type} unlocked={unlocked} /> : null}
      {view && "kind" in view ? (
        <section aria-label="Items">
          {PARTITIONS[view.kind].map(([table, prefix]) => (
            <Items key={table + prefix + view.id} query={`${table}/items?${new URLSearchParams({ pk: prefix + view.id })}`} table={table} title={`${table}: ${prefix}${view.id}`} unlocked={unlocked} />
          ))}
        </section>
      ) : null}
    </div>
  )
}

function Collections({ choose }: { choose: (view: View) => void }) {
  const { value: users } = useControl<{ items: Typed[] }>("tables/auth/items?type=user")
  const { value: projects } = useControl<{ items: Typed[] }>("tables/projects/items?type=project")
  const { value: conversations } = useControl<{ items: Typed[] }>("tables/messages/items?type=conversation")
  const group = (kind: Collection["kind"], items: Typed[] | undefined, label: (item: Item) => string) =>
    (items ?? []).map(({ item }) => {
      const id = text(item, "pk").split("#")[1] ?? ""
      return <option key={id} value={`${kind} ${id}`}>{label(item) || id}</option>
    })
  return (
    <label>All about{" "}
      <select defaultValue="" onChange={event => {
        const [kind, id] = event.target.value.split(" ")
        if (kind && id) choose({ kind: kind as Collection["kind"], id })
      }}>
        <option value="">choose…</option>
        <optgroup label="People">{group("person", users?.items, item => text(item, "email"))}</optgroup>
        <optgroup label="Projects">{group("project", projects?.items, item => text(item, "title"))}</optgroup>
        <optgroup label="Conversations">{group("conversation", conversations?.items, item => titleOf(item))}</optgroup>
      </select>
    </label>
  )
}

function Items({ query, table, title, unlocked }: { query: string; table: string; title: string; unlocked: boolean }) {
  const [start, setStart] = useState<string>()
  const { value, problem, reload } = useControl<{ items: Typed[]; next: string | null }>(`tables/${query}${start ? `&${new URLSearchParams({ start })}` : ""}`)
  const [selected, select] = useState<string>()
  const keyOf = (item: Item) => `${text(item, "pk")} ${text(item, "sk")}`
  const item = value?.items.find(one => keyOf(one.item) === selected)?.item
  return (
    <section aria-label={`Items: ${title}`}>
      <h2>{title}</h2>
      {problem ? <p role="alert">{problem}</p> : null}
      {value?.items.length === 0 ? <p className="hint">{value.next ? "None among those that were read so far." : "None."}</p> : null}
      <div className="scroll" role="region" aria-label={`List of ${title}`} tabIndex={0}>
        <table>
          <thead><tr><th>Partition</th><th>Sort key</th><th>What</th></tr></thead>
          <tbody>
            {value?.items.map(one => (
              <tr key={keyOf(one.item)} aria-selected={keyOf(one.item) === selected} onClick={() => select(keyOf(one.item))}>
                <td><button className="link" onClick={() => select(keyOf(one.item))}>{text(one.item, "pk")}</button></td>
                <td>{text(one.item, "sk")}</td>
                <td>{titleOf(one.item)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="actions">
        <button onClick={() => void reload()}>Read again</button>
        {start ? <button onClick={() => setStart(undefined)}>From the first</button> : null}
        {value?.next ? <button onClick={() => setStart(value.next!)}>More</button> : null}
      </p>
      {item ? <OneItem key={`${selected} ${JSON.stringify(item)}`} item={item} table={table} unlocked={unlocked} changed={reload} /> : null}
    </section>
  )
}

function OneItem({ item, table, unlocked, changed }: { item: Item; table: string; unlocked: boolean; changed: () => Promise<void> }) {
  const [said, say] = useState("")
  const act = async (action: () => Promise<void>, done: string) => {
    try {
      await action()
      say(done)
      await changed()
    } catch (error) {
      say((error as Error).message)
    }
  }
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const edited = String(new FormData(event.currentTarget).get("item"))
    void act(async () => change("PUT", `tables/${table}/items`, JSON.parse(edited)), "Saved.")
  }
  const remove = () => void act(() => change("DELETE", `tables/${table}/items?${new URLSearchParams({ pk: text(item, "pk"), sk: text(item, "sk") })}`), "Deleted.")
  return (
    <div className="item">
      {unlocked ? (
        <form onSubmit={save} className="stack">
          <label>Item, in DynamoDB's JSON <textarea name="item" rows={16} spellCheck={false} defaultValue={JSON.stringify(item, null, 2)} /></label>
          <p className="actions"><button>Save</button><button type="button" onClick={remove}>Delete</button></p>
        </form>
      ) : (
        <>
          <pre tabIndex={0} aria-label="The item">{JSON.stringify(plainItem(item), null, 2)}</pre>
          <details><summary>In DynamoDB's JSON</summary><pre tabIndex={0} aria-label="The item in DynamoDB's JSON">{JSON.stringify(item, null, 2)}</pre></details>
        </>
      )}
      <p role="status">{said}</p>
    </div>
  )
}
