/** `npm start`: builds the page where it is not there as it is now, then does what `vfleet start` does. */
import { argv } from "node:process";
import { buildWeb, isWebStale } from "./build-web.ts";

if (isWebStale()) await buildWeb();
argv.splice(2, 0, "start");
await import("../src/cli/main.ts");
