import { isUnread, type Kernel, type Observed, unread } from "../kernel/port.ts";
import type { Bdf } from "../pci/bdf.ts";
import { readText, sysfsPath } from "./observe.ts";

/** One line of a function's `resource` file (Linux `resource_show`): an address range that the kernel gave it. */
export interface Resource {
  /** 0-5 BARs, 6 expansion ROM, 7-12 VF BARs 0-5 of a PF, 13-16 windows of a bridge. */
  readonly index: number;
  readonly start: bigint;
  /** The last address. */
  readonly end: bigint;
  /** Of include/linux/ioport.h. */
  readonly flags: bigint;
}

/** Where the VF BARs of a PF begin among its resources (`PCI_IOV_RESOURCES`), and how many there are. */
const PCI_IOV_RESOURCES = 7;
const PCI_SRIOV_NUM_BARS = 6;
const IORESOURCE_UNSET = 0x2000_0000n;
const LINE = /^(0x[0-9a-f]+) (0x[0-9a-f]+) (0x[0-9a-f]+)$/i;

/** Reads the resources that are assigned. Lines of zeros and ranges marked unset are not. */
export async function readResources(kernel: Kernel, bdf: Bdf): Promise<Observed<readonly Resource[]>> {
  const path = sysfsPath(bdf, "resource");
  const text = await readText(kernel, path);
  return isUnread(text) ? text : parseResources(path, text.split("\n"));
}

/**
 * Reads the resources of a PF's VF BARs, by the VF BARs' indices. A `resource` file without lines for them (a kernel
 * without PCI_IOV, a dump that knows of BARs alone) says nothing of VF BARs.
 */
export async function readVfBarResources(kernel: Kernel, bdf: Bdf): Promise<Observed<readonly Resource[]>> {
  const path = sysfsPath(bdf, "resource");
  const text = await readText(kernel, path);
  if (isUnread(text)) return text;
  const lines = text.split("\n");
  const last = PCI_IOV_RESOURCES + PCI_SRIOV_NUM_BARS;
  if (lines.length < last) return unread(path, "ENODATA", "it has no lines for VF BARs");
  const resources = parseResources(path, lines);
  if (isUnread(resources)) return resources;
  return (
    resources
      // A range from 0 on was sized and found no place.
      .filter(({ index, start }) => index >= PCI_IOV_RESOURCES && index < last && start !== 0n)
      .map((resource) => ({ ...resource, index: resource.index - PCI_IOV_RESOURCES }))
  );
}

function parseResources(path: string, lines: readonly string[]): Observed<readonly Resource[]> {
  const resources: Resource[] = [];
  for (const [index, line] of lines.entries()) {
    const match = LINE.exec(line);
    if (!match) {
      const shown = JSON.stringify(line.slice(0, 60));
      return unread(path, "EINVAL", `line ${index + 1} reads ${shown}, which is no resource`);
    }
    const [start, end, flags] = [BigInt(match[1] as string), BigInt(match[2] as string), BigInt(match[3] as string)];
    const assigned = (start !== 0n || end !== 0n) && (flags & IORESOURCE_UNSET) === 0n && end >= start;
    if (assigned) resources.push({ index, start, end, flags });
  }
  return resources;
}

/** Bytes in words: 16 KiB, 1536 KiB, 12.5 MiB; exact below ten thousand. */
export function formatBytes(size: bigint): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = size;
  while (unit < units.length - 1 && value >= 1024n && value % 1024n === 0n) {
    value /= 1024n;
    unit++;
  }
  if (value < 10_240n || unit === units.length - 1) return `${value} ${units[unit]}`;
  return `${(Number(value) / 1024).toFixed(1)} ${units[unit + 1]}`;
}
