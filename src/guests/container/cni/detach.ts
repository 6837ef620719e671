import { rmSync } from "node:fs";
import type { AttachmentRecord, LinkBefore, RecordFolder } from "./attachment-record.ts";
import { CniError } from "./cni-error.ts";
import { isBoundToNetDriver, netdevOf, pfNetdevOf } from "./device.ts";
import { type IpWords, type Link, linksIn, runIp, showLink } from "./ip-command.ts";
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
  if (before !== null && name !== undefined) restoreLink(name, before);
  if (deviceInfoFile !== null) rmSync(deviceInfoFile, { force: true });
}

/**
 * @returns the interface's name in the host's namespace; undefined where nothing more is to be put back: it is as it was, or it is
 * not there, as a veth ends with its namespace, a VF with its PF
 * @throws CniError where a VF's interface is neither in the container's namespace nor in the host's
 */
function moveBack(record: AttachmentRecord, before: LinkBefore): string | undefined {
  const { netns } = record;
  const inside = isNamespace(netns) ? linkInside(record, before) : undefined;
  if (inside !== undefined) {
    // In one message, of which the kernel does the move first (`do_setlink`).
    const isWhole = inside.address === before.mac && Object.keys(record.settingsBefore).length === 0;
    const rest = isWhole ? linkWords(before) : [];
    const back = (name: string): IpWords[] => [
      ["link", "set", "dev", inside.ifname, "down"],
      ["link", "set", "dev", inside.ifname, "netns", hostNamespace(), "name", name, ...rest],
    ];
    const answer = runIp(back(before.name), netns);
    if (answer.ok) return isWhole ? undefined : before.name;
    // Its old name may be another's by now: it keeps one of its own, which udev may change.
    if (linkInside(record, before) !== undefined) {
      const again = runIp(back(spareName(record)), netns);
      if (!again.ok) throw new CniError("refused", `${inside.ifname} cannot be taken back`, again.words);
    }
  }
  return returned(record, before);
}

/** What the interface was before, once the PF's settings are: a VF takes its address from them. */
function restoreLink(name: string, before: LinkBefore): void {
  const rename: readonly IpWords[] = [
    ["link", "set", "dev", name, "down"],
    ["link", "set", "dev", name, "name", before.name],
  ];
  // Where its old name is another's, it keeps the one that it has.
  const now = name === before.name || runIp(rename).ok ? before.name : name;
  // The container may have changed it, too.
  if (showLink("link", now).link?.address !== before.mac) setAddress(now, before.mac);
  const answer = runIp([["link", "set", "dev", now, ...linkWords(before)]]);
  if (!answer.ok) throw new CniError("refused", `${now} cannot be made what it was`, answer.words);
}

function linkWords({ mtu, up }: LinkBefore): IpWords {
  return ["mtu", mtu, up ? "up" : "down"];
}

/**
 * Our interface in the namespace, however it is called there: a container may have renamed it, or given it another address. A VF's is
 * known by its function (IFLA_PARENT_DEV_NAME, since Linux 5.14), any other by the address that it had or was given, where that is no
 * other's: a VLAN's interface has that of the one below it.
 * @returns undefined where it is not there
 */
function linkInside({ netns, ifname, deviceId, mac }: AttachmentRecord, before: LinkBefore): Link | undefined {
  const answer = runIp([["link", "show"]], netns);
  const links = answer.ok ? linksIn(answer.output) : [];
  const byFunction = links.find(({ parentdev }) => deviceId !== null && parentdev === deviceId);
  if (byFunction !== undefined) return byFunction;
  const ours = links.filter(
    ({ address, parentdev }) =>
      (address === before.mac || address === mac) && (deviceId === null || parentdev === undefined),
  );
  const byName = [ifname, before.name].flatMap((name) => ours.find((link) => link.ifname === name) ?? []);
  const alone = ours.filter(({ link }) => link === undefined);
  return byName[0] ?? (alone.length === 1 ? alone[0] : undefined);
}

/**
 * The interface's name in the host's namespace; undefined where it is not there.
 * @throws CniError 11 of a VF whose driver has made an interface, which the host has not: then some namespace has it still
 */
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
    if (name !== undefined || !isBoundToNetDriver(deviceId)) return name;
    if (performance.now() > end || isNamespace(netns)) {
      const where = isNamespace(netns)
        ? `neither in ${netns} nor in the host's namespace`
        : "in a namespace that some process keeps";
      throw new CniError(
        "tryAgainLater",
        `the interface of ${deviceId} is ${where}`,
        "give it back to the host, and delete again",
      );
    }
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
