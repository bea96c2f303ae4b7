// What the generated functions know of a client. `createTransport` makes one.

/** An operation as the generated types describe it. */
export interface TDataShape {
  body?: unknown
  headers?: unknown
  path?: unknown
  query?: unknown
  url: string
}

/** No values of one's own are passed through. */
export type ClientMeta = Record<never, never>

/** What a call takes besides its client: what the operation takes, and a signal that ends it. */
export type Options<TData extends TDataShape, _ThrowOnError extends boolean = boolean, _TResponse = unknown> = Omit<TData, "url" | "headers"> & {
  /** Such as `If-Match`: the operation names those that it reads. */
  headers?: Record<string, string | undefined>
  signal?: AbortSignal
}

type OneOf<T> = T extends Record<string | number, unknown> ? T[keyof T] : T

/** What a call gives: the data or the problem, and the response if there was one. */
export type RequestResult<TResponses, TErrors = unknown, _ThrowOnError extends boolean = boolean> = Promise<{
  data?: OneOf<TResponses>
  error?: OneOf<TErrors>
  response?: Response
}>

type Method = <TResponses = unknown, TErrors = unknown, ThrowOnError extends boolean = boolean>(options: object) => RequestResult<TResponses, TErrors, ThrowOnError>

/** Sends requests. */
export interface Client {
  get: Method
  post: Method
  put: Method
  patch: Method
  delete: Method
}
