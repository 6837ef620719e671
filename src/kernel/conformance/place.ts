import type { Bdf } from "../../pci/bdf.ts";
import { isUnread, type Kernel } from "../port.ts";

const DEVICES = "/sys/bus/pci/devices";

/** Of a PF that is no PCI device. */
export type DeviceFolder = `/sys/bus/${string}`;

/** Where a script runs: says what `$PF`, `$vf3`, `$netdev` are there. */
export interface Place {
  /** Learns the addresses of the VFs that are there now. They stay known when the VFs are gone. */
  look(): Promise<void>;
  /**
   * The text with all its names resolved. A VF that is gone has the address it had; a name that stands for nothing, as
   * `$net0` of a VF without a driver, is left as it is.
   */
  resolve(text: string): Promise<string>;
  /** The text with the addresses of the PF and of its VFs, those that are and those that were, as names. */
  named(text: string): string;
  readonly files: FileHolder;
}

/** Keeps files open for reading and writing, in processes that are no part of the kernel. */
export interface FileHolder {
  /** @returns `ok` or the errno's name. */
  hold(path: string): Promise<string>;
  /** Ends all that hold. */
  letGo(): Promise<void>;
}

export function placeOf(kernel: Kernel, pf: Bdf | DeviceFolder, files: FileHolder): Place {
  const folder = pf.startsWith("/") ? pf : `${DEVICES}/${pf}`;
  const seen = new Map<string, string>([[lastPart(folder), "$pf"]]);

  const addresses = new Map<string, string>();

  async function vfAddress(index: string): Promise<string | undefined> {
    const link = await kernel.readLink(`${folder}/virtfn${index}`);
    if (!isUnread(link)) {
      addresses.set(index, lastPart(link));
      seen.set(lastPart(link), `$vf${index}`);
    }
    return addresses.get(index);
  }

  async function firstOf(path: string, matching = /./): Promise<string | undefined> {
    const names = await kernel.list(path);
    return isUnread(names) ? undefined : names.find((name) => matching.test(name));
  }

  async function netdevOf(device: string): Promise<string | undefined> {
    // A virtio function's hangs below its virtio device.
    const virtio = await firstOf(device, /^virtio\d+$/);
    return firstOf(virtio === undefined ? `${device}/net` : `${device}/${virtio}/net`);
  }

  async function groupOf(device: string): Promise<string | undefined> {
    const link = await kernel.readLink(`${device}/iommu_group`);
    return isUnread(link) ? undefined : lastPart(link);
  }

  async function meaning(name: string): Promise<string | undefined> {
    const [, kind = "", index = ""] = /^(\D+)(\d*)$/.exec(name) ?? [];
    const address = index === "" ? lastPart(folder) : await vfAddress(index);
    if (address === undefined) return undefined;
    const device = index === "" ? folder : `${DEVICES}/${address}`;
    switch (kind) {
      case "PF":
      case "VF":
        return device;
      case "netdev":
      case "net":
        return netdevOf(device);
      case "nvme":
        return firstOf(`${device}/nvme`);
      case "group":
        return groupOf(device);
      default:
        return address;
    }
  }

  return {
    files,

    async look() {
      const names = await kernel.list(folder);
      if (isUnread(names)) return;
      for (const [, index] of names.map((name) => /^virtfn(\d+)$/.exec(name) ?? [])) if (index) await vfAddress(index);
    },
    async resolve(text) {
      let resolved = text;
      for (const [name, word = ""] of text.matchAll(/\$(PF|pf|netdev|nvme|(?:VF|vf|net|nvme|group)\d+)\b/g)) {
        resolved = resolved.replaceAll(new RegExp(`\\${name}\\b`, "g"), (await meaning(word)) ?? name);
      }
      return resolved;
    },
    named(text) {
      let named = text;
      for (const [bdf, name] of seen) named = named.replaceAll(bdf, name);
      return named;
    },
  };
}

export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
