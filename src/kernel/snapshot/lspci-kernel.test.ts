import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import { isUnread, known } from "../port.ts";
import { configSpaceOf } from "../port-config.ts";
import { parseLspciDump } from "./lspci-dump.ts";
import { openLspci } from "./lspci-kernel.ts";

const DUMP = `0000:01:00.0 Ethernet controller: Intel
	Physical Slot: 3
	NUMA node: 1
	IOMMU group: 14
	Region 0: Memory at 380000000000 (64-bit, prefetchable) [size=128K]
	Region 2: I/O ports at 1020 [size=32]
	Expansion ROM at c7800000 [disabled] [size=4M]
	Kernel driver in use: igb
00: 86 80 c9 10
10: 01 02 03 04

0000:01:10.0 Ethernet controller: Intel VF
	Kernel driver in use: ../../x
00: ff ff ff ff

0000:01:10.0 Ethernet controller: again
00: 11 11 11 11
`;

const kernel = openLspci(parseLspciDump(new TextEncoder().encode(DUMP), "dump.txt"));
const PF = "/sys/bus/pci/devices/0000:01:00.0";

async function text(path: string): Promise<string> {
  const content = await kernel.read(path);
  return isUnread(content) ? content.errno : new TextDecoder().decode(content);
}

describe("openLspci", () => {
  it("names itself", () => {
    assert.deepEqual(kernel.source, { kind: "lspci", name: "lspci:dump.txt", complete: false });
  });

  it("lists the functions", async () => {
    assert.deepEqual(await kernel.list("/sys/bus/pci/devices"), ["0000:01:00.0", "0000:01:10.0"]);
  });

  it("shows what lspci said in words", async () => {
    assert.equal(await kernel.readLink(`${PF}/driver`), "../../drivers/igb");
    assert.equal(await kernel.readLink(`${PF}/iommu_group`), "../../../../kernel/iommu_groups/14");
    assert.deepEqual(await kernel.list(`${PF}/iommu_group/devices`), ["0000:01:00.0"]);
    assert.deepEqual(await kernel.list(`${PF}/driver/0000:01:00.0/driver`), ["0000:01:00.0"]);
    assert.equal(await text("/sys/kernel/iommu_groups/14/devices/0000:01:00.0/numa_node"), "1\n");
    assert.equal(await text("/sys/bus/pci/slots/3/address"), "0000:01:00\n");
    assert.equal(
      await text(`${PF}/resource`),
      [
        "0x0000380000000000 0x000038000001ffff 0x000000000014220c",
        "0x0000000000000000 0x0000000000000000 0x0000000000000000",
        "0x0000000000001020 0x000000000000103f 0x0000000000040101",
        "0x0000000000000000 0x0000000000000000 0x0000000000000000",
        "0x0000000000000000 0x0000000000000000 0x0000000000000000",
        "0x0000000000000000 0x0000000000000000 0x0000000000000000",
        "0x00000000c7800000 0x00000000c7bfffff 0x0000000000046200",
        "",
      ].join("\n"),
    );
  });

  it("answers ENODATA for all else", async () => {
    assert.equal(await text(`${PF}/sriov_numvfs`), "ENODATA");
    const link = await kernel.readLink("/sys/bus/pci/devices/0000:01:10.0/driver");
    assert.ok(isUnread(link) && link.errno === "ENODATA" && link.reason === "an lspci dump does not hold it");
    assert.equal(await text("/sys/bus/pci/devices/0000:01:10.0/resource"), "ENODATA");
    assert.ok(isUnread(await kernel.log()));
  });

  it("gives configuration spaces with their holes, and as a file what is known from 0 on", async () => {
    const space = known(await configSpaceOf(kernel, bdf("01:00.0")));
    assert.deepEqual(space?.known, [
      [0, 4],
      [16, 20],
    ]);
    assert.equal((known(await kernel.read(`${PF}/config`)) ?? []).length, 4);
    const missing = await configSpaceOf(kernel, bdf("02:00.0"));
    assert.ok(isUnread(missing) && missing.errno === "ENOENT");
  });

  it("takes the first dump of a function that is dumped twice", async () => {
    assert.equal(known(await configSpaceOf(kernel, bdf("01:10.0")))?.u16(0), 0xffff);
  });
});
