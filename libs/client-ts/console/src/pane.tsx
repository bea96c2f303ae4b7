// One person's studio: the example app, signed in by itself.
import { createMylg } from "@mylg/client"
import { MylgProvider } from "@mylg/client/react"
import { createRoot } from "react-dom/client"
import { App } from "../../example/src/App.js"
import "../../example/src/style.css"
import { type StackState, read } from "./control.js"

const asked = new URLSearchParams(location.hash.slice(1))
const [side, email] = [asked.get("side") ?? "", asked.get("email") ?? ""]
const root = createRoot(document.getElementById("root")!)

try {
  const { http, ws, password } = await read<StackState>("state")
  const mylg = createMylg({ api: http, ws, name: `console-${side}` })
  // Another person may have been in this pane before.
  await mylg.restore().catch(() => undefined)
  const { status, user } = mylg.session.state.get()
  if (status !== "signedIn" || user.email !== email) await mylg.signIn(email, password)
  root.render(<MylgProvider client={mylg}><App /></MylgProvider>)
} catch (error) {
  root.render(<p role="alert" className="centre">{email} could not sign in: {(error as Error).message}</p>)
}
