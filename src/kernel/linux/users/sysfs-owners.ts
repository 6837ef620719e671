import { readdirSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { type Bdf, parseBdf } from "../../../pci/bdf.ts";

const VFIO_GROUP = /^\/devices\/virtual\/vfio\/(?:noiommu-)?(\d+)$/;
/** NVMe multipath's device over the paths: `nvme_mpath_alloc_disk` (drivers/nvme/host/multipath.c) names both. */
const NVME_HEAD = /^\/devices\/virtual\/nvme-subsystem\/nvme-subsys\d+\/(?:nvme|ng)(\d+)n(\d+)(?:\/|$)/;

/** Tells of devices in sysfs to which PCI functions they belong. */
export class SysfsOwners {
  readonly #prefix: string;
  readonly #groups = new Map<string, readonly Bdf[]>();
  #nvmePaths: ReadonlyMap<string, readonly Bdf[]> | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The device that a link in sysfs leads to, as `/devices/...`; undefined where there is no such link. */
  deviceOf(link: string): string | undefined {
    try {
      const path = posix.resolve(posix.dirname(link), readlinkSync(this.#prefix + link));
      return path.startsWith("/sys/") ? path.slice("/sys".length) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The functions that a device belongs to: the last one on its path, of a VFIO group all, of an NVMe head those below. */
  ownersOf(device: string): readonly Bdf[] {
    const group = VFIO_GROUP.exec(device)?.[1];
    if (group !== undefined) return this.#groupMembers(group);
    const head = NVME_HEAD.exec(device);
    if (head) return this.#nvmeHeads().get(`${head[1]}n${head[2]}`) ?? [];
    const bdf = device
      .split("/")
      .reverse()
      .map(parseFull)
      .find((name) => name !== undefined);
    return bdf === undefined ? [] : [bdf];
  }

  /** The functions of a device that is named by bus, as `virtio` and `virtio3`. */
  ownersOnBus(bus: string, name: string): readonly Bdf[] {
    const bdf = bus === "pci" ? parseFull(name) : undefined;
    if (bdf !== undefined) return [bdf];
    const device = this.deviceOf(`/sys/bus/${posix.basename(bus)}/devices/${posix.basename(name)}`);
    return device === undefined ? [] : this.ownersOf(device);
  }

  #groupMembers(group: string): readonly Bdf[] {
    const known = this.#groups.get(group);
    if (known) return known;
    const folder = `/sys/kernel/iommu_groups/${group}/devices`;
    const members = this.names(folder).flatMap((name) => {
      // A mediated device's group holds the device, which is below the function.
      const device = this.deviceOf(`${folder}/${name}`);
      return device === undefined ? [] : this.ownersOf(device);
    });
    this.#groups.set(group, members);
    return members;
  }

  #nvmeHeads(): ReadonlyMap<string, readonly Bdf[]> {
    if (this.#nvmePaths) return this.#nvmePaths;
    const heads = new Map<string, Bdf[]>();
    for (const name of this.names("/sys/class/block")) {
      const path = /^nvme(\d+)c\d+n(\d+)$/.exec(name);
      const device = path ? this.deviceOf(`/sys/class/block/${name}`) : undefined;
      if (!path || device === undefined) continue;
      const head = `${path[1]}n${path[2]}`;
      heads.set(head, [...(heads.get(head) ?? []), ...this.ownersOf(device)]);
    }
    this.#nvmePaths = heads;
    return heads;
  }

  /** The names in a folder, none where it is not there. */
  names(folder: string): string[] {
    try {
      return readdirSync(this.#prefix + folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return [];
      throw error;
    }
  }
}

/** A part of a path in sysfs always has the domain; without, `00:01.0` might be another bus's name. */
function parseFull(name: string): Bdf | undefined {
  return /^[0-9a-f]{4,8}:/.test(name) ? parseBdf(name) : undefined;
}
