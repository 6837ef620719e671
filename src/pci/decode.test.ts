import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bdf } from "./bdf.ts";
import { ConfigSpace } from "./config-space.ts";
import { decodeFunction } from "./decode.ts";
import { sriovCapability, sriovOf } from "./sriov-state.ts";
import { type ConfigOptions, configSpace, pciFunction } from "./testing/config-builder.ts";

const ADDRESS = "0000:01:00.0";
const SRIOV = { totalVfs: 8, firstVfOffset: 128, vfStride: 2, vfDeviceId: 0x10ca };
const IGB: ConfigOptions = { vendorId: 0x8086, deviceId: 0x10c9, portType: 0, ariNextFunction: 1, sriov: SRIOV };

function kinds(options: ConfigOptions): string[] {
  return pciFunction(ADDRESS, options).problems.map(({ kind, offset }) => `${kind} ${offset.toString(16)}`);
}

describe("decodeFunction", () => {
  it("decodes an SR-IOV endpoint without a problem", () => {
    const fn = pciFunction(ADDRESS, { ...IGB, subsystemVendorId: 0x8086, subsystemId: 0xa03c, multiFunction: true });
    assert.deepEqual(fn.problems, []);
    assert.deepEqual(
      [fn.vendorId, fn.deviceId, fn.subsystemVendorId, fn.subsystemId],
      [0x8086, 0x10c9, 0x8086, 0xa03c],
    );
    assert.deepEqual([fn.classCode, fn.headerType, fn.multiFunction, fn.bridge], [0x020000, 0, true, undefined]);
    assert.deepEqual(
      fn.capabilities.map(({ id, offset }) => [id, offset]),
      [[0x10, 0x40]],
    );
    assert.deepEqual(
      fn.extendedCapabilities.map(({ id, offset }) => [id, offset]),
      [
        [0x0e, 0x100],
        [0x10, 0x108],
      ],
    );
    assert.equal(sriovCapability(fn)?.offset, 0x108);
    assert.partialDeepStrictEqual(sriovOf(fn), {
      totalVfs: 8,
      initialVfs: 8,
      firstVfOffset: 128,
      vfStride: 2,
      vfDeviceId: "10ca",
    });
  });

  it("decodes a bridge", () => {
    const fn = pciFunction(ADDRESS, { portType: 4, bridge: { secondary: 2, subordinate: 3 } });
    assert.deepEqual([fn.headerType, fn.bridge?.secondaryBus, fn.bridge?.subordinateBus], [1, 2, 3]);
    assert.equal(sriovOf(fn), undefined);
  });

  it("keeps what a VF's own registers read: FFFFh (kernel-lab.md)", () => {
    const fn = pciFunction(ADDRESS, { vendorId: 0xffff, deviceId: 0xffff, portType: 0 });
    assert.deepEqual([fn.vendorId, fn.deviceId, fn.headerType, fn.problems], [0xffff, 0xffff, 0, []]);
  });

  it("says that no function answers where all is ones", () => {
    const fn = decodeFunction(bdf(ADDRESS), new ConfigSpace(new Uint8Array(4096).fill(0xff)));
    assert.deepEqual(
      fn.problems.map(({ kind }) => kind),
      ["all-ones"],
    );
    assert.deepEqual([fn.bars, fn.capabilities], [null, []]);
  });

  it("says which layout of header it does not know", () => {
    assert.deepEqual(kinds({ patch: [[0x0e, [0x05]]] }), ["reserved-value e"]);
  });

  it("gives null for all that was not read, of 64 bytes and of none", () => {
    const short = pciFunction(ADDRESS, { ...IGB, readBytes: 64 });
    assert.deepEqual([short.vendorId, short.capabilities, sriovOf(short)], [0x8086, [], undefined]);
    assert.deepEqual(
      short.problems.map(({ kind, offset }) => [kind, offset]),
      [["unread", 0x40]],
    );
    const none = decodeFunction(bdf(ADDRESS), new ConfigSpace(new Uint8Array(0)));
    assert.deepEqual(
      [none.vendorId, none.classCode, none.headerType, none.bars, none.multiFunction],
      [null, null, null, null, null],
    );
    assert.deepEqual(
      none.problems.map(({ kind, offset }) => [kind, offset]),
      [["unread", 0]],
    );
  });

  it("finds SR-IOV where the dump has the space in part, and says what it lacks", () => {
    const { bytes } = configSpace(IGB);
    const fn = decodeFunction(bdf(ADDRESS), new ConfigSpace(bytes, [[0, 0x118]]));
    assert.equal(sriovOf(fn)?.totalVfs, 8);
    assert.equal(sriovOf(fn)?.firstVfOffset, null);
    assert.deepEqual(
      fn.problems.map(({ kind, offset }) => [kind, offset]),
      [["unread", 0x108]],
    );
  });

  it("looks for extended capabilities in PCI Express and PCI-X functions alone", () => {
    const { bytes } = configSpace({ ...IGB, patch: [[0x06, [0]]] });
    assert.deepEqual(decodeFunction(bdf(ADDRESS), new ConfigSpace(bytes)).extendedCapabilities, []);
  });

  it("reports a capability that runs into the next one", () => {
    // Power Management at 78h has eight bytes; MSI-X stands in its last four.
    const patch: ConfigOptions["patch"] = [
      [0x41, [0x78]],
      [0x78, [0x01, 0x7c]],
      [0x7c, [0x11, 0x00]],
    ];
    assert.ok(kinds({ portType: 0, patch }).includes("overlap 78"));
  });

  it("reports an extended capability that runs past the end", () => {
    const patch: ConfigOptions["patch"] = [
      [0x100, [0x01, 0x00, 0x01, 0xff]],
      [0xff0, [0x10, 0x00, 0x01, 0x00]],
    ];
    assert.ok(kinds({ portType: 0, patch }).includes("overlap ff0"));
  });

  it("never throws, whatever bytes were read", () => {
    const known = fc.uniqueArray(fc.nat(4096), { minLength: 2, maxLength: 6 }).map((ends) => {
      const sorted = ends.toSorted((a, b) => a - b);
      return sorted.flatMap((from, index): [number, number][] => {
        const to = sorted[index + 1];
        return index % 2 === 0 && to !== undefined ? [[from, to]] : [];
      });
    });
    const bytes = fc.uint8Array({ minLength: 4096, maxLength: 4096 }).map((all) => {
      // Otherwise hardly a list of capabilities would be walked.
      all.set([0x10], 0x06);
      all[0x0e] = (all[0x0e] as number) & 0x83;
      all.set([0x40], 0x34);
      all.set([0x10], 0x40);
      return all;
    });
    fc.assert(
      fc.property(bytes, fc.oneof(fc.constant<[number, number][]>([[0, 4096]]), known), (all, ranges) => {
        const fn = decodeFunction(bdf(ADDRESS), new ConfigSpace(all, ranges));
        for (const { offset } of fn.problems) assert.ok(offset >= 0 && offset <= 4096);
        assert.doesNotThrow(() =>
          JSON.stringify(fn, (_key, value) => (typeof value === "bigint" ? String(value) : value)),
        );
      }),
      { numRuns: 300 },
    );
  });
});
