import type { HostFunction, Inventory } from "../host/inventory.ts";
import { isUnread, known } from "../kernel/port.ts";
import { compareBdf } from "../pci/bdf.ts";
import type { TopologyNode } from "../pci/topology.ts";
import { shortDeviceName } from "./names.ts";
import { paint } from "./terminal.ts";

/** The PCIe topology of a host, root buses at the left; the VFs of a PF are one line. */
export function renderTree(inventory: Inventory): string[] {
  const roots = [...inventory.functions.values()].filter(({ node }) => !node.parent && !node.vf);
  const lines: string[] = [];
  let bus = "";
  for (const [index, root] of roots.entries()) {
    const rootBus = root.bdf.slice(0, -5);
    if (rootBus !== bus) lines.push(paint("strong", rootBus));
    bus = rootBus;
    const last = roots[index + 1]?.bdf.slice(0, -5) !== rootBus;
    lines.push(...branch(inventory, root.node, "", last));
  }
  return lines;
}

function branch(inventory: Inventory, node: TopologyNode, indent: string, last: boolean): string[] {
  const fn = inventory.functions.get(node.bdf);
  const lines = [`${indent}${last ? "└─" : "├─"} ${node.bdf.slice(-7)} ${fn ? describe(fn) : ""}`];
  const deeper = `${indent}${last ? "   " : "│  "}`;
  const below = [...node.children].filter(({ vf }) => !vf).sort((a, b) => compareBdf(a.bdf, b.bdf));
  if (node.vfs.length > 0) lines.push(`${deeper}${below.length > 0 ? "├" : "└"}┄ ${vfsLine(inventory, node.vfs)}`);
  for (const [index, child] of below.entries()) {
    lines.push(...branch(inventory, child, deeper, index === below.length - 1));
  }
  return lines;
}

function describe(fn: HostFunction): string {
  const name = shortDeviceName(known(fn.vendorId), known(fn.deviceId));
  const { bridge } = fn.decoded;
  const buses = bridge ? ` [bus ${hexBus(bridge.secondaryBus)}-${hexBus(bridge.subordinateBus)}]` : "";
  const driver = isUnread(fn.driver) || fn.driver === null ? "" : ` (${fn.driver})`;
  const total = fn.sriov && known(fn.sriov.totalVfs);
  const sriov = total === undefined ? "" : paint("good", ` SR-IOV ${known(fn.sriov?.numVfs ?? 0) ?? "?"}/${total}`);
  const group = isUnread(fn.iommuGroup) || fn.iommuGroup === null ? "" : paint("faint", ` group ${fn.iommuGroup}`);
  return `${name}${buses}${driver}${sriov}${group}`;
}

/** `VFs 0-6: 01:10.0 .. 01:11.4, igbvf x5, vfio-pci x2`. */
function vfsLine(inventory: Inventory, vfs: readonly TopologyNode[]): string {
  const drivers = new Map<string, number>();
  for (const { bdf } of vfs) {
    const driver = inventory.functions.get(bdf)?.driver;
    const name = driver === undefined || isUnread(driver) ? "driver unknown" : (driver ?? "no driver");
    drivers.set(name, (drivers.get(name) ?? 0) + 1);
  }
  const first = vfs[0];
  const last = vfs.at(-1);
  const range =
    vfs.length === 1
      ? `VF ${first?.vf?.index}: ${first?.bdf.slice(-7)}`
      : `VFs ${first?.vf?.index}-${last?.vf?.index}: ${first?.bdf.slice(-7)} .. ${last?.bdf.slice(-7)}`;
  return `${range}, ${[...drivers].map(([name, number]) => `${name} x${number}`).join(", ")}`;
}

function hexBus(bus: number): string {
  return bus.toString(16).padStart(2, "0");
}
