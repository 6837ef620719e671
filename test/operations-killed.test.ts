import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../src/host/apply/clock.ts";
import { recoverOperations } from "../src/host/apply/recover.ts";
import { pictureOf, planningOf } from "../src/host/apply/testing/operation-host.ts";
import { openMachine } from "../src/kernel/model/remote/modelled-machine.ts";
import { openOperationStore } from "../src/state/operation-store.ts";
import { openLocks } from "../src/state/pf-locks.ts";

const EXAMPLE = fileURLToPath(new URL("../examples/models/82576.yaml", import.meta.url));
const CHILD = fileURLToPath(new URL("./operations/apply-and-die.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "vfleet-killed-"));
const file = join(folder, "machine.yaml");
const models = join(folder, "models");
copyFileSync(EXAMPLE, file);
const machine = await openMachine(file, models);

after(async () => {
  await machine.powerOff();
  rmSync(folder, { recursive: true });
});

/** Applies in a process that is killed at its nth record. @returns whether it was */
async function applyAndDie(record: number, state: string, wish: object): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, file, models, state, String(record), JSON.stringify(wish)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.ok(signal === "SIGKILL" || code === 0, `it ended with ${code ?? signal}`);
  return signal === "SIGKILL";
}

const PF = "0000:01:00.0";
const NONE = { pf: PF, wantedBy: ["test"], numVfs: 0, onShrink: "refuse", vfs: [] };
const POOLS = {
  ...NONE,
  numVfs: 2,
  vfs: [
    { vfIndex: 0, driver: "vfio", network: { mac: "02:00:00:00:00:01", vlan: 100 } },
    { vfIndex: 1, driver: "none", network: { mac: "02:00:00:00:00:02" } },
  ],
};
const NEVER = 1000;

test("a process that is killed leaves records and locks by which the next one recovers", async (t) => {
  const { kernel } = machine;
  const before = await pictureOf(kernel);
  assert.equal(await applyAndDie(NEVER, join(folder, "first"), POOLS), false);
  const wished = await pictureOf(kernel);
  assert.equal(await applyAndDie(NEVER, join(folder, "first"), NONE), false);
  const states: string[] = [];
  // Every third record, and then the last.
  for (let record = 0; record < 24; record += 3) {
    const state = join(folder, `state-${record}`);
    const killed = await applyAndDie(record, state, POOLS);
    const store = openOperationStore(join(state, "operations"));
    const locks = openLocks(join(state, "locks"));
    const setting = { kernel, store, locks, clock: systemClock, planning: planningOf(kernel), pid: process.pid };
    await recoverOperations(setting);
    const [operation] = await store.list();
    assert.ok(operation);
    states.push(operation.state);
    assert.ok(operation.state === "settled" || operation.state === "undone", JSON.stringify(operation.failure));
    assert.equal(await pictureOf(kernel), operation.state === "settled" ? wished : before, `record ${record}`);
    assert.deepEqual(await recoverOperations(setting), []);
    if (operation.state === "settled") await applyAndDie(NEVER, join(folder, "first"), NONE);
    if (!killed) break;
  }
  t.diagnostic(states.join(" "));
  assert.ok(states.includes("settled") && states.includes("undone"));
});
