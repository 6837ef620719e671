/** Block devices of modelled NVMe controllers, and who uses them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Bdf } from "../../../pci/bdf.ts";
import { isUnread, type Kernel } from "../../port.ts";
import { openSnapshot } from "../../snapshot/snapshot-kernel.ts";
import { type ModelKernel, openModel } from "../model-kernel.ts";
import { mount, unmount } from "../mounts.ts";
import { labModel } from "../testing/lab-models.ts";

const PF = "0000:02:00.0" as Bdf;
const FOLDER = `/sys/bus/pci/devices/${PF}`;
const decoder = new TextDecoder();

async function withNvme(): Promise<ModelKernel> {
  const description = labModel("igb-nvme");
  assert.ok(description);
  return openModel({ ...description, modules: ["nvme"] }, "model:igb-nvme");
}

async function text(kernel: Kernel, path: string): Promise<string | undefined> {
  const bytes = await kernel.read(path);
  return isUnread(bytes) ? bytes.errno : decoder.decode(bytes).trim();
}

async function names(kernel: Kernel, path: string): Promise<readonly string[]> {
  const list = await kernel.list(path);
  return isUnread(list) ? [] : list;
}

async function write(kernel: ModelKernel, path: string, value: string): Promise<void> {
  const outcome = await kernel.write(path, value);
  assert.equal(outcome.kind, "done", JSON.stringify(outcome));
}

test("a namespace is a block device of its subsystem, and the controller has a hidden path to it, as the lab's host has", async () => {
  const kernel = await withNvme();
  const real = await openSnapshot(
    fileURLToPath(new URL("../../../../fixtures/hosts/igb-nvme.tar.gz", import.meta.url)),
  );
  const disk = (name: string) => /^nvme\d+c\d+n\d+$/.test(name);
  const below = `${FOLDER}/nvme/nvme0`;
  assert.deepEqual((await names(kernel, below)).filter(disk), (await names(real, below)).filter(disk));
  assert.deepEqual(await names(kernel, "/sys/class/block"), ["nvme0c0n1", "nvme0n1"]);
  assert.equal(
    await kernel.readLink("/sys/class/block/nvme0n1"),
    "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
  );
  for (const [file, value] of [
    ["size", String((64 * 2 ** 20) / 512)],
    ["queue/logical_block_size", "512"],
    ["dev", "259:0"],
    ["hidden", "0"],
    ["nsid", "1"],
  ] as const) {
    assert.equal(await text(kernel, `/sys/block/nvme0n1/${file}`), value, file);
  }
  assert.equal(await text(kernel, "/sys/block/nvme0c0n1/dev"), "ENOENT");
  assert.deepEqual(await names(kernel, "/dev"), ["nvme0", "nvme0n1"]);
});

test("they go with the driver, and the subsystem's number is the controllers' again", async () => {
  const kernel = await withNvme();
  for (let round = 0; round < 2; round++) {
    await write(kernel, "/sys/bus/pci/drivers/nvme/unbind", PF);
    assert.deepEqual(await names(kernel, "/sys/class/block"), []);
    assert.deepEqual(await names(kernel, "/sys/class/nvme-subsystem"), []);
    assert.deepEqual(await names(kernel, "/dev"), []);
    await write(kernel, "/sys/bus/pci/drivers/nvme/bind", PF);
    assert.deepEqual(await names(kernel, "/dev"), ["nvme0", "nvme0n1"]);
  }
});

test("a VF's controller is one more path to a namespace that is shared, which stays when the VF goes", async () => {
  const kernel = await withNvme();
  await write(kernel, `${FOLDER}/sriov_drivers_autoprobe`, "0");
  await write(kernel, `${FOLDER}/sriov_numvfs`, "1");
  for (const change of [
    { action: "assign", controllerId: 1, resource: "vq", count: 2 },
    { action: "assign", controllerId: 1, resource: "vi", count: 2 },
    { action: "online", controllerId: 1 },
  ] as const) {
    assert.equal((await kernel.nvme.manage("nvme0", change)).kind, "done");
  }
  const vf = "0000:02:00.1" as Bdf;
  await write(kernel, `/sys/bus/pci/devices/${vf}/driver_override`, "nvme");
  await write(kernel, "/sys/bus/pci/drivers/nvme/bind", vf);
  assert.deepEqual(await names(kernel, "/sys/class/block"), ["nvme0c0n1", "nvme0c1n1", "nvme0n1"]);
  mount(kernel.linux, "/dev/nvme0n1", "/srv", "ext4");
  const users = await kernel.usersOf([PF, vf]);
  for (const bdf of [PF, vf]) {
    const [user] = users.get(bdf)?.users ?? [];
    assert.equal(user?.kind, "mount");
    assert.match(user.evidence, /nvme0n1 \(ext4\) is mounted at \/srv; NVMe multipath reaches nvme0n1 by/);
  }
  await write(kernel, "/sys/bus/pci/drivers/nvme/unbind", vf);
  assert.deepEqual(await names(kernel, "/sys/class/block"), ["nvme0c0n1", "nvme0n1"]);
});

test("a mount, and a process that has the device open, are users of the function; until they end", async () => {
  const kernel = await withNvme();
  const kinds = async () => ((await kernel.usersOf([PF])).get(PF)?.users ?? []).map(({ kind }) => kind);
  assert.deepEqual(await kinds(), []);
  mount(kernel.linux, "/dev/nvme0n1", "/mnt/with blank", "xfs");
  assert.match(
    (await text(kernel, "/proc/self/mountinfo")) ?? "",
    / 259:0 \/ \/mnt\/with\\040blank rw,relatime - xfs \/dev\/nvme0n1 rw$/,
  );
  assert.deepEqual(await kinds(), ["mount"]);
  assert.throws(() => mount(kernel.linux, "/dev/nvme0n1", "/mnt/with blank", "xfs"), { errno: "EBUSY" });
  assert.throws(() => mount(kernel.linux, "/dev/nvme0", "/mnt", "xfs"), { errno: "ENOTBLK" });
  unmount(kernel.linux, "/mnt/with blank");
  assert.throws(() => unmount(kernel.linux, "/mnt/with blank"), { errno: "EINVAL" });
  const holders = ["/dev/nvme0n1", "/dev/nvme0"].map((path) => kernel.linux.processes.start("dd", path));
  assert.deepEqual((await kinds()).includes("blockOpen"), true);
  assert.equal((await kinds()).length, 2);
  for (const holder of holders) holder.end();
  assert.deepEqual(await kinds(), []);
});
