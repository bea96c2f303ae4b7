export * from "./generated/sdk.gen.js"
export { unwrap } from "./transport.js"
