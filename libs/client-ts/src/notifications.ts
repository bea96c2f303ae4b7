import type { Client } from "./client.js"
import { listNotifications, markNotificationsRead } from "./generated/sdk.gen.js"
import type { Notification, ServerFrame, UnreadNotifications } from "./generated/types.gen.js"
import { Derived, sameOr } from "./store.js"
import { unwrap } from "./transport.js"

/** What happened, one entry for each `dedupeId`, the latest first. Entries have ids alone: fetch what they name, and show nothing for what is gone. */
export class Notifications {
  readonly list = new Derived<readonly Notification[]>(before =>
    sameOr(before, [...this.known.values()].sort((a, b) => (a.notificationId < b.notificationId ? 1 : -1))),
  )
  /** How many are unread. 100 means 100 or more. */
  readonly unread = new Derived<number>(() => this.count)
  private readonly known = new Map<string, Notification>()
  private count = 0

  constructor(private readonly http: Client) {}

  /** Fetches the latest. */
  async fetchAll(): Promise<void> {
    const page = await unwrap(listNotifications({ client: this.http }))
    this.known.clear()
    for (const notification of page.items) this.known.set(notification.dedupeId, notification)
    this.counted(page.unread)
  }

  /** Marks all that are shown as read. */
  async markAllRead(): Promise<void> {
    const latest = this.list.get()[0]
    if (!latest) return
    await unwrap(markNotificationsRead({ client: this.http, body: { upTo: latest.notificationId } as never }))
    const readAt = new Date().toISOString()
    for (const [id, notification] of this.known) if (!notification.readAt) this.known.set(id, { ...notification, readAt })
    this.counted(0)
  }

  /** What a page of sync says. */
  synced({ latest, unread }: UnreadNotifications): void {
    if (latest) this.keep(latest)
    this.counted(unread)
  }

  hear(frame: ServerFrame): void {
    if (frame.action !== "notification") return
    this.keep(frame.notification)
    this.counted(frame.unread)
  }

  reset(): void {
    this.known.clear()
    this.counted(0)
  }

  private keep(notification: Notification): void {
    const known = this.known.get(notification.dedupeId)
    if (!known || known.notificationId < notification.notificationId) this.known.set(notification.dedupeId, notification)
  }

  private counted(unread: number): void {
    this.count = unread
    this.list.changed()
    this.unread.changed()
  }
}
