import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bdf } from "../../pci/bdf.ts";
import { type ModelKernel, openModel } from "./model-kernel.ts";
import type { PciDev } from "./pci-dev.ts";
import { labModel } from "./testing/lab-models.ts";
import { sendTraffic } from "./traffic.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VF0 = "0000:01:10.0" as Bdf;
const VF1 = "0000:01:10.2" as Bdf;
const MIB = 2 ** 20;
// Of a VF's BAR 0: its first transmit queue (82576 data sheet §8.26).
const TDBAL = 0x3800;
const TDLEN = 0x3808;
const TDT = 0x3818;
const TXDCTL = 0x3828;
const PCI_COMMAND_MASTER = 4;

/** An 82576 whose interface is up, and two guests with a VF each. */
async function lab(parameters = "") {
  const description = labModel("igb");
  assert.ok(description);
  const commandLine = `${description.commandLine} ${parameters}`;
  const kernel = await openModel({ ...description, commandLine, modules: ["igb", "vfio-pci"] }, "igb");
  const { linux } = kernel;
  assert.equal((await kernel.write(`${PF}/sriov_numvfs`, "2")).kind, "done");
  assert.equal((await kernel.setLink("eth0", { up: true })).kind, "done");
  await linux.time.sleep(5000);
  for (const [bdf, name] of [
    [VF0, "web"],
    [VF1, "db"],
  ] as const) {
    await kernel.write(`/sys/bus/pci/devices/${bdf}/driver_override`, "vfio-pci");
    assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", bdf)).kind, "done");
    linux.guests.start({ name, memoryMib: 64 });
    await linux.guests.plug(name, bdf);
  }
  return { kernel, linux };
}

function device({ linux }: ModelKernel, bdf: Bdf): PciDev {
  const dev = linux.devices.get(bdf);
  assert.ok(dev);
  return dev;
}

/** A VF is made to read descriptors at an address, whoever has it. */
function sendFrom({ linux }: ModelKernel, dev: PciDev, address: number): void {
  const { fabric } = linux.machine;
  const bar = dev.bars[0]?.start ?? Number.NaN;
  dev.setCommand(PCI_COMMAND_MASTER);
  for (const [register, value] of [
    [TDBAL, address],
    [TDLEN, 4096],
    [TXDCTL, 0x0200_0000],
    [TDT, 1],
  ] as const) {
    fabric.memoryWrite(bar + register, 4, value);
  }
}

test("two guests' VFs reach each other, by rings in their own memory", async () => {
  const { linux } = await lab();
  const { sent, received, faults, vfs } = sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 500, bytes: 1518 });
  assert.deepEqual([sent, received, faults], [500, 500, []]);
  assert.deepEqual(
    vfs.map(({ txPackets, rxPackets }) => [txPackets, rxPackets]),
    [
      [500, 0],
      [0, 500],
    ],
  );
});

test("a VF that a guest had reaches nothing of that guest any more: late DMA is a fault, and dmar_fault tells of it", async () => {
  const { kernel, linux } = await lab();
  const dev = device(kernel, VF0);
  const before = linux.dma.faultCount;
  // Within the guest's memory, nothing is told of it; beyond its end it is.
  sendFrom(kernel, dev, MIB);
  assert.equal(linux.dma.faultCount, before);
  sendFrom(kernel, dev, 64 * MIB);
  assert.equal(linux.dma.faultCount, before + 1);
  await linux.guests.unplug("web", VF0);
  assert.equal(dev.read(4, 2) & PCI_COMMAND_MASTER, 0, "VFIO leaves it without bus mastering");
  // The VF's function is driven on by somebody who has no business with it.
  fabricEnable(kernel, 0);
  sendFrom(kernel, dev, MIB);
  const [fault] = linux.dma.faultsSince(before + 1);
  assert.deepEqual([fault?.kind, fault?.sourceId, fault?.info], ["read", dev.routingId, MIB]);
  const text =
    "DMAR: [DMA Read NO_PASID] Request device [01:10.0] fault addr 0x100000 [fault reason 0x06] PTE Read access is not set";
  const lines = linux.log.lines.map((line) => line.replace(/^\[[ \d.]+\] /, ""));
  assert.ok(lines.includes(text), lines.slice(-6).join("\n"));
  assert.equal(
    sendTraffic(linux, "eth0", { from: 1, to: "pf", frames: 5, bytes: 64 }).received,
    5,
    "the other goes on",
  );
});

/** VFTE, which the PF's driver sets for a VF that asked: so that its queue works without a driver of its own. */
function fabricEnable(kernel: ModelKernel, vf: number): void {
  const { fabric } = kernel.linux.machine;
  const bar = device(kernel, "0000:01:00.0" as Bdf).bars[0]?.start ?? Number.NaN;
  const vfte = 0xc90;
  fabric.memoryWrite(bar + vfte, 4, fabric.memoryRead(bar + vfte, 4) | (1 << vf));
}

test("a killed guest's VF is reset and taken out of its domain, and its memory is the machine's again", async () => {
  const { kernel, linux } = await lab();
  const free = linux.dma.memory.freeBytes;
  await linux.guests.stop("web");
  assert.ok(linux.dma.memory.freeBytes >= free + 64 * MIB);
  assert.equal(device(kernel, VF0).msiIrqs.length, 0);
  assert.throws(() => sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 1, bytes: 64 }), { errno: "ENETDOWN" });
  linux.guests.start({ name: "web", memoryMib: 64 });
  await linux.guests.plug("web", VF0);
  assert.equal(sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 20, bytes: 64 }).received, 20);
});

test("what a guest leaves in its memory nobody gets", async () => {
  const { linux } = await lab();
  const { dma, machine, guests } = linux;
  await guests.stop("db");
  // Where the next guest of that size will be.
  const range = dma.memory.allocate(64 * MIB, 2 * MIB);
  assert.ok(range);
  dma.memory.free(range);
  guests.start({ name: "next", memoryMib: 64 });
  await guests.plug("next", VF1);
  const secret = range.start + 63 * MIB;
  machine.memory.write32(secret, 0x5ec2e7);
  await guests.unplug("next", VF1);
  assert.equal(machine.memory.read32(secret), 0x5ec2e7, "it is the guest's while the guest is there");
  await guests.stop("next");
  const end = range.start + range.sizeBytes;
  assert.ok(machine.memory.bytes.subarray(range.start, end).every((byte) => byte === 0));
});

test("a guest whose memory the machine has not got gets no VF", async () => {
  const { linux } = await lab();
  await linux.guests.unplug("web", VF0);
  linux.guests.start({ name: "large", memoryMib: 4096 });
  await assert.rejects(linux.guests.plug("large", VF0), { errno: "ENOMEM" });
  assert.match(linux.log.lines.at(-1) ?? "", /4096 MiB of guest large cannot be pinned: \d+ MiB are free/);
  await linux.guests.plug("web", VF0);
});

test("a guest with whose memory none is left for the domain's tables gets no VF, and leaves the memory as it was", async () => {
  const { linux } = await lab();
  const { dma, guests } = linux;
  await guests.stop("web");
  const range = dma.memory.allocate(64 * MIB, 2 * MIB);
  assert.ok(range);
  for (let bytes = 2 ** 30; bytes >= 4096; bytes /= 2) while (dma.memory.allocate(bytes) !== undefined);
  const domains: ReturnType<typeof dma.newDomain>[] = [];
  assert.throws(() => {
    for (;;) domains.push(dma.newDomain());
  }, RangeError);
  guests.start({ name: "next", memoryMib: 64 });
  // First there is not a page; then one for the root, and none below it.
  for (const spare of [0, 1]) {
    const given = domains.splice(0, spare);
    for (const domain of given) dma.freeDomain(domain);
    dma.memory.free(range);
    await assert.rejects(guests.plug("next", VF0), { errno: "ENOMEM" });
    assert.deepEqual(dma.memory.allocate(64 * MIB, 2 * MIB), range);
  }
  for (const domain of domains) dma.freeDomain(domain);
  dma.memory.free(range);
  await guests.plug("next", VF0);
});

test("with iommu=pt host drivers pass untranslated, and guests are apart all the same", async () => {
  const { kernel, linux } = await lab("iommu=pt");
  assert.equal(new TextDecoder().decode((await kernel.read(`${PF}/iommu_group/type`)) as Uint8Array), "identity\n");
  assert.equal(sendTraffic(linux, "eth0", { from: 0, to: "pf", frames: 20, bytes: 64 }).received, 20);
  const before = linux.dma.faultCount;
  sendFrom(kernel, device(kernel, VF0), 64 * MIB);
  assert.equal(linux.dma.faultCount, before + 1);
});

test("without an IOMMU, or one that Linux does not use, traffic between the host's interfaces runs untranslated", async () => {
  for (const [name, commandLine] of [
    ["no-iommu", ""],
    ["igb", ""],
    ["no-remapping", "intel_iommu=on"],
  ] as const) {
    const description = labModel(name);
    assert.ok(description);
    const kernel = await openModel({ ...description, commandLine, modules: ["igb", "igbvf"] }, name);
    const { linux } = kernel;
    await kernel.write(`${PF}/sriov_numvfs`, "2");
    const vfs = linux.net.all.filter(({ options }) => options.dev?.isVf).map((netdev) => netdev.name);
    for (const each of ["eth0", ...vfs]) await kernel.setLink(each, { up: true });
    await linux.time.sleep(5000);
    assert.equal(linux.machine.fabric.iommu === undefined, name === "no-iommu");
    assert.equal(sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 20, bytes: 64 }).received, 20, name);
  }
});

test("a guest has a driver for an NVMe VF that is online, with queues in the guest's memory", async () => {
  const description = labModel("igb-nvme");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["nvme", "vfio-pci"] }, "igb-nvme");
  const { linux } = kernel;
  const pf = "/sys/bus/pci/devices/0000:02:00.0";
  await kernel.write(`${pf}/sriov_drivers_autoprobe`, "0");
  await kernel.write(`${pf}/sriov_numvfs`, "1");
  for (const resource of ["vq", "vi"] as const) {
    await kernel.nvme.manage("nvme0", { action: "assign", controllerId: 1, resource, count: 2 });
  }
  const vf = "0000:02:00.1" as Bdf;
  await kernel.write(`/sys/bus/pci/devices/${vf}/driver_override`, "vfio-pci");
  await kernel.write("/sys/bus/pci/drivers_probe", vf);
  linux.guests.start({ name: "web", memoryMib: 64 });
  const csts = () => linux.machine.fabric.memoryRead((device(kernel, vf).bars[0]?.start ?? Number.NaN) + 0x1c, 4);
  await linux.guests.plug("web", vf);
  assert.equal(csts() & 1, 0, "offline, it never gets ready");
  await linux.guests.unplug("web", vf);
  assert.equal((await kernel.nvme.manage("nvme0", { action: "online", controllerId: 1 })).kind, "done");
  await linux.guests.plug("web", vf);
  assert.equal(csts() & 1, 1);
  assert.equal(linux.dma.faultCount, 0);
  await linux.guests.stop("web");
  assert.equal(csts() & 1, 0, "reset when the guest ended");
});
