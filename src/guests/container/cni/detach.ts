import { rmSync } from "node:fs";
import type { AttachmentRecord, LinkBefore, RecordFolder } from "./attachment-record.ts";
import { CniError } from "./cni-error.ts";
import { netdevOf, pfNetdevOf } from "./device.ts";
import { type IpWords, runIp, showLink } from "./ip-command.ts";
import { callIpam } from "./ipam.ts";
import { setAddress } from "./link-address.ts";
import { isNamespace } from "./namespace.ts";
import { settingCommands } from "./vf-settings.ts";
import { wait } from "./wait.ts";

/** The kernel gives interfaces of a namespace that ends back in its own time (`cleanup_net`). */
const RETURN_MS = 10_000;
const POLL_MS = 20;

/**
 * Undoes what a record tells, however much of it was done: addresses, the interface's place, name, MAC address and MTU, the VF's
 * settings. The record goes last. Its device's lock must be held.
 * @param hasAddresses false where the IPAM plugin has given nothing: what it says to a DEL is of no matter
 * @throws CniError where something could not be put back; the record stays, and the next DEL or GC tries again
 */
export function detachRecorded(
  record: AttachmentRecord,
  records: RecordFolder,
  path: readonly string[],
  { hasAddresses = true }: { readonly hasAddresses?: boolean } = {},
): void {
  let failure: unknown;
  try {
    // First, as dhcp gives its lease back through the interface.
    giveAddressesBack(record, path);
  } catch (error) {
    if (hasAddresses || !(error instanceof CniError)) failure = error;
  }
  putBack(record);
  if (failure !== undefined) throw failure;
  records.remove(record);
}

function giveAddressesBack(record: AttachmentRecord, path: readonly string[]): void {
  const { containerId, ifname, netns, ipamConfiguration } = record;
  if (ipamConfiguration === null) return;
  const ipam = ipamConfiguration.ipam as { readonly type: string };
  callIpam("DEL", { containerId, ifname, netns, path }, { ipam, raw: ipamConfiguration });
}

function putBack(record: AttachmentRecord): void {
  const { before, deviceInfoFile } = record;
  const name = before === null ? undefined : moveBack(record, before);
  restoreSettings(record);
  if (before !== null && name !== undefined) restoreLink(name, record, before);
  if (deviceInfoFile !== null) rmSync(deviceInfoFile, { force: true });
}

/**
 * @returns the interface's name in the host's namespace; undefined where nothing more is to be put back: it is as it was, or it is
 * not there, as a veth ends with its namespace, a VF with its PF
 */
function moveBack(record: AttachmentRecord, before: LinkBefore): string | undefined {
  const { netns } = record;
  const inside = isNamespace(netns) ? nameInside(record, before) : undefined;
  if (inside !== undefined) {
    // In one message, of which the kernel does the move first (`do_setlink`).
    const isWhole = !isSetOtherwise(record, before);
    const rest = isWhole ? linkWords(before) : [];
    const back = (name: string): IpWords[] => [
      ["link", "set", "dev", inside, "down"],
      ["link", "set", "dev", inside, "netns", hostNamespace(), "name", name, ...rest],
    ];
    const answer = runIp(back(before.name), netns);
    if (answer.ok) return isWhole ? undefined : before.name;
    // Its old name may be another's by now: it keeps one of its own, which udev may change.
    if (nameInside(record, before) !== undefined) {
      const again = runIp(back(spareName(record)), netns);
      if (!again.ok) throw new CniError("refused", `${inside} cannot be taken back`, answer.words);
    }
  }
  return returned(record, before);
}

/** What the interface was before, once the PF's settings are: a VF takes its address from them. */
function restoreLink(name: string, { mac }: AttachmentRecord, before: LinkBefore): void {
  const rename: readonly IpWords[] = [
    ["link", "set", "dev", name, "down"],
    ["link", "set", "dev", name, "name", before.name],
  ];
  // Where its old name is another's, it keeps the one that it has.
  const now = name === before.name || runIp(rename).ok ? before.name : name;
  if (mac !== null && mac !== before.mac) setAddress(now, before.mac);
  const answer = runIp([["link", "set", "dev", now, ...linkWords(before)]]);
  if (!answer.ok) throw new CniError("refused", `${now} cannot be made what it was`, answer.words);
}

/** Whether it has, or gets from its PF, an address that it had not: that is put back before it is up. */
function isSetOtherwise({ mac, settingsBefore }: AttachmentRecord, before: LinkBefore): boolean {
  return (mac !== null && mac !== before.mac) || Object.keys(settingsBefore).length > 0;
}

function linkWords({ mtu, up }: LinkBefore): IpWords {
  return ["mtu", mtu, up ? "up" : "down"];
}

/**
 * Our interface's name in the namespace; undefined where it is not there. The kernel moves first and renames then (`do_setlink`):
 * where the name was taken, ours is there by its old one, and what has the name is another's.
 */
function nameInside(
  { netns, ifname, deviceId, mac }: AttachmentRecord,
  before: Pick<LinkBefore, "name" | "mac">,
): string | undefined {
  for (const name of new Set([ifname, before.name])) {
    const { link } = showLink("link", name, netns);
    if (link === undefined) continue;
    const isOurs =
      deviceId !== null && link.parentdev !== undefined
        ? link.parentdev === deviceId
        : link.address === before.mac || link.address === mac;
    if (isOurs) return name;
  }
  return undefined;
}

/** The interface's name in the host's namespace; undefined where it is not there. */
function returned(
  { deviceId, netns, mac }: AttachmentRecord,
  before: Pick<LinkBefore, "name" | "mac">,
): string | undefined {
  if (deviceId === null) {
    const shown = showLink("link", before.name).link?.address;
    // Another of that name may have been made since.
    return shown !== undefined && (shown === before.mac || shown === mac) ? before.name : undefined;
  }
  const end = performance.now() + RETURN_MS;
  for (;;) {
    const name = netdevOf(deviceId);
    if (name !== undefined || performance.now() > end || isNamespace(netns) || pfNetdevOf(deviceId) === undefined)
      return name;
    wait(POLL_MS);
  }
}

function restoreSettings({ deviceId, settingsBefore }: AttachmentRecord): void {
  if (deviceId === null) return;
  const place = pfNetdevOf(deviceId);
  if (place === undefined) return;
  const commands = settingCommands(place.pfNetdev, place.vfIndex, settingsBefore);
  if (commands.length === 0) return;
  const answer = runIp(commands);
  if (!answer.ok) throw new CniError("refused", `settings of ${deviceId} cannot be put back`, answer.words);
}

/** Of this process, which stays in it while ip(8) goes elsewhere. */
function hostNamespace(): string {
  return `/proc/${process.pid}/ns/net`;
}

function spareName({ deviceId, before }: AttachmentRecord): string {
  return deviceId === null ? `${before?.name.slice(0, 12)}_vf` : `vf${deviceId.replaceAll(/[:.]/g, "")}`;
}
