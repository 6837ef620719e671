/** `vfleet migrate` between machines that are processes: the port that it speaks to. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { MigrationCourse, MigrationWish } from "../../host/migrate/migration-port.ts";
import type { SeenTraffic } from "../../host/migrate/traffic-watch.ts";
import { observeHost } from "../../host/state/observe-host.ts";
import {
  listMachines,
  type ModelledMachine,
  openMachine,
  runningMachine,
} from "../../kernel/model/remote/modelled-machine.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { modelMigrations } from "./model-migrations.ts";

const VF = "0000:01:10.0" as Bdf;
const temporary = mkdtempSync(join(tmpdir(), "vfleet-migrations-"));
// Machines have their folders there.
process.env.XDG_STATE_HOME = temporary;

after(async () => {
  for (const { file } of await listMachines()) await (await runningMachine(file))?.powerOff();
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
  kernel: {parameters: intel_iommu=on, modules: [igb, vfio-pci, model_vfio_pci]}
  guests: ${guests}
  root: [{rootPort: {below: {device: "82576"}}}]
`,
  );
  return file;
}

async function withVf(file: string, driver = "model_vfio_pci"): Promise<ModelledMachine> {
  const machine = await openMachine(file);
  const { kernel } = machine;
  await kernel.setLink("eth0", { up: true });
  await kernel.write("/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "1");
  await kernel.write(`/sys/bus/pci/devices/${VF}/driver_override`, driver);
  assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", VF)).kind, "done");
  return machine;
}

function course(signal: AbortSignal): MigrationCourse & { readonly phases: string[] } {
  const phases: string[] = [];
  return {
    phases,
    signal,
    timeoutMs: 60_000,
    phase: async (phase) => void phases.push(phase),
    step: async () => {},
    takeBack: async () => {},
  };
}

test("a guest goes to another machine, or stays where it is called back; who asks later is told where it is", async () => {
  const files = { here: modelFile("here", "[{name: web, memoryMib: 8}]"), there: modelFile("there", "[]") };
  const [here, there] = await Promise.all([withVf(files.here), withVf(files.there, "vfio-pci")]);
  assert.equal(await here.guests.plug("web", VF), null);
  const port = modelMigrations(files.here);
  const wish: MigrationWish = {
    guest: "model:web",
    destination: `model:${files.there}`,
    method: "auto",
    vf: null,
    uri: "",
    probe: null,
  };
  const state = await observeHost(here.kernel);
  const none = await port.verdict(wish, state);
  assert.equal(none.move, null);
  assert.match(none.checks.map(({ summary }) => summary).join(), /no VF is free there on a driver that moves VFs/);
  await there.kernel.write("/sys/bus/pci/drivers/vfio-pci/unbind", VF);
  await there.kernel.write(`/sys/bus/pci/devices/${VF}/driver_override`, "model_vfio_pci");
  await there.kernel.write("/sys/bus/pci/drivers_probe", VF);

  assert.equal((await port.verdict({ ...wish, method: "failover" }, state)).move, null);
  await there.guests.start({ name: "web", memoryMib: 8 });
  const [taken, ...others] = (await port.verdict(wish, state)).checks.filter(({ result }) => result === "refused");
  assert.deepEqual([taken?.check, taken?.method, others], ["guest", null, []]);
  assert.match(`${taken?.summary}: ${taken?.remedy}`, /a guest web there, too: .*guest stop web/);
  await there.guests.stop("web");
  const { move } = await port.verdict(wish, state);
  assert.ok(move !== null);
  assert.deepEqual(await port.verdict(wish, state).then((again) => again.move), move, "the same, asked again");

  const called = course(AbortSignal.abort());
  assert.equal((await port.migrate(move, called)).kind, "rolledBack");
  assert.deepEqual(called.phases, ["prepared", "moving", "rollingBack", "rolledBack"]);
  assert.equal((await port.recover(move, course(new AbortController().signal))).kind, "rolledBack");

  // Traffic to it at both ends; where it is none yet the frames are nobody's.
  const flow = { netdev: "eth0", from: "pf", to: 0, framesPerSecond: 500, bytes: 64 } as const;
  assert.equal(await port.watchTraffic(move, null), null, "nobody sends");
  await here.flows.start(flow);
  await delay(200);
  const alone = await port.watchTraffic(move, null);
  assert.match((await alone?.end())?.unmeasured ?? "", /has not gone over/);
  await there.flows.start(flow);
  const watch = await port.watchTraffic(move, null);
  const goes = course(new AbortController().signal);
  assert.deepEqual(await port.migrate(move, goes), { kind: "moved", withoutVf: null });
  assert.deepEqual(goes.phases, ["prepared", "moving", "moved", "plugged"]);
  const seen = await watch?.end();
  assert.equal(seen?.unmeasured, null, JSON.stringify(seen));
  assert.equal(seen?.intervalMs, 2);
  // By the model's clock: 8 MiB over 10 Gb/s take 6.7 ms, of which the guest stands still for the last.
  const { longestGapMs, answered } = seen as SeenTraffic;
  assert.ok(longestGapMs !== null && longestGapMs > 0 && longestGapMs < 20, JSON.stringify(seen));
  assert.ok(answered > 0, JSON.stringify(seen));
  assert.deepEqual(await here.guests.list(), []);
  assert.deepEqual((await there.guests.list())[0]?.devices, [VF]);
  assert.equal((await port.recover(move, course(new AbortController().signal))).kind, "moved");
  await there.powerOff();
  assert.equal((await port.recover(move, course(new AbortController().signal))).kind, "lost");
});
