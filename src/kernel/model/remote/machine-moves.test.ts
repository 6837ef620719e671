/** Guests that move between machines that are processes. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { moveModelGuest, planModelMove } from "../../../guests/model/move-model-guest.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { MachineConnection } from "./connection.ts";
import { machineMoves } from "./machine-moves.ts";
import { listMachines, type ModelledMachine, openMachine, runningMachine } from "./modelled-machine.ts";
import { machineFolder } from "./state-folder.ts";

const MODULE = new URL("./modelled-machine.ts", import.meta.url).href;
const VF = "0000:01:10.0" as Bdf;
const temporary = mkdtempSync(join(tmpdir(), "vfleet-moves-"));
const models = join(temporary, "models");
const run = promisify(execFile);

after(async () => {
  for (const { file } of await listMachines(models)) await (await runningMachine(file, models))?.powerOff();
  rmSync(temporary, { recursive: true });
});

function modelFile(name: string, guests: string): string {
  const file = join(temporary, `${name}.yaml`);
  writeFileSync(
    file,
    `apiVersion: vfleet.dev/v1alpha1
kind: Model
metadata: {name: ${name}}
spec:
  memory: 64MiB
  iommu: {interruptRemapping: true}
  kernel: {parameters: intel_iommu=on, modules: [igb, model_vfio_pci]}
  guests: ${guests}
  root: [{rootPort: {below: {device: "82576"}}}]
`,
  );
  return file;
}

async function withVf(file: string): Promise<ModelledMachine> {
  const machine = await openMachine(file, models);
  const { kernel } = machine;
  await kernel.setLink("eth0", { up: true });
  await kernel.write("/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "1");
  await kernel.write(`/sys/bus/pci/devices/${VF}/driver_override`, "model_vfio_pci");
  assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", VF)).kind, "done");
  return machine;
}

test("a guest that is moved by a process which is killed goes on where it is; then it moves to another machine", async () => {
  const file = modelFile("here", "[{name: web, memoryMib: 8}]");
  const [here, there] = await Promise.all([withVf(file), withVf(modelFile("there", "[]"))]);
  assert.equal(await here.guests.plug("web", VF), null);
  const script = `import(${JSON.stringify(MODULE)}).then(async ({ openMachine }) => {
    const { moves } = await openMachine(${JSON.stringify(file)}, ${JSON.stringify(models)});
    const source = moves.leaving("web");
    await source.start();
    await source.nextRound();
    await source.takePages(8);
    await source.stop();
    process.kill(process.pid, "SIGKILL");
  })`;
  await assert.rejects(run(process.execPath, ["-e", script]), { signal: "SIGKILL" });
  const ends = performance.now() + 10_000;
  const moving = async () => (await here.guests.unplug("web", VF)) === "EBUSY";
  while ((await moving()) && performance.now() < ends) await delay(20);
  assert.equal(await here.guests.plug("web", VF), null);
  const plan = await planModelMove(here, there, "web");
  assert.deepEqual(plan.verdict.obstacles, []);
  const { rounds } = await moveModelGuest(here, there, plan, { bytesPerSecond: 125e6 });
  assert.equal(rounds[0], 2048);
  assert.deepEqual(await here.guests.list(), []);
  assert.deepEqual((await there.guests.list())[0]?.devices, [VF]);
});

test("a move ends with the client whose it is, not with one that gave it up before, or was refused it", async () => {
  const file = modelFile("shared", "[{name: web, memoryMib: 8}]");
  const machine = await withVf(file);
  assert.equal(await machine.guests.plug("web", VF), null);
  const folder = machineFolder(file, models);
  const [earlier, refused, mover] = await Promise.all([1, 2, 3].map(() => MachineConnection.open(folder)));
  assert.ok(earlier && refused && mover);
  const given = machineMoves(earlier).leaving("web");
  await given.start();
  await given.cancel();
  const source = machineMoves(mover).leaving("web");
  await source.start();
  await assert.rejects(async () => machineMoves(refused).leaving("web").start(), { name: "MoveRefused" });
  earlier.close();
  refused.close();
  await delay(200);
  assert.equal(await machine.guests.unplug("web", VF), "EBUSY");
  assert.equal(await source.nextRound(), 2048);
  mover.close();
  const ends = performance.now() + 10_000;
  while ((await machine.guests.unplug("web", VF)) === "EBUSY" && performance.now() < ends) await delay(20);
  assert.equal(await machine.guests.plug("web", VF), null);
});
