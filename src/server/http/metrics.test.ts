import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { settingOf } from "../../fleet/host-setting.ts";
import { injectFault } from "../../hardware/fault.ts";
import { type ModelKernel, openModel } from "../../kernel/model/model-kernel.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { type Bdf, bdf } from "../../pci/bdf.ts";
import { type Served, serveHosts, until } from "../testing/served.ts";

const PORT = "0000:00:01.0";
const PF = "0000:01:00.0";
const VF = "0000:01:10.0" as Bdf;
const VF1 = "0000:01:10.2";
const MIB = 2 ** 20;
const PCI_COMMAND_MASTER = 4;

/** An agent over an 82576 with two VFs that no driver has, looked at often: errors send no events. */
async function serveLab() {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["igb"] }, "igb");
  await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_drivers_autoprobe`, "0");
  await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
  await kernel.setLink("eth0", { up: true });
  await kernel.linux.time.sleep(5000);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-server-"));
  const folders = { state: join(folder, "host"), config: join(folder, "config"), locks: join(folder, "locks") };
  const setting = await settingOf({ kernel, guests: undefined, folders, flows: undefined });
  const served = await serveHosts([{ name: "lab", setting }], folder, { intervalMs: 50 });
  return { kernel, served };
}

async function sample(served: Pick<Served, "ask">, name: string, labels: string): Promise<number | undefined> {
  const { text } = await served.ask("/metrics");
  const line = text.split("\n").find((each) => each.startsWith(`${name}{${labels}} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")));
}

/** Somebody who has no business with the VF makes it read descriptors at an address (82576 data sheet §8.12.8, §8.14.16). */
function readFrom({ linux }: ModelKernel, address: number): void {
  const { fabric } = linux.machine;
  const vf = linux.devices.get(VF);
  const pfBar = linux.devices.get(bdf(PF))?.bars[0]?.start ?? Number.NaN;
  const bar = vf?.bars[0]?.start ?? Number.NaN;
  vf?.setCommand(PCI_COMMAND_MASTER);
  const vfte = pfBar + 0xc90;
  fabric.memoryWrite(vfte, 4, fabric.memoryRead(vfte, 4) | 1);
  for (const [register, value] of [
    [0x3800, address],
    [0x3808, 4096],
    [0x3828, 0x0200_0000],
    [0x3818, 1],
  ] as const) {
    fabric.memoryWrite(bar + register, 4, value);
  }
}

describe("errors in /metrics", () => {
  it("a fault of a VF at the IOMMU is counted once, by the VF's address; others stand at 0", async (t) => {
    const { kernel, served } = await serveLab();
    t.after(() => served.close());
    const faults = (device: string) => sample(served, "vfleet_iommu_faults_total", `host="lab",device="${device}"`);
    await until(async () => (await faults(VF)) !== undefined);
    assert.deepEqual([await faults(PF), await faults(VF), await faults(VF1)], [0, 0, 0]);
    const { dma } = kernel.linux;
    for (const address of [64 * MIB, 65 * MIB]) {
      const before = dma.faultCount;
      readFrom(kernel, address);
      assert.notEqual(dma.faultCount, before);
      await until(async () => (await faults(VF)) === dma.faultCount);
    }
    // Looked at again and again, it stays what it was.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual([await faults(PF), await faults(VF), await faults(VF1)], [0, dma.faultCount, 0]);
    assert.equal(await sample(served, "vfleet_kernel_log_lost_records_total", 'host="lab"'), 0);
  });

  it("errors of a VF are counted by the kernel's AER driver, and told as it names them", async (t) => {
    const { kernel, served } = await serveLab();
    t.after(() => served.close());
    const messages = (device: string) =>
      sample(served, "vfleet_aer_messages_total", `host="lab",device="${device}",severity="nonfatal"`);
    const errors = (device: string, error: string) =>
      sample(served, "vfleet_aer_errors_total", `host="lab",device="${device}",severity="nonfatal",error="${error}"`);
    await until(async () => (await messages(VF)) !== undefined);
    assert.deepEqual(await Promise.all([PORT, PF, VF, VF1].map(messages)), [0, 0, 0, 0]);
    assert.equal(await errors(VF, "TLP"), undefined, "there never was one");
    // The root port tells that there is something to read of VFs.
    injectFault(kernel.linux.machine, { kind: "error", function: "82576", vf: 0, error: "poisonedTlpReceived" });
    await until(async () => (await messages(VF)) === 1);
    injectFault(kernel.linux.machine, { kind: "error", function: "82576", vf: 0, error: "poisonedTlpReceived" });
    await until(async () => (await messages(VF)) === 2);
    assert.deepEqual([await errors(VF, "TLP"), await errors(VF, "CmpltTO")], [2, undefined]);
    assert.deepEqual(await Promise.all([PORT, PF, VF1].map(messages)), [0, 0, 0]);
  });
});
