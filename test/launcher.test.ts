/** bin/vfleet.js in packages of its own, whose program only says what it was given. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { findTool, requireTool } from "./require-tool.ts";

const PINNED_NODE = process.execPath;
const NODE_24 = findTool("node24") ?? "node24";
const needsNode24 = { skip: requireTool("node24") };

const PROGRAM = `
if (process.argv[2] === "wait") {
  process.on("SIGTERM", () => process.exit(7));
  setInterval(() => {}, 1000);
}
console.log(process.versions.node.split(".")[0], process.argv.slice(2).join(" "));
process.exitCode = 3;
`;

interface Parts {
  readonly sources?: boolean;
  readonly built?: boolean;
  readonly pinnedNode?: boolean;
}

/** Lays a package with some of its parts. @returns the path of its launcher */
function lay(t: TestContext, { sources = false, built = false, pinnedNode = false }: Parts): string {
  const root = mkdtempSync(join(tmpdir(), "vfleet-launcher-"));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("package.json", '{ "type": "module" }');
  if (sources) {
    write("src/cli/main.ts", `const typed: string = "x";\n${PROGRAM}`);
  }
  if (built) {
    write("dist/cli/main.js", PROGRAM);
  }
  if (pinnedNode) {
    mkdirSync(join(root, "node_modules/node/bin"), { recursive: true });
    symlinkSync(PINNED_NODE, join(root, "node_modules/node/bin/node"));
  }
  cpSync(new URL("../bin/vfleet.js", import.meta.url), join(root, "bin/vfleet.js"));
  return join(root, "bin/vfleet.js");
}

/** Runs the launcher to its end; the cache of compiled code goes into its package. */
function start(node: string, launcher: string, ...args: string[]) {
  const env = { ...process.env, XDG_CACHE_HOME: join(dirname(launcher), "cache") };
  const { stdout, stderr, status } = spawnSync(node, [launcher, ...args], { encoding: "utf8", env });
  return { stdout, stderr, status };
}

test("vfleet.js runs the sources in a Node that can, also beside a build", (t) => {
  const launcher = lay(t, { sources: true, built: true });
  assert.deepEqual(start(PINNED_NODE, launcher, "a", "b"), { stdout: "26 a b\n", stderr: "", status: 3 });
});

test("vfleet.js runs the sources with the pinned Node where the present one is older", needsNode24, (t) => {
  const launcher = lay(t, { sources: true, pinnedNode: true });
  assert.deepEqual(start(NODE_24, launcher, "a", "b"), { stdout: "26 a b\n", stderr: "", status: 3 });
});

test("vfleet.js says what to do where the pinned Node is not installed", needsNode24, (t) => {
  const { stdout, stderr, status } = start(NODE_24, lay(t, { sources: true, built: true }));
  assert.match(stderr, /^vfleet: the sources need Node 26 \(this is v24.*\), .* run npm ci\n$/);
  assert.deepEqual({ stdout, status }, { stdout: "", status: 1 });
});

test("vfleet.js passes signals on to the pinned Node, and its exit code back", needsNode24, async (t) => {
  const child = spawn(NODE_24, [lay(t, { sources: true, pinnedNode: true }), "wait"], { stdio: "pipe" });
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [7, null]);
});

test("vfleet.js dies of the signal that the pinned Node died of", needsNode24, async (t) => {
  const child = spawn(NODE_24, [lay(t, { sources: true, pinnedNode: true }), "wait"], { stdio: "pipe" });
  await once(child.stdout, "data");
  child.kill("SIGHUP");
  assert.deepEqual(await once(child, "exit"), [null, "SIGHUP"]);
});

test("vfleet.js runs the built program in the Node that it is given", needsNode24, (t) => {
  const launcher = lay(t, { built: true });
  assert.deepEqual(start(PINNED_NODE, launcher, "a"), { stdout: "26 a\n", stderr: "", status: 3 });
  assert.deepEqual(start(NODE_24, launcher, "a"), { stdout: "24 a\n", stderr: "", status: 3 });
});

test("vfleet.js says so where there is nothing to run", (t) => {
  assert.deepEqual(start(PINNED_NODE, lay(t, {})), {
    stdout: "",
    stderr: "vfleet: this package holds no program: install vfleet again\n",
    status: 1,
  });
});
