import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bdf } from "../../../pci/bdf.ts";
import { runScript } from "../../conformance/run-script.ts";
import { CONFORMANCE_SCRIPTS } from "../../conformance/scripts.ts";
import { isUnread } from "../../port.ts";
import type { ChangeableKernel } from "../../port-change.ts";
import { isPending } from "../../port-outcome.ts";
import { KERNEL_RELEASE } from "../boot.ts";
import { listMachines, type ModelledMachine, openMachine, runningMachine } from "./modelled-machine.ts";
import { machineFolder, makeFolder } from "./state-folder.ts";

const EXAMPLE = fileURLToPath(new URL("../../../../examples/models/82576.yaml", import.meta.url));
const MODULE = new URL("./modelled-machine.ts", import.meta.url).href;
const NUM_VFS = "/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs";
const temporary = mkdtempSync(join(tmpdir(), "vfleet-machine-"));
const models = join(temporary, "models");
const run = promisify(execFile);
let files = 0;

after(async () => {
  for (const { file } of await listMachines(models)) await (await runningMachine(file, models))?.powerOff();
  rmSync(temporary, { recursive: true });
});

/** A file of its own, so that each test has its own machine. */
function modelFile(): string {
  const file = join(temporary, `machine-${++files}.yaml`);
  copyFileSync(EXAMPLE, file);
  return file;
}

async function read(kernel: ChangeableKernel, path: string): Promise<string> {
  const bytes = await kernel.read(path);
  return isUnread(bytes) ? bytes.errno : new TextDecoder().decode(bytes).trimEnd();
}

async function write({ kernel }: ModelledMachine, path: string, text: string): Promise<string | null> {
  const outcome = await kernel.write(path, text);
  return outcome.kind === "failed" ? outcome.errno : outcome.kind;
}

/** Another process, which does something with a machine. */
function inOtherProcess(file: string, body: string): string[] {
  const script = `import(${JSON.stringify(MODULE)}).then(async ({ openMachine }) => {
    const machine = await openMachine(${JSON.stringify(file)}, ${JSON.stringify(models)});
    ${body}
  })`;
  return ["-e", script];
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(20);
  }
}

describe("a machine outlives who drives it", () => {
  test("processes follow one another on it, and meet on it", async () => {
    const file = modelFile();
    await run(process.execPath, inOtherProcess(file, `await machine.kernel.write(${JSON.stringify(NUM_VFS)}, "3");`));
    const machine = await openMachine(file, models);
    assert.equal(machine.started, false);
    assert.equal(await read(machine.kernel, NUM_VFS), "3");
    const { stdout } = await run(
      process.execPath,
      inOtherProcess(file, `console.log((await machine.kernel.write(${JSON.stringify(NUM_VFS)}, "0")).kind);`),
    );
    assert.equal(stdout, "done\n");
    assert.equal(await read(machine.kernel, NUM_VFS), "0");
  });

  test("a client that is killed takes nothing with it", async () => {
    const file = modelFile();
    const body = `await machine.kernel.write(${JSON.stringify(NUM_VFS)}, "2"); console.log("written"); setInterval(() => {}, 1000);`;
    const client = spawn(process.execPath, inOtherProcess(file, body), { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => client.stdout.once("data", resolve));
    client.kill("SIGKILL");
    const machine = await openMachine(file, models);
    assert.equal(machine.started, false);
    assert.equal(await read(machine.kernel, NUM_VFS), "2");
  });

  test("of many that start it at once, one does", async () => {
    const file = modelFile();
    const opened = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await run(process.execPath, inOtherProcess(file, "console.log(machine.info.pid);"));
        return stdout.trim();
      }),
    );
    assert.equal(new Set(opened).size, 1);
  });

  test("a machine whose process was killed is off: the next use powers it on", async () => {
    const file = modelFile();
    const first = await openMachine(file, models);
    assert.equal(await write(first, NUM_VFS, "1"), "done");
    process.kill(first.info.pid, "SIGKILL");
    await gone(first.info.pid);
    assert.equal(await read(first.kernel, NUM_VFS), "ENOTCONN");
    const outcome = await first.kernel.write(NUM_VFS, "2");
    assert.ok(outcome.kind === "failed" && outcome.errno === null && /powered off/.test(outcome.reason));
    assert.deepEqual(
      (await listMachines(models)).filter((each) => each.file === file),
      [{ file, info: null }],
    );
    const second = await openMachine(file, models);
    assert.equal(second.started, true);
    assert.equal(await read(second.kernel, NUM_VFS), "0");
  });

  test("off ends its process and takes its folder away, on and off again", async () => {
    const file = modelFile();
    const machine = await openMachine(file, models);
    await machine.powerOff();
    await gone(machine.info.pid);
    assert.equal(await runningMachine(file, models), undefined);
    assert.equal(statSync(machineFolder(file, models), { throwIfNoEntry: false }), undefined);
    assert.equal((await openMachine(file, models)).started, true);
  });

  test("one that was off and runs again is reached by whoever had it; it is not powered on for that", async () => {
    const file = modelFile();
    const first = await openMachine(file, models);
    assert.equal(await write(first, NUM_VFS, "1"), "done");
    await first.powerOff();
    assert.equal(await read(first.kernel, NUM_VFS), "ENOTCONN");
    assert.ok(isUnread(await first.kernel.uevents(new AbortController().signal)));
    assert.equal(await runningMachine(file, models), undefined);
    const second = await openMachine(file, models);
    assert.deepEqual(await Promise.all([1, 2].map(() => read(first.kernel, NUM_VFS))), ["0", "0"]);
    const end = new AbortController();
    const events = await first.kernel.uevents(end.signal);
    assert.ok(!isUnread(events));
    assert.equal(await write(second, NUM_VFS, "1"), "done");
    for await (const event of events) {
      assert.ok(!isUnread(event));
      break;
    }
    end.abort();
    first.close();
    await assert.rejects(first.guests.list(), /was closed|was powered off/);
    assert.equal(await read(second.kernel, NUM_VFS), "1");
    await second.powerOff();
  });

  test("whoever goes on asking one that is off is told each time, and leaves nothing behind", async () => {
    const machine = await openMachine(modelFile(), models);
    await machine.powerOff();
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on("warning", onWarning);
    // One more than the listeners that Node takes without a warning.
    for (let asked = 0; asked <= EventEmitter.defaultMaxListeners; asked++) {
      await assert.rejects(machine.guests.list(), /was powered off/);
    }
    await setImmediate();
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
  });

  test("it ends by itself when its folder is taken away", async () => {
    const file = modelFile();
    const { info } = await openMachine(file, models);
    rmSync(machineFolder(file, models), { recursive: true });
    await gone(info.pid);
  });

  test("it runs on as it was when its file is changed, and says so", async () => {
    const file = modelFile();
    assert.equal((await openMachine(file, models)).stale, false);
    writeFileSync(file, "changed");
    assert.equal((await openMachine(file, models)).stale, true);
  });

  test("nobody else can reach it", async () => {
    const file = modelFile();
    await openMachine(file, models);
    const folder = machineFolder(file, models);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, "socket")).mode & 0o077, 0);
  });

  test("its folder may have a path that is too long for a socket", async () => {
    const file = modelFile();
    const long = join(temporary, "a".repeat(120));
    const machine = await openMachine(file, long);
    assert.equal(await read(machine.kernel, NUM_VFS), "0");
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let asked = 0; asked < 5; asked++) (await runningMachine(file, long))?.close();
    await setImmediate();
    assert.equal(open(), before);
    await machine.powerOff();
  });
});

describe("the port through the socket", () => {
  test("a write that the kernel works at is pending, and ends when its holder does", async () => {
    const machine = await openMachine(modelFile(), models);
    const vf = "/sys/bus/pci/devices/0000:01:10.0";
    assert.equal(await write(machine, NUM_VFS, "1"), "done");
    assert.equal(await write(machine, `${vf}/driver/unbind`, "0000:01:10.0"), "done");
    assert.equal(await write(machine, `${vf}/driver_override`, "vfio-pci"), "done");
    assert.equal(await write(machine, "/sys/bus/pci/drivers_probe", "0000:01:10.0"), "done");
    const group = await machine.kernel.readLink(`${vf}/iommu_group`);
    assert.ok(!isUnread(group));
    const pid = await machine.hold(`/dev/vfio/${group.split("/").at(-1)}`, ["0000:01:10.0" as Bdf]);
    assert.ok(!isUnread(pid));
    const users = await machine.kernel.usersOf(["0000:01:10.0" as Bdf]);
    assert.equal(users.get("0000:01:10.0" as Bdf)?.users[0]?.kind, "vfio");
    const outcome = await machine.kernel.write(NUM_VFS, "0", { deadlineMs: 100 });
    assert.ok(isPending(outcome));
    assert.equal(await machine.kill(pid), true);
    assert.equal((await outcome.finished()).kind, "done");
    assert.equal(await machine.kill(pid), false);
  });

  test("a state folder that others can look into is not used", async () => {
    const open = join(temporary, "open");
    mkdirSync(open, { mode: 0o755 });
    chmodSync(open, 0o755);
    assert.throws(() => makeFolder(open), { code: "VFL-0041", message: /is not yours alone/ });
    assert.throws(() => makeFolder(join(modelFile(), "x")), { code: "VFL-0041", message: /cannot be made: ENOTDIR/ });
  });

  test("what was aborted before is not begun", async () => {
    const { kernel } = await openMachine(modelFile(), models);
    await assert.rejects(kernel.write(NUM_VFS, "1", { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.equal(await read(kernel, NUM_VFS), "0");
  });

  test("faults are put upon the hardware, or refused with a reason", async () => {
    const machine = await openMachine(modelFile(), models);
    const names = (await machine.parts()).map(({ name, bdf, kind }) => `${bdf} ${name} ${kind}`);
    assert.deepEqual(names, [
      "0000:00:00.0 host bridge function",
      "0000:00:01.0 root port 0 port",
      "0000:01:00.0 82576 function",
    ]);
    assert.equal(await machine.injectFault({ kind: "hang", function: "82576" }), null);
    const config = await machine.kernel.read("/sys/bus/pci/devices/0000:01:00.0/config", 4);
    assert.deepEqual(config, new Uint8Array([0xff, 0xff, 0xff, 0xff]));
    assert.match((await machine.injectFault({ kind: "hang", function: "x" })) ?? "", /no function is called "x"/);
  });

  for (const name of ["sriov_numvfs: numbers", "other settings of VFs", "drivers of a VF"]) {
    const script = CONFORMANCE_SCRIPTS.find((each) => each.name.includes(name) && each.machine === "igb");
    test(`conformance through it: ${script?.name ?? name}`, async () => {
      assert.ok(script, `no script has ${name} in its name`);
      const { kernel } = await openMachine(modelFile(), models);
      const results = await runScript(kernel, script, KERNEL_RELEASE);
      const lines = results.flatMap(({ index, step, problems }) => problems.map((p) => `step ${index}, ${step}: ${p}`));
      assert.equal(lines.join("\n"), "");
    });
  }
});
