import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isUnread, type Observed } from "../kernel/port.ts";
import { bdf } from "../pci/bdf.ts";
import { formatBytes, type Resource, readResources, readVfBarResources } from "./resources.ts";
import { testKernel } from "./testing/host-builder.ts";

const ADDRESS = bdf("0000:01:00.0");
const ZEROS = "0x0000000000000000 0x0000000000000000 0x0000000000000000";

function kernelWith(resource: string | undefined) {
  return testKernel({ functions: { [ADDRESS]: { config: {}, files: { resource } } } });
}

async function read(...lines: readonly string[]): Promise<Observed<readonly Resource[]>> {
  return readResources(kernelWith(lines.map((line) => `${line}\n`).join("")), ADDRESS);
}

describe("readResources", () => {
  it("reads the lines that resource_show writes: start, end, flags", async () => {
    const lines = [
      "0x00000000febc0000 0x00000000febdffff 0x0000000000040200",
      ZEROS,
      "0x000000000000c000 0x000000000000c01f 0x0000000000040101",
    ];
    assert.deepEqual(await read(...lines), [
      { index: 0, start: 0xfebc_0000n, end: 0xfebd_ffffn, flags: 0x40200n },
      { index: 2, start: 0xc000n, end: 0xc01fn, flags: 0x40101n },
    ]);
  });

  it("takes lines of zeros for resources that are not assigned (kernel-lab.md, VF BARs)", async () => {
    assert.deepEqual(await read(ZEROS, ZEROS), []);
  });

  it("leaves out what the kernel marked as unset (IORESOURCE_UNSET) or turned round", async () => {
    const unset = "0x0000000000000000 0x000000000001ffff 0x000000002014220c";
    const empty = "0x0000000000002000 0x0000000000001fff 0x0000000000000200";
    assert.deepEqual(await read(unset, empty), []);
  });

  it("reads 64-bit addresses whole", async () => {
    const line = "0x0000380000000000 0xffffffffffffffff 0x000000000014220c";
    assert.deepEqual(await read(line), [{ index: 0, start: 0x3800_0000_0000n, end: 2n ** 64n - 1n, flags: 0x14220cn }]);
  });

  it("is unread where a line is none, or the file is not there", async () => {
    const broken = await read(ZEROS, "0x0 0x0");
    assert.ok(isUnread(broken));
    assert.match(broken.reason, /line 2 reads "0x0 0x0"/);
    assert.ok(isUnread(await read()));
    const absent = await readResources(kernelWith(undefined), ADDRESS);
    assert.ok(isUnread(absent) && absent.errno === "ENOENT");
  });
});

describe("readVfBarResources", () => {
  it("numbers lines 8 to 13 as VF BARs 0 to 5 (PCI_IOV_RESOURCES)", async () => {
    const line = "0x0000380100000000 0x000038010001ffff 0x000000000014220c";
    const text = `${[...Array(7).fill(ZEROS), line, ZEROS, ZEROS, line, ZEROS, ZEROS].join("\n")}\n`;
    const resources = await readVfBarResources(kernelWith(text), ADDRESS);
    assert.ok(!isUnread(resources));
    assert.deepEqual(
      resources.map(({ index }) => index),
      [0, 3],
    );
  });

  it("leaves out the windows of a bridge, lines 14 to 17", async () => {
    const line = "0x00000000fe000000 0x00000000fe1fffff 0x0000000000000200";
    const text = `${[...Array(13).fill(ZEROS), line, line, line, line].join("\n")}\n`;
    assert.deepEqual(await readVfBarResources(kernelWith(text), ADDRESS), []);
  });

  it("leaves out a range from 0 on, which the kernel sized and never placed", async () => {
    const line = "0x0000000000000000 0x000000000001ffff 0x000000000014220c";
    const text = `${[...Array(7).fill(ZEROS), line, ...Array(5).fill(ZEROS)].join("\n")}\n`;
    assert.deepEqual(await readVfBarResources(kernelWith(text), ADDRESS), []);
  });

  it("is unread where the file has no lines for VF BARs: nothing is known of them", async () => {
    const resources = await readVfBarResources(kernelWith(`${ZEROS}\n`.repeat(7)), ADDRESS);
    assert.ok(isUnread(resources) && resources.errno === "ENODATA");
  });
});

describe("formatBytes", () => {
  it("writes whole units where it is whole", () => {
    const sizes = [0n, 1n, 512n, 1024n, 0x4000n, 0x2_0000n, 0x18_0000n, 1n << 30n, 1n << 40n, 1n << 62n];
    const texts = ["0 B", "1 B", "512 B", "1 KiB", "16 KiB", "128 KiB", "1536 KiB", "1 GiB", "1 TiB", "4194304 TiB"];
    assert.deepEqual(sizes.map(formatBytes), texts);
  });

  it("rounds to a tenth what is not", () => {
    assert.deepEqual([10_239n, 10_241n, 64n * 1024n * 1024n + 1n].map(formatBytes), [
      "10239 B",
      "10.0 KiB",
      "65536.0 KiB",
    ]);
  });

  it("always ends in a unit", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n }), (size) => {
        assert.match(formatBytes(size), /^\d+(\.\d)? (B|KiB|MiB|GiB|TiB)$/);
      }),
    );
  });
});
