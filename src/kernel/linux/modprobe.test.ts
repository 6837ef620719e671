import assert from "node:assert/strict";
import { test } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { openLinux } from "./linux-kernel.ts";

async function load(name: string): Promise<string> {
  const answer = await openLinux().loadModule(name);
  return answer.kind === "failed" ? `${answer.errno}: ${answer.reason}` : answer.kind;
}

test("loadModule says that there is no such module", { skip: requireTool("modprobe") }, async () => {
  assert.match(await load("vfleet_no_such_module"), /^ENOENT: modprobe: FATAL: Module vfleet_no_such_module not found/);
  assert.match(await load("--help"), /^ENOENT: /);
});

test("loadModule takes no options and no paths for names", async () => {
  for (const name of ["", "a b", "../x", "vfio-pci ids=1:2", "x.ko"]) assert.match(await load(name), /^EINVAL: /);
});
