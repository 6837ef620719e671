import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Where `npm run dev` finds the API: `vfleet up` as it listens when it is told nothing. */
const SERVER = "http://127.0.0.1:7420";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2022",
    // The Content-Security-Policy takes no `data:` and no scripts in the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // React's packages mark what runs in a browser; here all does.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: { host: "127.0.0.1", proxy: { "/api": SERVER, "/healthz": SERVER } },
});
