import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnread } from "../port.ts";
import { isPending } from "../port-outcome.ts";
import type { ModelDescription } from "./model-description.ts";
import { type ModelKernel, openModel } from "./model-kernel.ts";
import { labModel } from "./testing/lab-models.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const GIB = 2 ** 30;

async function logOf(kernel: ModelKernel): Promise<readonly string[]> {
  const lines = await kernel.log();
  assert.ok(!isUnread(lines));
  return lines;
}

async function enable(kernel: ModelKernel, numVfs: number): Promise<string> {
  const outcome = await kernel.write(`${PF}/sriov_numvfs`, String(numVfs));
  assert.ok(!isPending(outcome));
  return outcome.kind === "done" ? "ok" : String(outcome.errno);
}

/** A machine whose firmware leaves no room for VF BARs. */
function tight(commandLine: string): ModelDescription {
  return {
    machine: {
      memoryBytes: GIB / 16,
      root: [{ kind: "root port", below: { kind: "device", device: "NVMe", options: { totalVfs: 127 } } }],
    },
    firmware: { virtualFunctions: false },
    commandLine,
    modules: ["nvme"],
  };
}

test("Linux moves windows until VF BARs have room, unless pci=realloc=off (pci_assign_unassigned_root_bus_resources)", async () => {
  const moving = await openModel(tight(""), "tight");
  assert.equal(await enable(moving, 127), "ok");
  const still = await openModel(tight("pci=realloc=off"), "tight");
  assert.equal(await enable(still, 1), "ENOMEM");
  assert.ok(
    (await logOf(still)).some((line) => line.endsWith("VF BAR 0 [mem size 0x001fc000 64bit]: failed to assign")),
  );
});

test("a machine does the same each time", async () => {
  const logs = await Promise.all(
    [1, 2].map(async () => {
      const description = labModel("igb-nvme");
      assert.ok(description);
      const kernel = await openModel({ ...description, modules: ["igb", "igbvf", "nvme", "virtio_net"] }, "twice");
      assert.equal(await enable(kernel, 7), "ok");
      assert.equal(await enable(kernel, 0), "ok");
      return logOf(kernel);
    }),
  );
  assert.ok((logs[0]?.length ?? 0) > 100);
  assert.deepEqual(logs[0], logs[1]);
});

test("with the pace of the world the kernel's delays are waited for", async () => {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["igb"] }, "real", { pace: "real" });
  const began = performance.now();
  assert.equal(await enable(kernel, 1), "ok");
  // sriov_enable: msleep(100).
  assert.ok(performance.now() - began >= 99);
});

test("without intel_iommu=on there are no groups, as Debian's kernel has it", async () => {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, commandLine: "" }, "igb");
  assert.deepEqual(await kernel.list("/sys/kernel/iommu_groups"), []);
  assert.deepEqual(await kernel.list("/sys/firmware/acpi/tables"), ["DMAR"]);
});
