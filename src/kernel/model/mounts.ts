import { KernelError } from "./kernel-error.ts";
import type { Linux, ModelMount } from "./linux.ts";
import { FileNode, lookUp } from "./sysfs-tree.ts";

/** Mounts that each kernel has beside those of its own file systems. */
const MOUNTS = new WeakMap<Linux, ModelMount[]>();
const FIRST_ID = 40;
const FILE_SYSTEM = /^[a-z][a-z0-9_]{0,31}$/;

/** In the order in which they were made. */
export function mountsOf(linux: Linux): readonly ModelMount[] {
  return MOUNTS.get(linux) ?? [];
}

/**
 * mount(2) of a block device. What is on the device is not looked at: its file system is taken to be what is said.
 * @throws KernelError
 */
export function mount(linux: Linux, source: string, point: string, type: string): void {
  if (!FILE_SYSTEM.test(type)) throw new KernelError("ENODEV");
  const node = lookUp(linux.root, source, true);
  const { device } = node instanceof FileNode ? node.operations : {};
  if (device === undefined || !(node instanceof FileNode)) throw new KernelError("ENOTBLK");
  if (!point.startsWith("/") || point.length > 255) throw new KernelError("ENOENT");
  const mounts = MOUNTS.get(linux) ?? [];
  if (mounts.some((each) => each.source === node.path && each.point === point)) throw new KernelError("EBUSY");
  MOUNTS.set(linux, [...mounts, { number: device, source: node.path, point, type }]);
}

/** umount(2), by where it is mounted or by what is: the last one of those. @throws KernelError EINVAL where nothing is */
export function unmount(linux: Linux, what: string): void {
  const mounts = mountsOf(linux);
  const found = mounts.findLast(({ source, point }) => point === what || source === what);
  if (found === undefined) throw new KernelError("EINVAL");
  MOUNTS.set(
    linux,
    mounts.filter((each) => each !== found),
  );
}

/** /proc/self/mounts (`show_vfsmnt`). */
export function showMounts(linux: Linux): string {
  const lines = mountsOf(linux).map(
    ({ source, point, type }) => `${escaped(source)} ${escaped(point)} ${type} rw,relatime 0 0\n`,
  );
  return `sysfs /sys sysfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n${lines.join("")}`;
}

/** /proc/self/mountinfo (`show_mountinfo`). */
export function showMountInfo(linux: Linux): string {
  const own = [
    ["0:22", "/sys", "sysfs"],
    ["0:23", "/proc", "proc"],
  ].map(
    ([number, point, type], index) =>
      `${FIRST_ID - 2 + index} 1 ${number} / ${point} rw,relatime - ${type} ${type} rw\n`,
  );
  const rest = mountsOf(linux).map(
    ({ number, source, point, type }, index) =>
      `${FIRST_ID + index} 1 ${number} / ${escaped(point)} rw,relatime - ${type} ${escaped(source)} rw\n`,
  );
  return [...own, ...rest].join("");
}

/** `mangle_path` */
function escaped(path: string): string {
  return path.replace(/[ \t\n\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
