import type { Link } from "../../../src/pci/link.ts";
import type { VirtualFunctionObject } from "../api/objects.ts";
import type { GuestObject, PfObject } from "../panel/chosen.ts";
import type { PfPreflight } from "../panel/use-preflights.ts";
import { type Holder, holderOf } from "./vf-state.ts";

/** A function as the API's topology has it, as far as the drawing needs it. */
export interface PlacedFunction {
  readonly bdf: string;
  readonly parent: string | null;
  readonly kind: "rootPort" | "switchUpstream" | "switchDownstream" | "bridge" | "pf" | "vf" | "function";
  readonly device: string | null;
  readonly numaNode: number | null;
  readonly iommuGroup: number | null;
  readonly link: Link | null;
}

/** What stands at the left of PFs: a NUMA node or the root complex, and ports of bridges. */
export interface TreeNode {
  readonly id: string;
  readonly label: string;
  /** Of a bridge. */
  readonly bridge?: PlacedFunction;
  readonly children: readonly (TreeNode | PfBar)[];
}

/** A PF and the places of its VFs. */
export interface PfBar {
  readonly pf: PfObject;
  /** By vfIndex; undefined where there is none, though there may be one. */
  readonly cells: readonly (VirtualFunctionObject | undefined)[];
  readonly iommuGroup: number | null;
  readonly link: Link | null;
  /** Whether VFs can be made; undefined while it is not known. */
  readonly preflight: PfPreflight | undefined;
}

/** Somebody who has VFs, or may get some. */
export interface HolderBox extends Holder {
  readonly vfs: readonly VirtualFunctionObject[];
}

/** All of a host that is drawn, without a place yet. */
export interface MachinePlan {
  readonly roots: readonly TreeNode[];
  /** In the order of the tree. */
  readonly bars: readonly PfBar[];
  readonly holders: readonly HolderBox[];
  /** Names of the functions of each IOMMU group that is known. */
  readonly groups: ReadonlyMap<number, readonly string[]>;
}

/**
 * @param topology empty where it is not known: PFs alone are placed then
 * @param preflights by PF, as far as they are known
 */
export function planMachine(
  pfs: readonly PfObject[],
  vfs: readonly VirtualFunctionObject[],
  guests: readonly GuestObject[],
  topology: readonly PlacedFunction[],
  preflights: ReadonlyMap<string, PfPreflight> = new Map(),
): MachinePlan {
  const placed = new Map(topology.map((fn) => [fn.bdf, fn]));
  const vfsOf = Map.groupBy(vfs, ({ status }) => status.pf);
  const bars = new Map(
    pfs.map((pf): [string, PfBar] => {
      const bdf = pf.metadata.name;
      const fn = placed.get(bdf);
      return [
        bdf,
        {
          pf,
          cells: cellsOf(pf, vfsOf.get(bdf) ?? []),
          iommuGroup: fn?.iommuGroup ?? null,
          link: fn?.link ?? null,
          preflight: preflights.get(bdf),
        },
      ];
    }),
  );
  // By address, whose digits are hexadecimal.
  const roots = rootsOf(
    [...bars.values()].sort((a, b) => (a.pf.metadata.name < b.pf.metadata.name ? -1 : 1)),
    placed,
  );
  return {
    roots,
    bars: roots.flatMap(barsBelow),
    holders: holdersOf(vfs, guests),
    groups: groupsOf(vfs, topology),
  };
}

/** As many places as the driver allows, or as VFs need. */
function cellsOf(
  { status }: PfObject,
  vfs: readonly VirtualFunctionObject[],
): readonly (VirtualFunctionObject | undefined)[] {
  const last = vfs.reduce((most, vf) => Math.max(most, vf.status.vfIndex), -1);
  const cells = new Array<VirtualFunctionObject | undefined>(Math.max(status.driverLimit ?? 0, last + 1)).fill(
    undefined,
  );
  for (const vf of vfs) cells[vf.status.vfIndex] = vf;
  return cells;
}

/** How many VFs can be made beside those that are there: as many as the driver allows, and no check refuses. */
export function placesOf({ pf, cells, preflight }: PfBar): number {
  const most = Math.min(pf.status.driverLimit ?? 0, preflight?.largest ?? Number.POSITIVE_INFINITY);
  return Math.max(0, most - cells.filter((vf) => vf !== undefined).length);
}

interface Growing {
  readonly id: string;
  readonly label: string;
  readonly bridge?: PlacedFunction;
  readonly children: (Growing | PfBar)[];
}

function rootsOf(bars: readonly PfBar[], placed: ReadonlyMap<string, PlacedFunction>): readonly TreeNode[] {
  const nodes = new Map<string, Growing>();
  const roots: Growing[] = [];
  const rootAt = (numaNode: number | null): Growing => {
    const id = numaNode === null ? "root" : `numa ${numaNode}`;
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const root: Growing = { id, label: numaNode === null ? "root complex" : `NUMA node ${numaNode}`, children: [] };
    nodes.set(id, root);
    roots.push(root);
    return root;
  };
  const nodeOf = (fn: PlacedFunction, numaNode: number | null): Growing => {
    const known = nodes.get(fn.bdf);
    if (known !== undefined) return known;
    const node: Growing = { id: fn.bdf, label: bridgeLabel(fn), bridge: fn, children: [] };
    nodes.set(fn.bdf, node);
    above(fn.parent, fn.numaNode ?? numaNode).children.push(node);
    return node;
  };
  const above = (parent: string | null | undefined, numaNode: number | null): Growing => {
    const fn = parent ? placed.get(parent) : undefined;
    return fn === undefined ? rootAt(numaNode) : nodeOf(fn, numaNode);
  };
  for (const bar of bars) {
    above(placed.get(bar.pf.metadata.name)?.parent, bar.pf.status.numaNode).children.push(bar);
  }
  return roots.sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }));
}

const BRIDGE_WORDS: Partial<Record<PlacedFunction["kind"], string>> = {
  rootPort: "root port",
  switchUpstream: "switch",
  switchDownstream: "switch port",
};

function bridgeLabel({ bdf, kind }: PlacedFunction): string {
  return `${BRIDGE_WORDS[kind] ?? "bridge"} ${bdf}`;
}

export function isBar(node: TreeNode | PfBar): node is PfBar {
  return "pf" in node;
}

function barsBelow(node: TreeNode | PfBar): readonly PfBar[] {
  return isBar(node) ? [node] : node.children.flatMap(barsBelow);
}

/** Guests, also those without a VF, and other users; those with VFs in the order of their first one. */
function holdersOf(vfs: readonly VirtualFunctionObject[], guests: readonly GuestObject[]): readonly HolderBox[] {
  const boxes = new Map<string, Holder & { readonly vfs: VirtualFunctionObject[] }>();
  for (const vf of vfs) {
    const holder = holderOf(vf);
    if (holder === undefined) continue;
    const box = boxes.get(holder.key);
    if (box === undefined) boxes.set(holder.key, { ...holder, vfs: [vf] });
    else box.vfs.push(vf);
  }
  for (const { metadata } of guests) {
    if (!boxes.has(metadata.name))
      boxes.set(metadata.name, { key: metadata.name, label: metadata.name, isGuest: true, vfs: [] });
  }
  return [...boxes.values()];
}

function groupsOf(
  vfs: readonly VirtualFunctionObject[],
  topology: readonly PlacedFunction[],
): ReadonlyMap<number, readonly string[]> {
  const groups = new Map<number, string[]>();
  const put = (group: number | null, name: string) => {
    if (group === null) return;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [name]);
    else members.push(name);
  };
  for (const { bdf, kind, iommuGroup } of topology) if (kind !== "vf") put(iommuGroup, bdf);
  for (const { metadata, status } of vfs) put(status.iommuGroup, metadata.name);
  return groups;
}
