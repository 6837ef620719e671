#!/usr/bin/env node
// Starts vfleet: the built package as it is, a checkout from its TypeScript sources, with the Node that it pins where
// the present one is too old to run them. So this file is JavaScript, and keeps to what Node 20 can run.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE_NODE = 26;
const PACKAGE_NODE = 24;

/** @param {string} path a path in this package */
const inPackage = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const nodeMajor = Number.parseInt(process.versions.node, 10);
const sources = inPackage("src/cli/main.ts");
const built = inPackage("dist/cli/main.js");

if (existsSync(sources)) {
  if (nodeMajor >= SOURCE_NODE) {
    cacheCompiledCode();
    await import("../src/cli/main.ts");
  } else {
    runWithPinnedNode();
  }
} else if (!existsSync(built)) {
  fail("this package holds no program: install vfleet again");
} else if (nodeMajor < PACKAGE_NODE) {
  fail(`Node ${PACKAGE_NODE} or newer is needed; this is ${process.version}`);
} else {
  cacheCompiledCode();
  // A URL that is made here: the built program is not there yet when a checkout is type-checked.
  await import(new URL("../dist/cli/main.js", import.meta.url).href);
}

/**
 * Keeps compiled code between runs, which then start faster. In the user's own cache: Node's default is a folder in /tmp
 * that anyone may have made before, and vfleet runs as root.
 */
function cacheCompiledCode() {
  const { HOME, XDG_CACHE_HOME } = process.env;
  const cache = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  if (cache) {
    module.enableCompileCache(join(cache, "vfleet", "compiled"));
  }
}

/** Goes on as the pinned Node's parent: same terminal, signals passed on, same end. */
function runWithPinnedNode() {
  const node = inPackage("node_modules/node/bin/node");
  if (!existsSync(node)) {
    fail(
      `the sources need Node ${SOURCE_NODE} (this is ${process.version}), and the pinned one is not installed: run npm ci`,
    );
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  for (const signal of signals) {
    process.on(signal, () => {
      // Ctrl-C reaches the child by itself, being of the same foreground process group. Twice could mean "at once".
      if (!(process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT"))) {
        child.kill(signal);
      }
    });
  }
  child.on("error", (error) => fail(`the pinned Node did not start: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
    } else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`vfleet: ${message}\n`);
  process.exitCode = 1;
}
