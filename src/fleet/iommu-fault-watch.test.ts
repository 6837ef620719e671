import assert from "node:assert/strict";
import { it } from "node:test";
import { unread } from "../kernel/port.ts";
import { IommuFaultWatch } from "./iommu-fault-watch.ts";

const vtd = (device: string) =>
  `DMAR: [DMA Read NO_PASID] Request device [${device}] fault addr 0x1000 [fault reason 0x06] PTE Read access is not set`;
const amd = (device: string) =>
  `vfio-pci ${device}: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0037 address=0x7b657064]`;

/** A kernel log of so many records at the most, and a host with these devices. */
function host(devices: readonly string[], capacity = 100) {
  const log: { records: string[]; lost: number; refused: boolean } = { records: [], lost: 0, refused: false };
  const end = () => log.lost + log.records.length;
  const refused = unread("/dev/kmsg", "EPERM");
  const watch = new IommuFaultWatch({
    logMark: async () => (log.refused ? refused : end()),
    logSince: async (mark) => {
      const lines = log.records.slice(Math.max(0, mark - log.lost));
      return log.refused ? refused : { lines, lost: Math.max(0, log.lost - mark), end: end() };
    },
    list: async () => devices,
  });
  const print = (...lines: string[]) => {
    log.records.push(...lines);
    while (log.records.length > capacity) {
      log.records.shift();
      log.lost++;
    }
  };
  const look = async () => {
    await watch.look();
    return watch.counts && { faults: Object.fromEntries(watch.counts.faults), lost: watch.counts.lostRecords };
  };
  return { log, print, look };
}

it("faults are counted from the first look on, each once", async () => {
  const { print, look } = host(["0000:01:10.0"]);
  print(vtd("01:10.0"));
  assert.deepEqual(await look(), { faults: {}, lost: 0 });
  print(vtd("01:10.0"), "something else", vtd("01:10.2"));
  assert.deepEqual(await look(), { faults: { "0000:01:10.0": 1, "0000:01:10.2": 1 }, lost: 0 });
  print(amd("0000:01:10.0"));
  for (let again = 0; again < 3; again++) {
    assert.deepEqual(await look(), { faults: { "0000:01:10.0": 2, "0000:01:10.2": 1 }, lost: 0 });
  }
});

it("records that were overwritten before the look are told", async () => {
  const { print, look } = host(["0000:01:10.0"], 2);
  await look();
  print(vtd("01:10.0"), vtd("01:10.0"), vtd("01:10.0"));
  assert.deepEqual(await look(), { faults: { "0000:01:10.0": 2 }, lost: 1 });
});

it("of a log that cannot be read nothing is said, and what came meanwhile is counted when it can be", async () => {
  const { log, print, look } = host(["0000:01:10.0"]);
  log.refused = true;
  assert.equal(await look(), undefined);
  log.refused = false;
  await look();
  log.refused = true;
  print(vtd("01:10.0"));
  assert.equal(await look(), undefined);
  log.refused = false;
  assert.deepEqual(await look(), { faults: { "0000:01:10.0": 1 }, lost: 0 });
});

it("a log that begins anew, as of a modelled host that was started again, is read from its begin", async () => {
  const { log, print, look } = host(["0000:01:10.0"]);
  print("a", "b", "c");
  await look();
  log.records = [];
  print(vtd("01:10.0"));
  assert.deepEqual(await look(), { faults: { "0000:01:10.0": 1 }, lost: 0 });
});

it("an address without a domain is that of the one segment, or of the one device of its name; else as it was told", async () => {
  for (const [devices, address] of [
    // VMD's domain is no segment.
    [["0000:00:1f.0", "10000:01:10.0"], "0000:01:10.0"],
    [["0000:00:1f.0", "0001:01:10.0"], "0001:01:10.0"],
    [["0000:01:10.0", "0001:01:10.0"], "01:10.0"],
    [["0000:00:1f.0", "0001:00:1f.0"], "01:10.0"],
  ] as const) {
    const { print, look } = host(devices);
    await look();
    print(vtd("01:10.0"));
    assert.deepEqual((await look())?.faults, { [address]: 1 }, devices.join(" "));
  }
});
