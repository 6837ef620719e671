/** The nvme driver of the modelled Linux, by commands through its controllers' admin queues. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ModelKernel, openModel } from "../model-kernel.ts";
import { labModel } from "../testing/lab-models.ts";

const PF = "/sys/bus/pci/devices/0000:02:00.0";
const decoder = new TextDecoder();

async function withNvme(): Promise<ModelKernel> {
  const description = labModel("igb-nvme");
  assert.ok(description);
  return openModel({ ...description, modules: ["nvme"] }, "model:igb-nvme");
}

async function text(kernel: ModelKernel, path: string): Promise<string> {
  const bytes = await kernel.read(path);
  assert.ok(bytes instanceof Uint8Array, `${path} could not be read`);
  return decoder.decode(bytes).trim();
}

async function write(kernel: ModelKernel, path: string, value: string): Promise<void> {
  const outcome = await kernel.write(path, value);
  assert.equal(outcome.kind, "done", JSON.stringify(outcome));
}

describe("NVMe of the modelled Linux", () => {
  test("nvme_reset_prepare, nvme_reset_done: a reset of the function brings the controller back", async () => {
    const kernel = await withNvme();
    await write(kernel, `${PF}/reset`, "1");
    assert.equal(await text(kernel, "/sys/class/nvme/nvme0/state"), "live");
    assert.deepEqual(await kernel.nvme.namespaces("nvme0", "active"), [1]);
  });

  test("a secondary controller's admin queue is a tenant's: it lists its namespaces, and manages nothing", async () => {
    const kernel = await withNvme();
    await write(kernel, `${PF}/sriov_drivers_autoprobe`, "0");
    await write(kernel, `${PF}/sriov_numvfs`, "1");
    for (const change of [
      { action: "assign", controllerId: 1, resource: "vq", count: 2 },
      { action: "assign", controllerId: 1, resource: "vi", count: 2 },
      { action: "online", controllerId: 1 },
    ] as const) {
      const { kind } = await kernel.nvme.manage("nvme0", change);
      assert.equal(kind, "done");
    }
    await write(kernel, `${PF}/sriov_drivers_autoprobe`, "1");
    await write(kernel, "/sys/bus/pci/drivers/nvme/bind", "0000:02:00.1");
    assert.equal(await text(kernel, "/sys/class/nvme/nvme1/cntlid"), "1");
    assert.deepEqual(await kernel.nvme.namespaces("nvme1", "active"), [1]);
    const refused = { kind: "nvme-refused", status: 0x4002, reason: "Invalid Field in Command" };
    assert.deepEqual(await kernel.nvme.namespaces("nvme1", "allocated"), refused);
    assert.deepEqual(await kernel.nvme.primaryCapabilities("nvme1"), refused);
    assert.deepEqual(await kernel.nvme.manage("nvme1", { action: "online", controllerId: 1 }), {
      kind: "nvme-refused",
      status: 0x4001,
      reason: "Invalid Command Opcode",
    });
  });

  test("a controller that is out of reach is asked nothing, and its driver lets go of it", async () => {
    const kernel = await withNvme();
    const { fabric } = kernel.linux.machine;
    // No memory space, as when a card is taken out: registers read as all ones.
    fabric.configWrite(0x0200, 4, 2, 0);
    const told = await kernel.nvme.namespaces("nvme0", "active");
    assert.ok("errno" in told && told.errno === "ENODEV");
    await write(kernel, "/sys/bus/pci/drivers/nvme/unbind", "0000:02:00.0");
    assert.deepEqual(await kernel.list("/sys/class/nvme"), []);
    await write(kernel, "/sys/bus/pci/drivers/nvme/bind", "0000:02:00.0");
    assert.equal(await text(kernel, "/sys/class/nvme/nvme0/state"), "live");
  });

  test("what never reaches a controller", async () => {
    const kernel = await withNvme();
    const outcome = await kernel.nvme.manage("nvme0", { action: "online", controllerId: 0x1_0000 });
    assert.ok(outcome.kind === "failed" && outcome.errno === "EINVAL");
    const none = await kernel.nvme.manage("nvme7", { action: "online", controllerId: 1 });
    assert.ok(none.kind === "failed" && none.errno === "ENODEV");
  });
});
