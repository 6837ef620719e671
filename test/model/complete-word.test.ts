import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { completeWord } from "../../src/cli/model-shell/complete-word.ts";
import { openMachine } from "../../src/kernel/model/remote/modelled-machine.ts";
import { ROOT } from "../dumps.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-complete-"));
const machine = await openMachine(join(ROOT, "examples/models/82576.yaml"), temporary);
const state = { machine, cwd: "/sys/bus/pci/devices", columns: undefined };

after(async () => {
  await machine.powerOff();
  rmSync(temporary, { recursive: true });
});

test("completeWord knows commands, paths below /sys, devices and words", async () => {
  assert.deepEqual(await completeWord(state, "read"), [["readlink "], "read"]);
  assert.deepEqual(await completeWord(state, "cat 0000:01"), [["0000:01:00.0/"], "0000:01"]);
  assert.deepEqual(await completeWord(state, "echo 3 > 0000:01:00.0/sriov_num"), [
    ["0000:01:00.0/sriov_numvfs "],
    "0000:01:00.0/sriov_num",
  ]);
  assert.deepEqual(await completeWord(state, "cat /sys/bus/pc"), [["/sys/bus/pci/"], "/sys/bus/pc"]);
  assert.deepEqual(await completeWord(state, "ip link set eth"), [["eth0 "], "eth"]);
  assert.deepEqual(await completeWord(state, "fault han"), [["hang "], "han"]);
  assert.deepEqual(await completeWord(state, "cat nothing"), [[], "nothing"]);
  const [several] = await completeWord(state, "cat 0000:01:00.0/sriov_");
  assert.ok(several.includes("0000:01:00.0/sriov_numvfs") && several.includes("0000:01:00.0/sriov_totalvfs"));
});
