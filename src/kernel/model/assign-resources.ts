import { PCI_SRIOV_BAR } from "./iov-init.ts";
import { type Linux, logOf } from "./linux.ts";
import type { PciBus, PciDev } from "./pci-dev.ts";
import { writeBar, writeWindows } from "./read-bars.ts";
import {
  alignUp,
  allocate,
  IORESOURCE_IO,
  IORESOURCE_MEM,
  IORESOURCE_MEM_64,
  IORESOURCE_PREFETCH,
  IORESOURCE_UNSET,
  isMem,
  PCI_BRIDGE_RESOURCES,
  PCI_IOV_RESOURCES,
  PCI_ROM_RESOURCE,
  type Resource,
  release,
  request,
  resourceText,
  sizeOf,
} from "./resource.ts";
import { logBridge } from "./setup-device.ts";

const PCI_BASE_ADDRESS_0 = 0x10;
/** `PCIBIOS_MIN_IO`, `PCIBIOS_MIN_MEM` of x86. */
const LEAST_IO = 0x1000;
const LEAST_MEMORY = 0x1000_0000;
const FOUR_GIB = 2 ** 32;
const KIND = IORESOURCE_IO | IORESOURCE_MEM | IORESOURCE_PREFETCH | IORESOURCE_MEM_64;
const WINDOW_BYTES = 0x10_0000;
const IO_WINDOW_BYTES = 0x1000;

/**
 * `pcibios_resource_survey` (arch/x86/pci/i386.c): what firmware assigned is kept where it is within what is above it;
 * what is not, or was never assigned, is left for later.
 */
export function claimResources(linux: Linux): void {
  claimWindows(linux.rootBus);
  for (const dev of linux.rootBus.allDevices()) {
    for (const each of dev.resources.slice(0, PCI_BRIDGE_RESOURCES)) if (each !== undefined) claim(dev, each);
  }
}

function claimWindows(bus: PciBus): void {
  for (const { self, subordinate } of bus.devices.map((dev) => ({ self: dev, subordinate: dev.subordinate }))) {
    if (subordinate === undefined) continue;
    for (const window of self.windows) if (window !== undefined) claim(self, window);
    claimWindows(subordinate);
  }
}

function claim({ bus }: PciDev, each: Resource): void {
  if (each.parent !== undefined || each.end < each.start) return;
  const fits = each.start !== 0 && bus.windows.some((window) => holds(window, each) && request(window, each));
  if (fits) return;
  each.end -= each.start;
  each.start = 0;
  each.flags |= IORESOURCE_UNSET;
}

/** A window takes what is of its kind; memory that is not prefetchable must not be put behind prefetching. */
function holds(window: Resource, each: Resource): boolean {
  if (((window.flags ^ each.flags) & (IORESOURCE_IO | IORESOURCE_MEM)) !== 0) return false;
  return (window.flags & IORESOURCE_PREFETCH) === 0 || (each.flags & IORESOURCE_PREFETCH) !== 0;
}

/**
 * `pci_assign_unassigned_root_bus_resources` (drivers/pci/setup-bus.c): gives a place to all that has none. Where VF
 * BARs find no room, windows are given back, sized for them and placed anew, unless the command line forbids that.
 */
export function assignResources(linux: Linux): void {
  let failed = assignBelow(linux, linux.rootBus);
  if (failed.length > 0 && !linux.options.reallocOff) {
    for (const bridge of new Set(failed.flatMap(bridgesAbove))) releaseWindows(bridge);
    failed = assignBelow(linux, linux.rootBus);
  }
  for (const dev of failed) for (const { each } of unassignedOf(dev)) forgetSize(each);
}

/** The functions on a bus, the largest alignment first, then what is below. @returns who did not get all */
function assignBelow(linux: Linux, bus: PciBus): PciDev[] {
  sizeWindows(bus);
  const wanted = bus.devices.flatMap((dev) => unassignedOf(dev).map(({ index, each }) => ({ dev, index, each })));
  // pdev_sort_resources; those of VFs and ROMs may fail, so they come last.
  const optional = (index: number) => (index >= PCI_ROM_RESOURCE && index < PCI_BRIDGE_RESOURCES ? 1 : 0);
  wanted.sort((a, b) => optional(a.index) - optional(b.index) || b.each.alignBytes - a.each.alignBytes);
  const failed = new Set<PciDev>();
  for (const { dev, index, each } of wanted) if (!assign(linux, dev, index, each)) failed.add(dev);
  for (const dev of bus.devices) {
    if (dev.subordinate === undefined) continue;
    writeWindows(dev);
    for (const below of assignBelow(linux, dev.subordinate)) failed.add(below);
    logBridge(linux, dev, dev.subordinate.number, dev.subordinate.last);
  }
  return [...failed];
}

function unassignedOf(dev: PciDev): { index: number; each: Resource }[] {
  return dev.resources.flatMap((each, index) =>
    each === undefined || each.parent !== undefined || each.end < each.start || dev.isVf ? [] : [{ index, each }],
  );
}

/** `pci_assign_resource` */
function assign(linux: Linux, dev: PciDev, index: number, each: Resource): boolean {
  if (placeWithin(dev.bus.windows, each)) {
    if (index < PCI_BRIDGE_RESOURCES) writeBar(dev, registerOf(dev, index), each);
    logOf(linux, dev, `${each.name} ${resourceText(each)}: assigned`);
    return true;
  }
  each.flags |= IORESOURCE_UNSET;
  logOf(linux, dev, `${each.name} ${resourceText(each)}: can't assign; no space`);
  logOf(linux, dev, `${each.name} ${resourceText(each)}: failed to assign`);
  return index === PCI_ROM_RESOURCE;
}

/** `__pci_assign_resource`: a window of the very kind first, then 32-bit prefetchable ones, then any that takes it. */
function placeWithin(windows: readonly Resource[], each: Resource): boolean {
  const least = isMem(each) ? LEAST_MEMORY : LEAST_IO;
  const most = (each.flags & IORESOURCE_MEM_64) === 0 ? FOUR_GIB - 1 : Number.MAX_SAFE_INTEGER;
  const taking = windows.filter((window) => window.end > window.start && holds(window, each));
  const same = taking.filter(({ flags }) => ((flags ^ each.flags) & KIND) === 0);
  return [...same, ...taking.filter((window) => !same.includes(window))].some((window) =>
    allocate(window, each, least, most),
  );
}

function registerOf({ sriov }: PciDev, index: number): number {
  if (index < PCI_IOV_RESOURCES) return PCI_BASE_ADDRESS_0 + index * 4;
  return (sriov?.pos ?? 0) + PCI_SRIOV_BAR + (index - PCI_IOV_RESOURCES) * 4;
}

/** `__pci_bus_size_bridges`: windows that have no place get the size that is needed below. */
function sizeWindows(bus: PciBus): void {
  for (const { subordinate, windows } of bus.devices) {
    if (subordinate === undefined) continue;
    sizeWindows(subordinate);
    const below = subordinate.devices.flatMap((dev) => unassignedOf(dev).map(({ each }) => each));
    const [io, memory, prefetchable] = windows;
    if (io !== undefined)
      size(
        io,
        below.filter((each) => !isMem(each)),
        IO_WINDOW_BYTES,
      );
    const prefetching = (each: Resource) => prefetchable !== undefined && wantsPrefetch(prefetchable, each);
    if (prefetchable !== undefined) size(prefetchable, below.filter(prefetching), WINDOW_BYTES);
    if (memory !== undefined)
      size(
        memory,
        below.filter((each) => isMem(each) && !prefetching(each)),
        WINDOW_BYTES,
      );
  }
}

/** Prefetchable memory, of 64 bits where the window takes such. */
function wantsPrefetch(window: Resource, each: Resource): boolean {
  const needed = IORESOURCE_PREFETCH | (window.flags & IORESOURCE_MEM_64);
  return (each.flags & needed) === needed;
}

/** `pbus_size_mem`, `pbus_size_io`: nothing to do for a window that has its place. */
function size(window: Resource, contents: readonly Resource[], granule: number): void {
  if (window.parent !== undefined || contents.length === 0) return;
  const sorted = contents.toSorted((a, b) => b.alignBytes - a.alignBytes);
  let sizeBytes = 0;
  for (const each of sorted) sizeBytes = alignUp(sizeBytes, each.alignBytes) + sizeOf(each);
  window.alignBytes = Math.max(granule, sorted[0]?.alignBytes ?? 0);
  window.start = 0;
  window.end = alignUp(sizeBytes, granule) - 1;
  window.flags |= IORESOURCE_UNSET;
}

/** `reset_resource`: what finds no place is as if it were not there. */
function forgetSize(each: Resource): void {
  each.start = 0;
  each.end = -1;
  each.flags = 0;
}

/** `pci_bus_release_bridge_resources`, of all that is on the way from the root. */
function bridgesAbove(dev: PciDev): PciDev[] {
  const found: PciDev[] = [];
  for (let bridge = dev.bus.self; bridge !== undefined; bridge = bridge.bus.self) found.push(bridge);
  return found;
}

function releaseWindows(bridge: PciDev): void {
  for (const window of bridge.windows) {
    if (window?.parent === undefined || !isMem(window)) continue;
    for (const each of [...window.children]) forget(each);
    forget(window);
  }
}

function forget(each: Resource): void {
  for (const inner of [...each.children]) forget(inner);
  release(each);
  each.end -= each.start;
  each.start = 0;
  each.flags |= IORESOURCE_UNSET;
}
