import assert from "node:assert/strict";
import { test } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import type { Outcome, Within } from "../port-outcome.ts";
import { openLinux } from "./linux-kernel.ts";

async function load(name: string): Promise<string> {
  return told(await openLinux().loadModule(name));
}

async function unload(name: string): Promise<string> {
  return told(await openLinux().unloadModule(name));
}

function told(answer: Within<Outcome>): string {
  return answer.kind === "failed" ? `${answer.errno}: ${answer.reason}` : answer.kind;
}

test("loadModule says that there is no such module", { skip: requireTool("modprobe") }, async () => {
  assert.match(await load("vfleet_no_such_module"), /^ENOENT: modprobe: FATAL: Module vfleet_no_such_module not found/);
  assert.match(await load("--help"), /^ENOENT: /);
});

// What it says of one that is there, the lab tells (src/kernel/conformance): here nothing is to be unloaded.
test("unloadModule says that there is no such module", { skip: requireTool("modprobe") }, async () => {
  assert.match(
    await unload("vfleet_no_such_module"),
    /^ENOENT: modprobe: FATAL: Module vfleet_no_such_module not found/,
  );
  assert.match(await unload("--help"), /^ENOENT: /);
});

test("loadModule and unloadModule take no options and no paths for names", async () => {
  for (const name of ["", "a b", "../x", "vfio-pci ids=1:2", "x.ko"]) {
    assert.match(await load(name), /^EINVAL: /);
    assert.match(await unload(name), /^EINVAL: /);
  }
});
