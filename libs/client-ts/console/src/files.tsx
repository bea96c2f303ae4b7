import { useState } from "react"
import { content } from "./control.js"
import { useControl, useStack } from "./hooks.js"

interface StoredObject {
  bucket: string
  key: string
  size: number
  contentType: string | null
  modified: string
  tags: Record<string, string>
}

/** The owner of an object is the first part of its key: a project, a conversation or a person. */
const ownerOf = (key: string) => /\b(prj|cnv|usr)_[0-9A-Z]+/.exec(key)?.[0] ?? ""
const KINDS: Record<string, string> = { prj: "Project", cnv: "Conversation", usr: "Person" }

/** The objects in S3, by what they belong to. */
export function Files() {
  const { nameOf } = useStack()
  const { value, problem } = useControl<{ items: StoredObject[] }>("objects", 3_000)
  const { value: projects } = useControl<{ items: { item: Record<string, { S?: string }> }[] }>("tables/projects/items?type=project")
  const [said, say] = useState("")
  const titles = new Map((projects?.items ?? []).map(({ item }) => [item.pk?.S?.slice("PROJECT#".length), item.title?.S]))
  const groups = new Map<string, StoredObject[]>()
  for (const one of value?.items ?? []) groups.set(ownerOf(one.key), [...(groups.get(ownerOf(one.key)) ?? []), one])
  const open = async ({ bucket, key }: StoredObject) => {
    try {
      const url = URL.createObjectURL(await content(bucket, key))
      const link = Object.assign(document.createElement("a"), { href: url, download: key.split("/").at(-1) ?? "object" })
      link.click()
      setTimeout(() => URL.revokeObjectURL(url), 60_000)
      say(`${key} was downloaded.`)
    } catch (error) {
      say((error as Error).message)
    }
  }
  return (
    <section aria-label="Files">
      <h2>Objects in S3 <b className="badge">{value?.items.length ?? 0}</b></h2>
      {problem ? <p role="alert">{problem}</p> : null}
      <p role="status">{said}</p>
      {groups.size === 0 ? <p className="hint">No object. Files of projects and conversations and pictures of people appear here once they are uploaded.</p> : null}
      {[...groups].map(([owner, objects]) => (
        <section key={owner} aria-label={owner}>
          <h3>{KINDS[owner.slice(0, 3)] ?? "Other"} {owner.startsWith("usr") ? nameOf(owner) : (titles.get(owner) ?? owner)}</h3>
          <table>
            <thead><tr><th>Key</th><th className="number">Bytes</th><th>Type</th><th>Stored</th><th>Tags</th></tr></thead>
            <tbody>
              {objects.map(one => (
                <tr key={`${one.bucket}/${one.key}`}>
                  <td><button className="link" onClick={() => void open(one)}>{one.key}</button> <small>{one.bucket}</small></td>
                  <td className="number">{one.size.toLocaleString()}</td>
                  <td>{one.contentType}</td>
                  <td>{new Date(one.modified).toLocaleString()}</td>
                  <td>{Object.entries(one.tags).map(([name, value]) => `${name}: ${value}`).join(", ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </section>
  )
}
