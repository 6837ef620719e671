import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type AttachmentRecord, RecordFolder } from "./attachment-record.ts";
import { because, CniError } from "./cni-error.ts";
import type { Call, Configuration } from "./configuration.ts";
import { detachRecorded } from "./detach.ts";
import { type Device, readDevice } from "./device.ts";
import { requireUnusedByHost } from "./host-use.ts";
import { type IpWords, type Link, linksIn, mustRunIp, runIp } from "./ip-command.ts";
import { callIpam, type IpamResult } from "./ipam.ts";
import { setAddress } from "./link-address.ts";
import { isNamespace } from "./namespace.ts";
import { runProgram } from "./run-program.ts";
import { withDeviceLock } from "./vf-lock.ts";
import { settingCommands, settingsOf, touchedBefore } from "./vf-settings.ts";

const NO_MAC = "00:00:00:00:00:00";
const NOTIFY_MS = 10_000;
const SCOPE_LINK = 253;

/** What an ADD has made. */
export interface Attached {
  readonly ifname: string;
  readonly mac: string;
  readonly mtu: number | undefined;
  readonly sandbox: string;
  readonly deviceId: string | null;
  readonly ipam: IpamResult;
}

/**
 * ADD: a VF's settings are made, its interface goes into the container's namespace under the name that is asked for, and gets
 * its addresses. Where anything fails all is put back.
 * @throws CniError
 */
export function attach(call: Call, configuration: Configuration): Attached {
  const records = new RecordFolder(configuration.cniDir);
  const name = configuration.deviceId ?? configuration.device ?? "";
  return withDeviceLock(configuration.cniDir, name, () => {
    if (!isNamespace(call.netns)) {
      throw new CniError("invalidEnvironment", `CNI_NETNS is ${call.netns}: there is no such network namespace`);
    }
    if (records.get(call)) {
      throw new CniError(
        "refused",
        `${call.ifname} of container ${call.containerId} was added before, and not deleted`,
      );
    }
    giveUpByTheDead(records, configuration, call.path);
    const device = readDevice(configuration);
    requireUnusedByHost(device);
    const record = recordOf(call, configuration, device);
    // From here on whoever comes next finds what to put back.
    records.put(record);
    let hasAddresses = false;
    try {
      const link = moveIn(record, device);
      const ipam = callIpam("ADD", call, configuration);
      hasAddresses = true;
      if (link !== null) giveAddresses(record, link, ipam);
      if (record.deviceInfoFile !== null) writeDeviceInfo(record.deviceInfoFile, device);
      const { ifname, netns, deviceId } = record;
      const mac = link?.address ?? record.mac ?? administered(device);
      return { ifname, mac, mtu: link?.mtu, sandbox: netns, deviceId, ipam };
    } catch (error) {
      detachRecorded(record, records, call.path, { hasAddresses });
      throw error;
    }
  });
}

/**
 * A VF that another container has is not to be had. One whose container's namespace is gone has been forgotten: what was done
 * for it is undone first, and its DEL, should it come, finds nothing to do.
 */
function giveUpByTheDead(records: RecordFolder, { deviceId, device }: Configuration, path: readonly string[]): void {
  for (const record of records.all()) {
    const isSame =
      deviceId === undefined
        ? record.deviceId === null && record.before?.name === device
        : record.deviceId === deviceId;
    if (!isSame) continue;
    if (isNamespace(record.netns)) {
      throw new CniError(
        "tryAgainLater",
        `${deviceId ?? device} is in use: ${record.ifname} of container ${record.containerId}`,
        `its namespace is ${record.netns}`,
      );
    }
    detachRecorded(record, records, path);
  }
}

function recordOf(
  { containerId, ifname, netns }: Call,
  configuration: Configuration,
  { deviceId, vf, link }: Device,
): AttachmentRecord {
  const { name, settings, mac, deviceInfoFile, ipam, raw } = configuration;
  const change = { ...settings, ...(mac === undefined || vf === null ? {} : { mac }) };
  return {
    format: 1,
    containerId,
    ifname,
    network: name,
    netns,
    deviceId,
    before: link,
    mac: mac ?? null,
    settingsBefore: vf?.info ? touchedBefore(settingsOf(vf.info), change) : {},
    settings: change,
    mtu: configuration.mtu ?? null,
    deviceInfoFile: deviceInfoFile ?? null,
    ipamConfiguration: ipam === undefined ? null : raw,
  };
}

/** @returns the interface in its namespace; null of a VF on vfio-pci */
function moveIn({ before, settings, netns, ifname, mac, mtu }: AttachmentRecord, { vf }: Device): Link | null {
  const host: IpWords[] = vf === null ? [] : [...settingCommands(vf.pfNetdev, vf.vfIndex, settings)];
  // In one call, so that a name of the host that the container has, too, is in nobody's way (`dev_change_net_namespace`).
  if (before !== null) host.push(["link", "set", "dev", before.name, "netns", netns, "name", ifname]);
  if (host.length > 0) mustRunIp(`${before?.name ?? vf?.pfNetdev} cannot be given to the container`, host);
  if (before === null) return null;
  const inside: IpWords[] = mtu === null ? [] : [["link", "set", "dev", ifname, "mtu", mtu]];
  inside.push(["link", "set", "dev", ifname, "up"], ["link", "show", "dev", ifname]);
  const [link] = linksIn(setUp(ifname, mac, inside, netns));
  if (link === undefined) throw new CniError("refused", `${ifname} is not in the container's namespace`);
  return link;
}

/** Most drivers take the address like anything else, and one program is enough. */
function setUp(ifname: string, mac: string | null, commands: readonly IpWords[], netns: string): string {
  if (mac !== null) {
    const answer = runIp([["link", "set", "dev", ifname, "address", mac], ...commands], netns);
    if (answer.ok) return answer.output;
    setAddress(ifname, mac, netns);
  }
  return mustRunIp(`${ifname} cannot be set up in the container`, commands, netns);
}

/** The address that the PF has of a VF without an interface; "" where it has none. */
function administered({ vf }: Device): string {
  const mac = vf?.info?.mac ?? NO_MAC;
  return mac === NO_MAC ? "" : mac.toLowerCase();
}

/** Addresses are told to the neighbours, as sriov-cni does: they may know them by the interface of a container that is gone. */
function giveAddresses({ ifname, netns }: AttachmentRecord, { address: mac }: Link, { ips, routes }: IpamResult): void {
  if (ips.length > 0) announceChanges(ifname, netns);
  const commands: IpWords[] = ips.map(({ address }) => ["address", "add", address, "dev", ifname]);
  const gateway = (isV6: boolean) => ips.find((each) => each.address.includes(":") === isV6)?.gateway;
  for (const route of routes) commands.push(routeCommand(route, ifname, gateway(route.dst.includes(":"))));
  if (commands.length > 0) mustRunIp(`${ifname} cannot be given its addresses`, commands, netns);
  // To the kernel a change of the address even where it is the same (`dev_set_mac_address`, `inetdev_event`). A driver that refuses it
  // leaves it at that; IPv6 addresses are told when they are known to be nobody else's (`addrconf_dad_completed`).
  if (ips.length > 0) runIp([["link", "set", "dev", ifname, "address", mac]], netns);
}

/** Beside a route that the container has to there by another interface, before it, as CNI's own plugins add it (`RouteAddEcmp`). */
function routeCommand(route: IpamResult["routes"][number], ifname: string, gateway: string | undefined): IpWords {
  const { dst, mtu, advmss, priority, table, scope = 0 } = route;
  // What is on the link has none (rtnetlink(7): RT_SCOPE_LINK).
  const gw = route.gw ?? (scope >= SCOPE_LINK ? undefined : gateway);
  return [
    ...["route", "prepend", dst, ...(gw === undefined ? [] : ["via", gw]), "dev", ifname],
    ...(table ? ["table", table] : []),
    ...(scope ? ["scope", scope] : []),
    ...(priority ? ["metric", priority] : []),
    ...(mtu ? ["mtu", mtu] : []),
    ...(advmss ? ["advmss", advmss] : []),
  ];
}

/**
 * Has the kernel tell the neighbours of each address that comes, and when the interface's own changes. In namespaces without IPv6, or
 * where /proc/sys is read-only, what cannot be written is left: the container has its addresses all the same.
 */
function announceChanges(ifname: string, netns: string): void {
  const files = [`/proc/sys/net/ipv4/conf/${ifname}/arp_notify`, `/proc/sys/net/ipv6/conf/${ifname}/ndisc_notify`];
  runProgram("nsenter", [`--net=${netns}`, "tee", ...files], { input: "1\n", timeout: NOTIFY_MS, maxBuffer: 65_536 });
}

/** Network Plumbing Working Group, Device Information Specification 1.1.0. */
function writeDeviceInfo(path: string, { deviceId, vf }: Device): void {
  if (deviceId === null) return;
  mkdirSync(dirname(path), { recursive: true });
  const info = {
    type: "pci",
    version: "1.1.0",
    pci: { "pci-address": deviceId, ...(vf === null ? {} : { "pf-pci-address": vf.pf }) },
  };
  try {
    writeFileSync(path, JSON.stringify(info), { mode: 0o644 });
  } catch (error) {
    rmSync(path, { force: true });
    throw because("io", `${path} cannot be written`, error);
  }
}
