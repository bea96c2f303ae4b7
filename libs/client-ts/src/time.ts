/** Waits. Ends early with an error when `signal` is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = setTimeout(done, ms)
    signal?.addEventListener("abort", stop, { once: true })
    function done() {
      signal?.removeEventListener("abort", stop)
      resolve()
    }
    function stop() {
      clearTimeout(timer)
      reject(signal?.reason)
    }
  })
}

/** A wait with full jitter: up to `first`, doubled with each attempt, up to `most`, and not less than `least`. Milliseconds. */
export function backoff(attempt: number, first = 250, most = 30_000, least = 0): number {
  return least + Math.random() * Math.min(most, first * 2 ** Math.min(attempt, 16))
}

/** The clock of the server: this device's, corrected by what responses say. */
export class ServerClock {
  /** How far the server's clock is ahead, in milliseconds. */
  skew = 0
  private uncertainty = Number.POSITIVE_INFINITY

  /** Takes a time that the server said between these two moments here. `precision` is the unit of the time. */
  learn(serverTime: number, sent: number, received: number, precision: number): void {
    const uncertainty = (received - sent) / 2 + precision
    if (Number.isNaN(serverTime) || uncertainty > this.uncertainty * 1.5) return
    this.uncertainty = uncertainty
    this.skew = serverTime + precision / 2 - (sent + received) / 2
  }

  /** Milliseconds since 1970, by the server's clock. */
  now(): number {
    return Date.now() + this.skew
  }
}

/** A text that is unique. */
export function uniqueId(): string {
  return crypto.randomUUID()
}
