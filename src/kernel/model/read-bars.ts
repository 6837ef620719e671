import { barSize } from "../../pci/bar.ts";
import type { PciDev } from "./pci-dev.ts";
import {
  IORESOURCE_IO,
  IORESOURCE_MEM,
  IORESOURCE_MEM_64,
  IORESOURCE_PREFETCH,
  IORESOURCE_SIZEALIGN,
  type Resource,
  resource,
} from "./resource.ts";

const PCI_BASE_ADDRESS_0 = 0x10;
const PCI_IO_BASE = 0x1c;
const PCI_MEMORY_BASE = 0x20;
const PCI_PREF_MEMORY_BASE = 0x24;
const PCI_PREF_BASE_UPPER32 = 0x28;
const PCI_PREF_LIMIT_UPPER32 = 0x2c;
const HIGH = 2 ** 32;
const WINDOW_BYTES = 0x10_0000;
const IO_WINDOW_BYTES = 0x1000;

/** `pci_read_bases`: what BARs a function has, and what they hold. */
export function readBars(dev: PciDev): void {
  const count = dev.isBridge ? 2 : 6;
  for (let index = 0; index < count; index++) {
    const found = readBar(dev, `BAR ${index}`, PCI_BASE_ADDRESS_0 + index * 4);
    dev.resources[index] = found;
    if (found !== undefined && (found.flags & IORESOURCE_MEM_64) !== 0) index++;
  }
}

/** `__pci_read_base`: writes all ones to learn the size, and puts back what was there. */
export function readBar(dev: PciDev, name: string, at: number): Resource | undefined {
  const low = dev.read(at, 4);
  const sizeLow = probe(dev, at, low);
  if (sizeLow === 0 || sizeLow === 0xffff_ffff) return undefined;
  if ((sizeLow & 1) !== 0) {
    const sizeBytes = Number(barSize(BigInt(sizeLow), "io", false) ?? 0n);
    if (sizeBytes === 0) return undefined;
    const start = (low & ~3) >>> 0;
    // The register's low bits are in the flags (decode_bar).
    return resource(name, start, start + sizeBytes - 1, IORESOURCE_IO | IORESOURCE_SIZEALIGN | 1, sizeBytes);
  }
  const is64 = (sizeLow & 6) === 4;
  const high = is64 ? dev.read(at + 4, 4) : 0;
  const sizeHigh = is64 ? probe(dev, at + 4, high) : 0;
  const sizeBytes = Number(barSize((BigInt(sizeHigh) << 32n) | BigInt(sizeLow), "memory", is64) ?? 0n);
  if (sizeBytes === 0) return undefined;
  const flags =
    IORESOURCE_MEM |
    IORESOURCE_SIZEALIGN |
    (sizeLow & 0xe) |
    (is64 ? IORESOURCE_MEM_64 : 0) |
    ((sizeLow & 8) === 0 ? 0 : IORESOURCE_PREFETCH);
  const start = high * HIGH + ((low & ~0xf) >>> 0);
  return resource(name, start, start + sizeBytes - 1, flags, sizeBytes);
}

function probe(dev: PciDev, at: number, held: number): number {
  dev.write(at, 4, 0xffff_ffff);
  const probed = dev.read(at, 4);
  dev.write(at, 4, held);
  return probed;
}

/** `pci_std_update_resource`: tells a BAR, or a VF BAR at `at`, where it lies now. */
export function writeBar(dev: PciDev, at: number, { start, flags }: Resource): void {
  dev.write(at, 4, start % HIGH);
  if ((flags & IORESOURCE_MEM_64) !== 0) dev.write(at + 4, 4, Math.floor(start / HIGH));
}

/** `pci_read_bridge_io`, `pci_read_bridge_mmio` and `pci_read_bridge_mmio_pref`: the three windows of a bridge. */
export function readWindows(dev: PciDev): [Resource, Resource, Resource] {
  const io = dev.read(PCI_IO_BASE, 2);
  const ioBase = (io & 0xf0) << 8;
  const ioLimit = (io & 0xf000) | 0xfff;
  const memory = dev.read(PCI_MEMORY_BASE, 4);
  const prefetchable = dev.read(PCI_PREF_MEMORY_BASE, 4);
  const is64 = (prefetchable & 0xf) === 1;
  const upper = (at: number) => (is64 ? dev.read(at, 4) * HIGH : 0);
  return [
    window(ioBase, ioLimit, IORESOURCE_IO, IO_WINDOW_BYTES),
    window((memory & 0xfff0) * 0x1_0000, memory16Limit(memory), IORESOURCE_MEM, WINDOW_BYTES),
    window(
      upper(PCI_PREF_BASE_UPPER32) + (prefetchable & 0xfff0) * 0x1_0000,
      upper(PCI_PREF_LIMIT_UPPER32) + memory16Limit(prefetchable),
      IORESOURCE_MEM | IORESOURCE_PREFETCH | (is64 ? IORESOURCE_MEM_64 | 1 : 0),
      WINDOW_BYTES,
    ),
  ];
}

function memory16Limit(register: number): number {
  return (register >>> 20) * 0x10_0000 + 0xf_ffff;
}

/** An empty one has its base above its limit, or nothing was ever written there. */
function window(start: number, end: number, flags: number, alignBytes: number): Resource {
  const open = start <= end && start !== 0;
  return resource("bridge window", open ? start : 0, open ? end : -1, flags, alignBytes);
}

/** `pci_setup_bridge_io`, `pci_setup_bridge_mmio` and `pci_setup_bridge_mmio_pref`. */
export function writeWindows(dev: PciDev): void {
  const [io, memory, prefetchable] = dev.windows;
  if (io !== undefined) {
    const open = io.parent !== undefined;
    dev.write(PCI_IO_BASE, 2, open ? ((io.start >>> 8) & 0xf0) | (io.end & 0xf000) : 0x00f0);
  }
  if (memory !== undefined) dev.write(PCI_MEMORY_BASE, 4, memoryRegister(memory));
  if (prefetchable !== undefined) {
    const { parent, start, end } = prefetchable;
    dev.write(PCI_PREF_LIMIT_UPPER32, 4, 0);
    dev.write(PCI_PREF_MEMORY_BASE, 4, memoryRegister(prefetchable));
    dev.write(PCI_PREF_BASE_UPPER32, 4, parent === undefined ? 0 : Math.floor(start / HIGH));
    dev.write(PCI_PREF_LIMIT_UPPER32, 4, parent === undefined ? 0 : Math.floor(end / HIGH));
  }
}

function memoryRegister({ parent, start, end }: Resource): number {
  if (parent === undefined) return 0x0000_fff0;
  return ((((start / 0x1_0000) & 0xfff0) >>> 0) | (((end / 0x1_0000) & 0xfff0) << 16)) >>> 0;
}
