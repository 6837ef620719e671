#!/usr/bin/env node
// The CNI plugin: what a container runtime calls. The built package as it is; a checkout from its sources, with the Node that
// it pins where the present one is too old. CommonJS, and nothing loaded besides, since each container waits for its start.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const SOURCE_NODE = 26;
const root = join(__dirname, "..");

if (!existsSync(join(root, "src/guests/container/cni/main.ts"))) {
  require(join(root, "dist/cni/main.cjs"));
} else if (Number.parseInt(process.versions.node, 10) >= SOURCE_NODE) {
  void import("../src/guests/container/cni/main.ts");
} else {
  const { spawnSync } = require("node:child_process");
  process.exitCode =
    spawnSync(join(root, "node_modules/node/bin/node"), [__filename], { stdio: "inherit" }).status ?? 1;
}
