import react from "@vitejs/plugin-react"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// The built files are committed: `make run` needs no npm.
export default defineConfig({
  root: from("."),
  plugins: [react()],
  resolve: { alias: [{ find: /^@mylg\/client\/react$/, replacement: from("../src/react.tsx") }, { find: /^@mylg\/client$/, replacement: from("../src/index.ts") }] },
  build: {
    outDir: process.env.CONSOLE_OUT ?? from("../../local-stack/src/console/page"),
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: {
      input: { console: from("index.html"), pane: from("pane.html") },
      output: { entryFileNames: "assets/[name].js", chunkFileNames: "assets/[name].js", assetFileNames: "assets/[name].[ext]" },
    },
  },
})
