import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bdf } from "../../pci/bdf.ts";
import { isUnread } from "../port.ts";
import { isPending } from "../port-outcome.ts";
import { openModel } from "./model-kernel.ts";
import { labModel } from "./testing/lab-models.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VF = "0000:01:10.0" as Bdf;
const SHORT = { deadlineMs: 20 };

test("VFs that a guest holds are taken away when it ends, and who asks for them waits (vfio_unregister_group_dev)", async () => {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["igb", "vfio-pci"] }, "igb");
  assert.equal((await kernel.write(`${PF}/sriov_drivers_autoprobe`, "0")).kind, "done");
  assert.equal((await kernel.write(`${PF}/sriov_numvfs`, "2")).kind, "done");
  assert.equal((await kernel.write(`${PF}/virtfn0/driver_override`, "vfio-pci")).kind, "done");
  assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", VF)).kind, "done");
  const group = kernel.linux.devices.get(VF)?.iommuGroup?.id;
  const guest = kernel.linux.processes.start("qemu-system-x86", `/dev/vfio/${group}`, [VF]);
  const users = (await kernel.usersOf([VF])).get(VF)?.users ?? [];
  assert.deepEqual(
    users.map(({ kind, who }) => [kind, who.command]),
    [["vfio", "qemu-system-x86"]],
  );

  const disabling = await kernel.write(`${PF}/sriov_numvfs`, "0", SHORT);
  assert.ok(isPending(disabling));
  const log = await kernel.log();
  assert.ok(
    !isUnread(log) && log.some((line) => line.endsWith(`vfio-pci ${VF}: Relaying device request to user (#0)`)),
  );
  // The PF's lock is held: whoever wants it waits, too.
  const another = await kernel.write(`${PF}/sriov_numvfs`, "0", SHORT);
  assert.ok(isPending(another));

  guest.end();
  assert.equal((await disabling.finished()).kind, "done");
  assert.equal((await another.finished()).kind, "done");
  assert.ok(!kernel.linux.devices.has(VF));
});
