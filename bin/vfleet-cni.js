#!/usr/bin/env node
// The CNI plugin: what a container runtime calls. The built package as it is; a checkout from its sources, with the Node that
// it pins where the present one is too old. It loads nothing besides, since each container waits for its start.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCE_NODE = 26;
const built = new URL("../dist/cni/main.js", import.meta.url);
const sources = new URL("../src/guests/container/cni/main.ts", import.meta.url);

if (!existsSync(sources)) {
  await import(built.href);
} else if (Number.parseInt(process.versions.node, 10) >= SOURCE_NODE) {
  await import("../src/guests/container/cni/main.ts");
} else {
  const node = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  process.exitCode = spawnSync(node, [fileURLToPath(import.meta.url)], { stdio: "inherit" }).status ?? 1;
}
