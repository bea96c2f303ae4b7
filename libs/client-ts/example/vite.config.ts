import react from "@vitejs/plugin-react"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

const source = (file: string) => fileURLToPath(new URL(`../src/${file}`, import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react()],
  // The package as its sources: no build of it is needed first.
  resolve: { alias: [{ find: /^@mylg\/client\/react$/, replacement: source("react.tsx") }, { find: /^@mylg\/client$/, replacement: source("index.ts") }] },
  server: { port: 5173, strictPort: true },
})
