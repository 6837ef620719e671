/** `vfleet migrate` between machines that are processes: the port that it speaks to. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
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
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "vfleet-migrations-")));
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

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
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
  // As it may be typed; what is written down means the same machine from any folder.
  const { move } = await port.verdict({ ...wish, destination: `model:${relative("", files.there)}` }, state);
  assert.ok(move !== null);
  assert.equal(move.destination, wish.destination);
  assert.deepEqual(await port.verdict(wish, state).then((again) => again.move), move, "the same, asked again");

  const before = openFiles();
  for (let asked = 0; asked < 5; asked++) await port.verdict(wish, state);
  const called = course(AbortSignal.abort());
  assert.equal((await port.migrate(move, called)).kind, "rolledBack");
  assert.deepEqual(called.phases, ["prepared", "moving", "rollingBack", "rolledBack"]);
  assert.equal((await port.recover(move, course(new AbortController().signal))).kind, "rolledBack");
  (await port.watchTraffic(move, null))?.stop();
  await delay(20);
  assert.equal(openFiles(), before, "connections are given back");

  // Traffic to it at both ends; where it is none yet the frames are nobody's.
  const flow = { netdev: "eth0", from: "pf", to: 0, framesPerSecond: 500, bytes: 64 } as const;
  assert.equal(await port.watchTraffic(move, null), null, "nobody sends");
  await here.flows.start(flow);
  await delay(200);
  const alone = await port.watchTraffic(move, null);
  assert.match((await alone?.end())?.unmeasured ?? "", /has not gone over/);
  alone?.stop();
  await there.flows.start(flow);
  const watch = await port.watchTraffic(move, null);
  const goes = course(new AbortController().signal);
  assert.deepEqual(await port.migrate(move, goes), { kind: "moved", withoutVf: null });
  assert.deepEqual(goes.phases, ["prepared", "moving", "moved", "plugged"]);
  const seen = await watch?.end();
  watch?.stop();
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

test("where the machine that it went to is not to be found, it is left as it is, and goes on once it is known", async () => {
  const files = { here: modelFile("left", "[{name: web, memoryMib: 8}]"), there: modelFile("right", "[]") };
  const [here, there] = await Promise.all([withVf(files.here), withVf(files.there)]);
  assert.equal(await here.guests.plug("web", VF), null);
  const port = modelMigrations(files.here);
  const wish = { guest: "model:web", method: "auto", vf: null, uri: "", probe: null } as const;
  const { move } = await port.verdict({ ...wish, destination: `model:${files.there}` }, await observeHost(here.kernel));
  assert.ok(move !== null);
  // Cut off as late as it can be.
  const leaving = here.moves.leaving("web");
  await leaving.start();
  await leaving.nextRound();
  await leaving.stop();
  await leaving.software();
  here.close();
  await there.powerOff();
  renameSync(files.there, `${files.there}.gone`);
  const signal = AbortSignal.timeout(60_000);
  const asked = course(signal);
  const end = await port.recover(move, asked);
  assert.equal(end.kind, "lost");
  assert.match(end.why.message, /right\.yaml is not there any more/);
  // As a record of before: there is a file of that name where it is read now, of a machine that is off.
  const old = { ...move, destination: `model:${relative("", files.here)}` };
  assert.equal((await port.recover(old, asked)).kind, "lost");
  assert.deepEqual(asked.phases, []);
  const again = await openMachine(files.here);
  assert.equal(await again.guests.unplug("web", VF), "EBUSY", "nobody has let it go on");
  renameSync(`${files.there}.gone`, files.there);
  assert.equal((await port.recover(move, course(signal))).kind, "rolledBack");
  assert.equal(await again.guests.unplug("web", VF), null);
});
