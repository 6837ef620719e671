import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bdf, domainOf, formatBdf, routingIdOf } from "./bdf.ts";
import { vfBus, vfRoutingId, vfsWithinBus } from "./vf-address.ts";

function vf(pf: string, offset: number, stride: number, index: number): string | undefined {
  const rid = vfRoutingId(routingIdOf(bdf(pf)), offset, stride, index);
  return rid === undefined ? undefined : formatBdf(domainOf(bdf(pf)), rid);
}

/** ../shared/reference/standard.md "Routing ID"; kernel-lab.md for igb. */
const VECTORS: readonly (readonly [
  what: string,
  pf: string,
  offset: number,
  stride: number,
  index: number,
  vf: string,
])[] = [
  ["ixgbe function 1 with ARI", "82:00.1", 128, 2, 0, "0000:82:10.1"],
  ["384/2 on the next bus", "01:00.0", 384, 2, 0, "0000:02:10.0"],
  ["mlx5 function 1, 9/1", "01:00.1", 9, 1, 0, "0000:01:01.2"],
  ["256/256, a bus for each VF", "01:00.0", 256, 256, 14, "0000:10:00.0"],
  ["82599 with ARI, 128/2, its last VF", "83:00.0", 128, 2, 63, "0000:83:1f.6"],
  ["82599 without ARI, 384/2", "83:00.0", 384, 2, 0, "0000:84:10.0"],
  ["82599 without ARI, 384/2, its last VF", "83:00.0", 384, 2, 63, "0000:84:1f.6"],
  ["igb in the lab, VF 3", "01:00.0", 128, 2, 3, "0000:01:10.6"],
  ["igb in the lab, VF 4", "01:00.0", 128, 2, 4, "0000:01:11.0"],
  ["igb in the lab, VF 6", "01:00.0", 128, 2, 6, "0000:01:11.4"],
];

describe("vfRoutingId", () => {
  for (const [what, pf, offset, stride, index, expected] of VECTORS) {
    it(`gives ${expected} for VF ${index} of ${what}`, () => {
      assert.equal(vf(pf, offset, stride, index), expected);
    });
  }

  it("gives undefined beyond bus 255", () => {
    assert.equal(vf("ff:00.0", 0xfe, 1, 1), "0000:ff:1f.7");
    assert.equal(vf("ff:00.0", 0xff, 1, 1), undefined);
    assert.equal(vf("01:00.0", 256, 256, 253), "0000:ff:00.0");
    assert.equal(vf("01:00.0", 256, 256, 254), undefined);
  });
});

describe("vfBus", () => {
  it("is the bus of the VF's Routing ID, as Linux's pci_iov_virtfn_bus", () => {
    const any = fc.tuple(fc.nat(0xffff), fc.nat(0xffff), fc.nat(0xffff), fc.nat(300));
    fc.assert(
      fc.property(any, ([pf, offset, stride, index]) => {
        const rid = pf as ReturnType<typeof routingIdOf>;
        // dev->bus->number + ((dev->devfn + offset + stride * vf_id) >> 8)
        const linux = (pf >>> 8) + Math.floor(((pf & 0xff) + offset + stride * index) / 256);
        assert.equal(vfBus(rid, offset, stride, index), linux);
        const found = vfRoutingId(rid, offset, stride, index);
        assert.equal(found === undefined ? linux > 255 : found >>> 8 === linux, true);
      }),
    );
  });
});

describe("vfsWithinBus", () => {
  it("gives none to an 82599 without ARI on [bus 83], all with ARI", () => {
    const pf = routingIdOf(bdf("83:00.0"));
    assert.deepEqual([vfsWithinBus(pf, 384, 2, 64, 0x83), vfsWithinBus(pf, 128, 2, 64, 0x83)], [0, 64]);
    assert.equal(vfsWithinBus(pf, 384, 2, 64, 0x84), 64);
  });

  it("counts VFs from VF 0 up to the first one beyond the bus", () => {
    const any = fc.tuple(fc.nat(0xffff), fc.nat(0xfff), fc.nat(600), fc.nat(256), fc.nat(255));
    fc.assert(
      fc.property(any, ([pf, offset, stride, total, lastBus]) => {
        const rid = pf as ReturnType<typeof routingIdOf>;
        let fits = 0;
        while (fits < total && vfBus(rid, offset, stride, fits) <= lastBus && (stride > 0 || fits < 1)) fits++;
        assert.equal(vfsWithinBus(rid, offset, stride, total, lastBus), fits);
      }),
    );
  });
});
