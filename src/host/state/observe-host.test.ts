import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readModel } from "../../kernel/model/description/read-model.ts";
import { type ModelKernel, openModel } from "../../kernel/model/model-kernel.ts";
import { isUnread, type Kernel } from "../../kernel/port.ts";
import { openSnapshot } from "../../kernel/snapshot/snapshot-kernel.ts";
import { bdf } from "../../pci/bdf.ts";
import type { HostState, PfState } from "./host-state.ts";
import { observeHost } from "./observe-host.ts";

const ROOT = new URL("../../../", import.meta.url);
const PF = "0000:01:00.0";

function path(name: string): string {
  return fileURLToPath(new URL(name, ROOT));
}

/** The machine of examples/models. */
function model(name: string): Promise<ModelKernel> {
  const file = path(`examples/models/${name}.yaml`);
  return openModel(readModel(readFileSync(file, "utf8"), file).description, name);
}

async function written(kernel: ModelKernel, file: string, text: string): Promise<void> {
  const outcome = await kernel.write(file, text);
  assert.equal(outcome.kind, "done", `${file}: ${text}`);
}

function pfOf({ pfs }: HostState, address = PF): PfState {
  const found = pfs.find(({ bdf: each }) => each === address);
  assert.ok(found, address);
  return found;
}

describe("observeHost", () => {
  test("tells a PF, its VFs, what they are set to and who uses them", async () => {
    const kernel = await model("82576");
    const devices = "/sys/bus/pci/devices";
    await written(kernel, `${devices}/${PF}/sriov_numvfs`, "3");
    await written(kernel, `${devices}/0000:01:10.2/driver/unbind`, "0000:01:10.2");
    await written(kernel, `${devices}/0000:01:10.2/driver_override`, "vfio-pci");
    await written(kernel, "/sys/bus/pci/drivers_probe", "0000:01:10.2");
    await kernel.setVfs("eth0", [{ vfIndex: 2, vlan: { id: 100, qos: 3 }, trust: true }]);
    const { iommuGroup } = kernel.linux.devices.get(bdf("0000:01:10.2")) ?? {};
    kernel.linux.processes.start("qemu", `/dev/vfio/${iommuGroup?.id}`, []);

    const pf = pfOf(await observeHost(kernel));
    assert.deepEqual([pf.driver, pf.numVfs, pf.totalVfs, pf.driverLimit], ["igb", 3, 8, 7]);
    assert.deepEqual([pf.vendorId, pf.deviceId, pf.classCode], [0x8086, 0x10c9, 0x020000]);
    assert.deepEqual([pf.driversAutoprobe, pf.eswitchMode, pf.nvme, pf.vfioVariant], [true, null, null, null]);
    assert.deepEqual(
      pf.vfs.map(({ vfIndex, bdf: address, driver, driverOverride }) => [vfIndex, address, driver, driverOverride]),
      [
        [0, "0000:01:10.0", "igbvf", null],
        [1, "0000:01:10.2", "vfio-pci", "vfio-pci"],
        [2, "0000:01:10.4", "igbvf", null],
      ],
    );
    assert.deepEqual(
      pf.vfs.map(({ netdevs }) => (isUnread(netdevs) ? "?" : netdevs.length)),
      [1, 0, 1],
    );
    const { settings, msixCount, resetMethods } = pf.vfs[2] ?? {};
    assert.ok(settings && !isUnread(settings));
    assert.deepEqual([settings.vlan, settings.qos, settings.trust], [100, 3, true]);
    assert.deepEqual([msixCount, resetMethods], [3, ["flr"]]);
    assert.deepEqual(
      pf.vfs.map(({ users }) => users.users.map(({ kind }) => kind)),
      [[], ["vfio"], []],
    );
    // A PF's users are its VFs' as well, and say through which.
    assert.deepEqual(
      pf.users.users.map(({ vf }) => vf),
      ["0000:01:10.2"],
    );
  });

  test("is plain data: JSON carries it whole", async () => {
    const kernel = await model("server");
    await written(kernel, `/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    const state = await observeHost(kernel);
    assert.equal(state.pfs.length, 5);
    assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
  });

  test("tells secondary controllers of an NVMe PF, by their VFs", async () => {
    const kernel = await model("nvme");
    await written(kernel, `/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    const pf = pfOf(await observeHost(kernel));
    assert.equal(pf.nvmeController, "nvme0");
    assert.ok(pf.nvme && !isUnread(pf.nvme) && pf.nvme.vq !== undefined);
    assert.deepEqual(
      pf.vfs.map(({ nvme }) => nvme),
      [1, 2].map((controllerId) => ({ controllerId, online: false, vq: 0, vi: 0 })),
    );
  });

  test("leaves representors of VFs out of the PF's interfaces, and names the variant driver", async () => {
    const kernel = await model("connectx-6-dx");
    await written(kernel, `/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    const before = pfOf(await observeHost(kernel));
    assert.deepEqual([before.eswitchMode, before.vfioVariant], ["legacy", "mlx5_vfio_pci"]);
    await kernel.devlink.setEswitch(`pci/${PF}`, { mode: "switchdev" });
    const after = pfOf(await observeHost(kernel));
    assert.equal(after.eswitchMode, "switchdev");
    const names = (pf: PfState) => (isUnread(pf.netdevs) ? [] : pf.netdevs.map(({ name }) => name));
    assert.deepEqual(names(after), names(before));
  });

  test("knows a PF by its serial number, where that is its own alone, else by its slot", async () => {
    const { pfs } = await observeHost(await model("server"));
    const keys = pfs.map(({ identity }) => identity.key);
    assert.equal(new Set(keys).size, pfs.length);
    for (const key of keys) assert.match(key, /^(?:serial [0-9a-f-]{23}\.\d|slot 0000:00\/.+)$/);
    // Two ports of one card share the number, and differ in the function.
    const [first, second] = pfs;
    assert.equal(first?.identity.slotPath.replace(/\d$/, ""), second?.identity.slotPath.replace(/\d$/, ""));
  });

  test("tells netdevsim's devices, whose VFs are no functions", async () => {
    const kernel = await model("82576");
    await kernel.loadModule("netdevsim");
    await written(kernel, "/sys/bus/netdevsim/new_device", "7 1");
    await written(kernel, "/sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs", "2");
    const pf = pfOf(await observeHost(kernel), "netdevsim7");
    assert.deepEqual([pf.driver, pf.numVfs, pf.driverLimit, pf.eswitchMode], ["netdevsim", 2, 4, "legacy"]);
    assert.ok(isUnread(pf.vendorId));
    assert.deepEqual(
      pf.vfs.map(({ bdf: address, settings }) => [address, settings !== null && !isUnread(settings)]),
      [
        [null, true],
        [null, true],
      ],
    );
  });

  test("of a captured host: what no picture shows is unread, and nobody is known to be absent", async () => {
    const state = await observeHost(await openSnapshot(path("fixtures/hosts/igb-nvme-vfs.tar.gz")));
    const pf = pfOf(state);
    assert.ok(!isUnread(pf.numVfs) && pf.numVfs > 0 && pf.vfs.length === pf.numVfs);
    assert.ok(isUnread(pf.eswitchMode));
    for (const { users, driver } of pf.vfs) {
      assert.ok(users.notLookedAt.length > 0);
      assert.ok(!isUnread(driver));
    }
  });

  test("of a host whose VFs come and go all the while: unread, not mixed", async () => {
    const kernel = await model("82576");
    await written(kernel, `/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    // Between two reads, one VF's link is gone each time.
    const moving: Kernel = {
      ...kernel,
      list: async (folder) => {
        const names = await kernel.list(folder);
        return isUnread(names) || !folder.endsWith(PF) ? names : names.filter((name) => name !== "virtfn1");
      },
    };
    const pf = pfOf(await observeHost(moving));
    assert.ok(isUnread(pf.numVfs));
    assert.deepEqual([pf.numVfs.errno, pf.vfs], ["EAGAIN", []]);
  });
});
