import type { Client } from "./client.js"
import {
  completeConversationFile, completePicture, completeProjectFile, createConversationFile, createPicture, createProjectFile, getConversationFile, getProjectFile,
} from "./generated/sdk.gen.js"
import type { File as StoredFile, NewFile, Profile } from "./generated/types.gen.js"
import { MylgError } from "./problem.js"
import { backoff, sleep } from "./time.js"
import { unwrap } from "./transport.js"

/** Whose file it is. */
export type FileOwner = { project: string } | { conversation: string }

/** How an upload is watched and stopped. */
export interface UploadOptions {
  /** Called with the share that was sent, from 0 to 1. */
  onProgress?: (share: number) => void
  /** Ends the upload. What was sent of it is forgotten by the server within a day. */
  signal?: AbortSignal
}

/** How often content is sent again after the connection broke. */
const ATTEMPTS = 8

/** Uploads and downloads. */
export class Files {
  constructor(private readonly http: Client) {}

  /** Uploads a file. A broken connection is waited for, and the content is sent again: its form stays good for ten minutes, after which another is made. */
  async upload(owner: FileOwner, file: Blob & { name: string }, options: UploadOptions = {}): Promise<StoredFile> {
    const about = { client: this.http }
    if ("project" in owner) {
      const path = { id: owner.project }
      const made = () => describe(file).then(body => unwrap(createProjectFile({ ...about, path, body: body as never })))
      return sent(file, made, options, fileId => unwrap(completeProjectFile({ ...about, path: { ...path, fileId } })))
    }
    const path = { id: owner.conversation }
    const made = () => describe(file).then(body => unwrap(createConversationFile({ ...about, path, body: body as never })))
    return sent(file, made, options, fileId => unwrap(completeConversationFile({ ...about, path: { ...path, fileId } })))
  }

  /** Uploads the picture of the person who is signed in. */
  async uploadPicture(file: Blob & { name: string }, options: UploadOptions = {}): Promise<Profile> {
    const made = () => describe(file).then(body => unwrap(createPicture({ client: this.http, body: body as never })))
    return sent(file, made, options, fileId => unwrap(completePicture({ client: this.http, path: { fileId } })))
  }

  /** An address to download a file from, good for one minute. */
  async url(owner: FileOwner, fileId: string): Promise<string> {
    const { url } =
      "project" in owner
        ? await unwrap(getProjectFile({ client: this.http, path: { id: owner.project, fileId } }))
        : await unwrap(getConversationFile({ client: this.http, path: { id: owner.conversation, fileId } }))
    return url
  }
}

/** Uploads and downloads of a client. Apart from the client, so that pages without files do not load it. */
export function createFiles({ http }: { http: Client }): Files {
  return new Files(http)
}

async function describe(file: Blob & { name: string }): Promise<{ name: string; type: string; size: number; checksum: string }> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))
  return { name: file.name, type: file.type || "application/octet-stream", size: file.size, checksum: btoa(String.fromCharCode(...digest)) }
}

async function sent<T>(file: Blob, make: () => Promise<NewFile>, { onProgress, signal }: UploadOptions, complete: (fileId: string) => Promise<T>): Promise<T> {
  let made = await again(make, signal)
  await again(
    () => post(made.upload, file, onProgress, signal),
    signal,
    // S3 refuses a form after ten minutes.
    async () => (made = await again(make, signal)),
  )
  signal?.throwIfAborted()
  return again(() => complete(made.file.fileId), signal)
}

/** Does something until it is done or refused. While the device is offline, it waits for the network. */
async function again<T>(action: () => Promise<T>, signal?: AbortSignal, mend?: () => Promise<unknown>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (signal?.aborted || !(error instanceof MylgError) || attempt + 1 >= ATTEMPTS) throw error
      if (error.code === "expired" && mend) await mend()
      else if (!error.isTemporary) throw error
      if (typeof navigator !== "undefined" && navigator.onLine === false) await new Promise<void>(resolve => window.addEventListener("online", () => resolve(), { once: true }))
      await sleep(backoff(attempt, 1_000, 30_000), signal)
    }
  }
}

/** XMLHttpRequest: `fetch` does not tell how much was sent. */
function post({ url, fields }: NewFile["upload"], file: Blob, onProgress?: (share: number) => void, signal?: AbortSignal): Promise<void> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append("file", file)
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const upload = new XMLHttpRequest()
    const stop = () => upload.abort()
    signal?.addEventListener("abort", stop, { once: true })
    upload.upload.onprogress = event => onProgress?.(event.total > 0 ? event.loaded / event.total : 0)
    upload.onabort = () => reject(signal?.reason ?? new MylgError({ code: "network", detail: "The upload was cut off." }))
    upload.onerror = upload.ontimeout = () => reject(new MylgError({ code: "network", detail: "The upload was cut off." }))
    upload.onload = () => {
      if (upload.status < 300) return resolve()
      const isExpired = /expired/i.test(upload.responseText)
      reject(new MylgError({ status: upload.status, code: upload.status >= 500 ? "unavailable" : isExpired ? "expired" : "refused", detail: upload.responseText }))
    }
    upload.onloadend = () => signal?.removeEventListener("abort", stop)
    upload.open("POST", url)
    upload.send(form)
  })
}
