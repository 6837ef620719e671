import { readFileSync } from "node:fs";
import type { Bdf } from "../../../pci/bdf.ts";
import type { BlockDevice, StoragePool, UseGap } from "../../port-use-facts.ts";
import { unescapeOctal } from "./mount-namespaces.ts";
import type { SysfsOwners } from "./sysfs-owners.ts";

const BLOCK = "/sys/class/block";

/** Block devices of some functions, and what is built on them. */
export interface BlockDevices {
  readonly blocks: ReadonlyMap<string, BlockDevice>;
  readonly swaps: readonly string[];
  readonly pools: readonly StoragePool[];
  readonly gaps: readonly UseGap[];
}

/** Reads the block devices of the functions in `asked`: their partitions, holders, holders' holders, swaps and pools. */
export function readBlockDevices(prefix: string, owners: SysfsOwners, asked: ReadonlySet<Bdf>): BlockDevices {
  const paths = new Map<string, string>();
  const partitions = new Map<string, string[]>();
  const loops = new Map<string, string[]>();
  const blocks = new Map<string, BlockDevice>();
  const gaps: UseGap[] = [];

  function failed(path: string, error: unknown): void {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    gaps.push({ way: "blockDevices", errno: code, reason: `${path} cannot be read: ${code}` });
  }

  /** Undefined where there is no such attribute. */
  function attribute(path: string): string | undefined {
    try {
      return readFileSync(prefix + path, "utf8").trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENODEV: the device is being removed.
      if (code !== "ENOENT" && code !== "ENODEV") failed(path, error);
      return undefined;
    }
  }

  function names(folder: string): string[] {
    try {
      return owners.names(folder);
    } catch (error) {
      failed(folder, error);
      return [];
    }
  }

  for (const name of names(BLOCK)) {
    const path = owners.deviceOf(`${BLOCK}/${name}`);
    if (path === undefined) continue;
    paths.set(name, path);
    const parent = path.split("/").at(-2) ?? "";
    partitions.set(parent, [...(partitions.get(parent) ?? []), name]);
    // A loop device is no holder of a block device below it (drivers/block/loop.c); one upon a file has that in a mount.
    const below = /^loop\d+$/.test(name)
      ? /^\/dev\/(.+)$/.exec(attribute(`${BLOCK}/${name}/loop/backing_file`) ?? "")
      : null;
    if (below?.[1] !== undefined) loops.set(below[1], [...(loops.get(below[1]) ?? []), name]);
  }

  function take(name: string): void {
    const path = paths.get(name);
    if (path === undefined || blocks.has(name)) return;
    const above = [...(partitions.get(name) ?? []), ...names(`${BLOCK}/${name}/holders`), ...(loops.get(name) ?? [])];
    const mapperName = attribute(`${BLOCK}/${name}/dm/name`);
    blocks.set(name, {
      name,
      number: attribute(`${BLOCK}/${name}/dev`),
      label: labelOf(mapperName, attribute(`${BLOCK}/${name}/dm/uuid`), attribute(`${BLOCK}/${name}/md/level`)),
      mapperName,
      functions: owners.ownersOf(path),
      above,
    });
    for (const next of above) take(next);
  }

  for (const [name, path] of paths) if (owners.ownersOf(path).some((owner) => asked.has(owner))) take(name);
  if (blocks.size === 0) return { blocks, swaps: [], pools: [], gaps };
  return {
    blocks,
    swaps: swapNames(attribute("/proc/swaps") ?? ""),
    pools: [
      ...names("/sys/fs/btrfs").flatMap((uuid) => {
        const members = names(`/sys/fs/btrfs/${uuid}/devices`);
        return members.length > 0 ? [{ type: "btrfs", name: uuid, members }] : [];
      }),
      ...[...blocks.keys()].flatMap((name) => bcacheOf(owners, name)),
    ],
    gaps,
  };
}

/** What device mapper or MD made; the UUID begins with who asked for it (LVM, cryptsetup, multipath-tools). */
function labelOf(name: string | undefined, uuid: string | undefined, level: string | undefined): string | undefined {
  if (level !== undefined) return `${level} array`;
  if (name === undefined) return undefined;
  const maker = /^(LVM|CRYPT|mpath)-/.exec(uuid ?? "")?.[1];
  const what = { LVM: "logical volume", CRYPT: "encrypted device", mpath: "multipath device" }[maker ?? ""];
  return `${what ?? "device mapper's"} ${name}`;
}

/** A member of bcache has a link to its set (Documentation/admin-guide/bcache.rst). */
function bcacheOf(owners: SysfsOwners, name: string): StoragePool[] {
  const set = owners.deviceOf(`${BLOCK}/${name}/bcache/set`) ?? owners.deviceOf(`${BLOCK}/${name}/bcache/cache`);
  return set === undefined ? [] : [{ type: "bcache", name: set.slice(set.lastIndexOf("/") + 1), members: [name] }];
}

/** The second and later lines of /proc/swaps, `/dev/dm-1 partition 8388604 0 -2`: files are on a mount, which tells. */
export function swapNames(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const device = /^\/dev\/(\S+)\s+partition\s/.exec(line)?.[1];
    return device === undefined ? [] : [unescapeOctal(device.slice(device.lastIndexOf("/") + 1))];
  });
}
