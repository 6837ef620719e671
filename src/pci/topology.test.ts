import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Bdf, bdf, formatBdf, type RoutingId } from "./bdf.ts";
import { type ConfigOptions, machine, pciFunction } from "./testing/config-builder.ts";
import { bridgesAbove, buildTopology, type TopologyNode } from "./topology.ts";

const VF: ConfigOptions = { vendorId: 0xffff, deviceId: 0xffff, portType: 0 };
const port = (secondary: number, subordinate = secondary): ConfigOptions => ({
  portType: 4,
  bridge: { secondary, subordinate },
});

function pf(numVfs: number, firstVfOffset: number, vfStride: number, vfEnable = true): ConfigOptions {
  return { portType: 0, sriov: { totalVfs: 8, numVfs, firstVfOffset, vfStride, vfEnable } };
}

function at(nodes: ReadonlyMap<Bdf, TopologyNode>, address: string): TopologyNode {
  const node = nodes.get(bdf(address));
  assert.ok(node, address);
  return node;
}

function addresses(nodes: readonly TopologyNode[]): string[] {
  return nodes.map(({ bdf }) => bdf.slice(5));
}

describe("buildTopology", () => {
  it("puts functions below the bridge of their bus", () => {
    const nodes = machine({
      "00:01.0": port(1, 3),
      "01:00.0": port(2, 3),
      "02:00.0": {},
      "00:00.0": {},
      "05:00.0": {},
    });
    assert.equal(at(nodes, "02:00.0").parent?.bdf, "0000:01:00.0");
    assert.deepEqual(addresses(bridgesAbove(at(nodes, "02:00.0"))), ["01:00.0", "00:01.0"]);
    assert.deepEqual(addresses(at(nodes, "00:01.0").children), ["01:00.0"]);
    // A bus whose bridge is not in the dump.
    assert.equal(at(nodes, "05:00.0").parent, undefined);
    assert.deepEqual(
      [...nodes.keys()],
      ["00:00.0", "00:01.0", "01:00.0", "02:00.0", "05:00.0"].map((text) => `0000:${text}`),
    );
  });

  it("keeps domains apart", () => {
    const nodes = machine({ "00:01.0": port(1), "0001:00:01.0": port(1), "0001:01:00.0": {}, "10000:01:00.0": {} });
    assert.equal(at(nodes, "0001:01:00.0").parent?.bdf, "0001:00:01.0");
    assert.equal(at(nodes, "10000:01:00.0").parent, undefined);
    assert.deepEqual(at(nodes, "00:01.0").children, []);
  });

  it("finds VFs by their Routing IDs where VF Enable is set (igb in the lab: 10.0 .2 .4)", () => {
    const nodes = machine({
      "00:01.0": port(1),
      "01:00.0": pf(3, 128, 2),
      "01:10.0": VF,
      "01:10.2": VF,
      "01:10.4": VF,
      "01:10.6": VF,
    });
    assert.deepEqual(addresses(at(nodes, "01:00.0").vfs), ["01:10.0", "01:10.2", "01:10.4"]);
    assert.deepEqual(at(nodes, "01:10.4").vf, { physfn: "0000:01:00.0", index: 2 });
    assert.equal(at(nodes, "01:10.6").vf, undefined);
    const off = machine({ "01:00.0": pf(3, 128, 2, false), "01:10.0": VF });
    assert.deepEqual(at(off, "01:00.0").vfs, []);
  });

  it("puts a VF on a bus without a bridge beside its PF (Linux virtfn_add_bus)", () => {
    const nodes = machine({ "00:01.0": port(1, 2), "01:00.0": pf(1, 384, 2), "02:10.0": VF });
    assert.equal(at(nodes, "02:10.0").parent?.bdf, "0000:00:01.0");
    assert.deepEqual(addresses(at(nodes, "00:01.0").children), ["01:00.0", "02:10.0"]);
  });

  it("prefers the bridge that a VF's bus has", () => {
    const nodes = machine({ "00:01.0": port(1), "00:02.0": port(2), "01:00.0": pf(1, 384, 2), "02:10.0": VF });
    assert.equal(at(nodes, "02:10.0").parent?.bdf, "0000:00:02.0");
  });

  it("takes the kernel's links where it has them, and sorts VFs by their index", () => {
    const functions = ["01:00.0", "01:10.0", "01:10.2"].map((address) => pciFunction(address, {}));
    const links = new Map([
      [bdf("01:10.0"), { physfn: bdf("01:00.0"), index: 10 }],
      [bdf("01:10.2"), { physfn: bdf("01:00.0"), index: 9 }],
    ]);
    const nodes = buildTopology(functions, links);
    assert.deepEqual(addresses(at(nodes, "01:00.0").vfs), ["01:10.2", "01:10.0"]);
  });

  it("keeps a VF whose PF is not among the functions", () => {
    const links = new Map([[bdf("01:10.0"), { physfn: bdf("01:00.0"), index: 0 }]]);
    const nodes = buildTopology([pciFunction("01:10.0", VF)], links);
    assert.deepEqual([at(nodes, "01:10.0").vf?.physfn, at(nodes, "01:10.0").parent], ["0000:01:00.0", undefined]);
  });

  it("takes a secondary bus of 0 for one that nobody has numbered", () => {
    const nodes = machine({ "00:01.0": port(0), "00:02.0": {}, "01:00.0": port(0) });
    assert.deepEqual(
      [...nodes.values()].map(({ parent }) => parent),
      [undefined, undefined, undefined],
    );
  });

  it("gives the bus to the first of two bridges that claim it", () => {
    const nodes = machine({ "00:01.0": port(1), "00:02.0": port(1), "01:00.0": {} });
    assert.equal(at(nodes, "01:00.0").parent?.bdf, "0000:00:01.0");
  });

  it("cuts cycles of bus numbers", () => {
    const self = machine({ "01:00.0": port(1), "01:00.1": {} });
    assert.equal(at(self, "01:00.0").parent, undefined);
    assert.equal(at(self, "01:00.1").parent?.bdf, "0000:01:00.0");
    const pair = machine({ "01:00.0": port(2), "02:00.0": port(1), "02:01.0": {} });
    assert.equal(at(pair, "01:00.0").parent, undefined);
    assert.deepEqual(addresses(bridgesAbove(at(pair, "02:01.0"))), ["01:00.0"]);
    assert.deepEqual(addresses(at(pair, "02:00.0").children), []);
  });

  it("makes a forest of any bus numbers, where parents and children agree", () => {
    const rid = fc.nat(0x7ff) as fc.Arbitrary<RoutingId>;
    const any = fc.record({ rid, secondary: fc.nat(7), kind: fc.nat(2), offset: fc.nat(600), stride: fc.nat(3) });
    fc.assert(
      fc.property(fc.uniqueArray(any, { selector: (one) => one.rid, maxLength: 30 }), (list) => {
        const functions = list.map(({ rid, secondary, kind, offset, stride }) =>
          pciFunction(formatBdf(0, rid), kind === 0 ? port(secondary) : kind === 1 ? pf(6, offset, stride) : VF),
        );
        const nodes = buildTopology(functions);
        assert.equal(nodes.size, list.length);
        for (const node of nodes.values()) {
          assert.ok(bridgesAbove(node).length <= nodes.size);
          if (node.parent) assert.equal(node.parent.children.filter((child) => child === node).length, 1);
          for (const child of node.children) assert.equal(child.parent, node);
          for (const [index, vf] of node.vfs.entries()) {
            assert.equal(vf.vf?.physfn, node.bdf);
            assert.ok(index === 0 || (node.vfs[index - 1]?.vf?.index ?? 0) < (vf.vf?.index ?? 0));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
