import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { VfInfo } from "../../../kernel/port-vf-info.ts";
import type { LinkBefore } from "./attachment-record.ts";
import { CniError } from "./cni-error.ts";
import type { Configuration } from "./configuration.ts";
import { linksIn, mustRunIp, showLink } from "./ip-command.ts";
import { sysfsLink } from "./sysfs-link.ts";
import { vfInfoOf } from "./vf-settings.ts";

/** Where a VF's settings are made. */
export interface PfPlace {
  readonly pf: string;
  readonly pfNetdev: string;
  readonly vfIndex: number;
}

/** What is given to a container: a VF, or an interface that is none. */
export interface Device {
  /** null of an interface that is no VF. */
  readonly deviceId: string | null;
  readonly vf: VfPlace | null;
  /** null of a VF on vfio-pci: only its settings are made. */
  readonly link: LinkBefore | null;
}

interface VfPlace extends PfPlace {
  /** What the PF has set of it; null where none of that is to be changed or told, so that it was not read. */
  readonly info: VfInfo | null;
}

const DEVICES = "/sys/bus/pci/devices";
const USERSPACE_DRIVERS: readonly string[] = ["vfio-pci", "uio_pci_generic", "igb_uio"];

type Wanted = Pick<Configuration, "deviceId" | "device" | "settings" | "mac">;

/** @throws CniError where there is no such device, or it is no VF */
export function readDevice({ deviceId, device, settings, mac }: Wanted): Device {
  if (device !== undefined) return { deviceId: null, vf: null, link: linkNow(device) };
  const bdf = deviceId ?? "";
  const folder = `${DEVICES}/${bdf}`;
  if (!existsSync(folder)) throw new CniError("invalidConfig", `deviceID: there is no device ${bdf}`);
  const pf = linkName(`${folder}/physfn`);
  if (pf === undefined) throw new CniError("invalidConfig", `deviceID: ${bdf} is no VF`);
  const place = pfNetdevOf(bdf);
  if (place === undefined) {
    throw new CniError("invalidConfig", `deviceID: the PF ${pf} of ${bdf} has no network interface here`);
  }
  const { pfNetdev, vfIndex } = place;
  const driver = linkName(`${folder}/driver`);
  const netdev = netdevOf(bdf);
  if (netdev === undefined && (driver === undefined || !isForPrograms(driver))) {
    const why = driver === undefined ? "it has no driver" : `its driver ${driver} has made none`;
    throw new CniError(
      "invalidConfig",
      `deviceID: ${bdf} has no network interface here`,
      `${why}, or another namespace has it`,
    );
  }
  // A VF without an interface has no other address to be told than the PF's of it.
  const isSet = mac !== undefined || Object.keys(settings).length > 0 || netdev === undefined;
  const info = isSet ? shownInfo(pfNetdev, vfIndex) : null;
  const link = netdev === undefined ? null : linkNow(netdev);
  return { deviceId: bdf, vf: { ...place, info }, link };
}

function shownInfo(pfNetdev: string, vfIndex: number): VfInfo {
  const [pfLink] = linksIn(mustRunIp(`${pfNetdev} cannot be read`, [["link", "show", "dev", pfNetdev]]));
  const info = pfLink && vfInfoOf(pfLink, vfIndex);
  if (info === undefined) throw new CniError("invalidConfig", `${pfNetdev} shows no VF ${vfIndex}`);
  return info;
}

function linkNow(name: string): LinkBefore {
  return sysfsLink(name) ?? shownLink(name);
}

function shownLink(name: string): LinkBefore {
  const { link, words } = showLink("link", name);
  if (link === undefined) throw new CniError("invalidConfig", `device: there is no interface ${name}`, words);
  return { name: link.ifname, mac: link.address, mtu: link.mtu, up: link.flags.includes("UP") };
}

/** The interface of a function in the host's namespace. */
export function netdevOf(bdf: string): string | undefined {
  return list(`${DEVICES}/${bdf}/net`)[0];
}

/** Whether a VF is there, on a driver that is not for programs: one that makes an interface. */
export function isBoundToNetDriver(bdf: string): boolean {
  const driver = linkName(`${DEVICES}/${bdf}/driver`);
  return driver !== undefined && !isForPrograms(driver);
}

function isForPrograms(driver: string): boolean {
  return USERSPACE_DRIVERS.includes(driver) || driver.includes("vfio");
}

/** Of a PF, as it is called now; undefined where it is gone. */
export function pfNetdevOf(bdf: string): PfPlace | undefined {
  const pf = linkName(`${DEVICES}/${bdf}/physfn`);
  if (pf === undefined) return undefined;
  const vfIndex = vfIndexOf(pf, bdf);
  const pfNetdev = netdevOf(pf);
  return vfIndex === undefined || pfNetdev === undefined ? undefined : { pf, pfNetdev, vfIndex };
}

function vfIndexOf(pf: string, bdf: string): number | undefined {
  for (const name of list(`${DEVICES}/${pf}`)) {
    const index = /^virtfn(\d+)$/.exec(name)?.[1];
    if (index !== undefined && linkName(`${DEVICES}/${pf}/${name}`) === bdf) return Number(index);
  }
  return undefined;
}

function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
