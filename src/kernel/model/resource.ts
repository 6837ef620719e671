/** Flags of `struct resource` (include/linux/ioport.h), as the attribute `resource` shows them. */
export const IORESOURCE_IO = 0x100;
export const IORESOURCE_MEM = 0x200;
export const IORESOURCE_PREFETCH = 0x2000;
export const IORESOURCE_SIZEALIGN = 0x4_0000;
export const IORESOURCE_MEM_64 = 0x10_0000;
export const IORESOURCE_UNSET = 0x2000_0000;

/** Places of a device's resources (include/linux/pci.h). */
export const PCI_ROM_RESOURCE = 6;
export const PCI_IOV_RESOURCES = 7;
export const PCI_BRIDGE_RESOURCES = 13;
export const PCI_NUM_RESOURCES = 17;

/** A range of addresses: a BAR, a bridge's window. */
export interface Resource {
  /** As messages call it (`pci_resource_name`): `BAR 0`, `VF BAR 0`, `bridge window`. */
  readonly name: string;
  start: number;
  /** The last address; `start - 1` of an empty one. */
  end: number;
  flags: number;
  /** Of a BAR its size; of a VF BAR one VF's. */
  alignBytes: number;
  /** The window it lies in; undefined where it has got no place. */
  parent: Resource | undefined;
  readonly children: Resource[];
}

export function resource(name: string, start: number, end: number, flags: number, alignBytes: number): Resource {
  return { name, start, end, flags, alignBytes, parent: undefined, children: [] };
}

export function sizeOf({ start, end }: Resource): number {
  return end - start + 1;
}

export function isMem({ flags }: Resource): boolean {
  return (flags & IORESOURCE_MEM) !== 0;
}

/** `request_resource`: puts it into a window where nothing else is. @returns false where it does not fit there */
export function request(root: Resource, child: Resource): boolean {
  if (child.end < child.start || child.start < root.start || child.end > root.end) return false;
  if (root.children.some(({ start, end }) => child.start <= end && child.end >= start)) return false;
  root.children.push(child);
  root.children.sort((a, b) => a.start - b.start);
  child.parent = root;
  return true;
}

/** `release_resource`; what lies in it is given back, too. */
export function release(child: Resource): void {
  for (const inner of [...child.children]) release(inner);
  const siblings = child.parent?.children;
  siblings?.splice(siblings.indexOf(child), 1);
  child.parent = undefined;
}

/** `allocate_resource`: the first free place for `sizeBytes`, at or above `least` and up to `most`. */
export function allocate(root: Resource, child: Resource, least: number, most: number): boolean {
  const sizeBytes = sizeOf(child);
  let at = alignUp(Math.max(root.start, least), child.alignBytes);
  for (const { start, end } of root.children) {
    if (at + sizeBytes <= start) break;
    if (end >= at) at = alignUp(end + 1, child.alignBytes);
  }
  if (at + sizeBytes - 1 > Math.min(root.end, most)) return false;
  child.start = at;
  child.end = at + sizeBytes - 1;
  child.flags &= ~IORESOURCE_UNSET;
  return request(root, child);
}

export function alignUp(value: number, alignBytes: number): number {
  return Math.ceil(value / alignBytes) * alignBytes;
}

/** `%pR` (lib/vsprintf.c `resource_string`). */
export function resourceText(of: Resource): string {
  const { flags, start, end } = of;
  const io = (flags & IORESOURCE_IO) !== 0;
  const digits = io ? 4 : 8;
  const hex = (value: number) => `0x${value.toString(16).padStart(digits, "0")}`;
  const range = (flags & IORESOURCE_UNSET) === 0 ? `${hex(start)}-${hex(end)}` : `size ${hex(sizeOf(of))}`;
  const words = [
    io ? "io " : "mem",
    range,
    ...((flags & IORESOURCE_MEM_64) === 0 ? [] : ["64bit"]),
    ...((flags & IORESOURCE_PREFETCH) === 0 ? [] : ["pref"]),
  ];
  return `[${words.join(" ")}]`;
}
