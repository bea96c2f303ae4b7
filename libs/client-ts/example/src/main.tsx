import { createMylg } from "@mylg/client"
import { MylgProvider } from "@mylg/client/react"
import { createRoot } from "react-dom/client"
import { App } from "./App.js"
import "./style.css"

const environment = import.meta.env
const mylg = createMylg({ api: environment.VITE_API ?? "http://localhost:3000", ws: environment.VITE_WS ?? "ws://localhost:3001" })

createRoot(document.getElementById("root")!).render(
  <MylgProvider client={mylg}>
    <App />
  </MylgProvider>,
)
