import { type Bdf, busKey, compareBdf, domainOf, formatBdf, routingIdOf } from "./bdf.ts";
import type { DecodedFunction } from "./decode.ts";
import { PCI_HEADER_TYPE_BRIDGE, PCI_HEADER_TYPE_CARDBUS } from "./header.ts";
import { sriovOf } from "./sriov-state.ts";
import { vfRoutingId } from "./vf-address.ts";

/** One function in its place. */
export interface TopologyNode {
  readonly bdf: Bdf;
  readonly decoded: DecodedFunction;
  /** The bridge right above, undefined on a root bus (or where the bridge is not among the functions). */
  readonly parent: TopologyNode | undefined;
  /** Functions right below a bridge, VFs on buses without a bridge of their own included; in order. */
  readonly children: readonly TopologyNode[];
  /** For a VF: the PF it belongs to and its index from 0. */
  readonly vf: { readonly physfn: Bdf; readonly index: number } | undefined;
  /** For a PF: its VFs that are there, in order of their index. */
  readonly vfs: readonly TopologyNode[];
}

/** VF-to-PF links that the kernel reported, where it did (`physfn` and `virtfnN` in sysfs). */
export type VfLinks = ReadonlyMap<Bdf, { readonly physfn: Bdf; readonly index: number }>;

type Building = {
  -readonly [K in keyof TopologyNode]: TopologyNode[K] extends readonly TopologyNode[] ? Building[] : TopologyNode[K];
};

/**
 * Puts functions into their tree: a function's parent is the bridge whose secondary bus it is on. A VF may be on a bus
 * that no bridge names (Linux's `virtfn_add_bus`): it goes beside its PF. Without links, VFs are found by their Routing
 * IDs, in PFs with VF Enable set. O(n log n).
 */
export function buildTopology(functions: readonly DecodedFunction[], links?: VfLinks): ReadonlyMap<Bdf, TopologyNode> {
  const nodes = new Map<Bdf, Building>();
  for (const decoded of [...functions].sort((a, b) => compareBdf(a.bdf, b.bdf))) {
    nodes.set(decoded.bdf, { bdf: decoded.bdf, decoded, parent: undefined, children: [], vf: undefined, vfs: [] });
  }
  const vfLinks = links ?? vfsByRoutingId(nodes);
  const bridges = bridgesBySecondaryBus(nodes.values());
  for (const node of nodes.values()) {
    const link = vfLinks.get(node.bdf);
    const physfn = link && nodes.get(link.physfn);
    const beside = physfn ?? node;
    const parent = bridges.get(busKey(node.bdf)) ?? bridges.get(busKey(beside.bdf));
    if (parent && parent !== node) {
      node.parent = parent;
      parent.children.push(node);
    }
    if (link) node.vf = link;
    if (physfn) physfn.vfs.push(node);
  }
  for (const node of nodes.values()) node.vfs.sort((a, b) => (a.vf?.index ?? 0) - (b.vf?.index ?? 0));
  dropCycles(nodes.values());
  return nodes;
}

/** The bridges above a function, the nearest first. */
export function bridgesAbove(node: TopologyNode): TopologyNode[] {
  const path: TopologyNode[] = [];
  for (let at = node.parent; at; at = at.parent) path.push(at);
  return path;
}

function bridgesBySecondaryBus(nodes: Iterable<Building>): Map<string, Building> {
  const bridges = new Map<string, Building>();
  for (const node of nodes) {
    const { headerType } = node.decoded;
    if (headerType !== PCI_HEADER_TYPE_BRIDGE && headerType !== PCI_HEADER_TYPE_CARDBUS) continue;
    const secondary = node.decoded.header.secondaryBus;
    // 0 is what a bridge holds that nobody has numbered; no bridge has bus 0 below it.
    if (typeof secondary !== "number" || secondary === 0) continue;
    const key = busKey(node.bdf, secondary);
    if (!bridges.has(key)) bridges.set(key, node);
  }
  return bridges;
}

function vfsByRoutingId(nodes: ReadonlyMap<Bdf, Building>): VfLinks {
  const links = new Map<Bdf, { physfn: Bdf; index: number }>();
  for (const node of nodes.values()) {
    const sriov = sriovOf(node.decoded);
    if (!sriov?.vfEnable || sriov.numVfs === null || sriov.firstVfOffset === null || sriov.vfStride === null) continue;
    const domain = domainOf(node.bdf);
    for (let index = 0; index < sriov.numVfs; index++) {
      const rid = vfRoutingId(routingIdOf(node.bdf), sriov.firstVfOffset, sriov.vfStride, index);
      const vf = rid === undefined ? undefined : formatBdf(domain, rid);
      if (vf !== undefined && vf !== node.bdf && nodes.has(vf) && !links.has(vf)) {
        links.set(vf, { physfn: node.bdf, index });
      }
      if (sriov.vfStride === 0) break;
    }
  }
  return links;
}

/** Bus numbers that make a bridge its own ancestor are nonsense from the input; such a bridge is put at the top. */
function dropCycles(nodes: Iterable<Building>): void {
  for (const node of nodes) {
    const seen = new Set<TopologyNode>([node]);
    for (let at = node.parent; at; at = at.parent) {
      if (at === node) {
        const parent = node.parent as Building;
        parent.children.splice(parent.children.indexOf(node), 1);
        node.parent = undefined;
        break;
      }
      if (seen.has(at)) break;
      seen.add(at);
    }
  }
}
