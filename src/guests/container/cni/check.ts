import { type AttachmentRecord, RecordFolder } from "./attachment-record.ts";
import { CniError } from "./cni-error.ts";
import type { Call, Configuration } from "./configuration.ts";
import { pfNetdevOf } from "./device.ts";
import { type Link, showLink } from "./ip-command.ts";
import { callIpam } from "./ipam.ts";
import { differences, settingsOf, vfInfoOf } from "./vf-settings.ts";

/**
 * CHECK: whether all is as ADD left it: the interface in its namespace, up, with its MAC address and addresses, the VF's
 * settings at the PF, and what the IPAM plugin says.
 * @throws CniError 101 with all that differs
 */
export function check(call: Call, configuration: Configuration): void {
  const record = new RecordFolder(configuration.cniDir).get(call);
  if (record === undefined) {
    throw new CniError("unknownContainer", `${call.ifname} was never added to container ${call.containerId}`);
  }
  const found = [
    ...(record.before === null ? [] : interfaceDifferences(record, configuration)),
    ...settingDifferences(record),
  ];
  if (found.length > 0) {
    throw new CniError(
      "differs",
      `${call.ifname} of container ${call.containerId} is not as it was left`,
      found.join("; "),
    );
  }
  callIpam("CHECK", call, configuration);
}

function interfaceDifferences(
  { netns, ifname, deviceId, mac, before }: AttachmentRecord,
  { prevResult }: Configuration,
) {
  const { link, words } = showLink("address", ifname, netns);
  if (link === undefined) return [`${ifname} is not in ${netns}${words && `: ${words}`}`];
  const found: string[] = [];
  if (deviceId !== null && link.parentdev !== undefined && link.parentdev !== deviceId) {
    found.push(`${ifname} belongs to ${link.parentdev}, and is to be ${deviceId}`);
  }
  const wanted = mac ?? before?.mac;
  if (wanted !== undefined && link.address !== wanted)
    found.push(`its MAC address is ${link.address}, and was ${wanted}`);
  if (!link.flags.includes("UP")) found.push(`${ifname} is down`);
  const has = new Set(addressesOf(link));
  for (const address of resultAddresses(prevResult))
    if (!has.has(address)) found.push(`${ifname} has not the address ${address}`);
  return found;
}

function settingDifferences({ deviceId, settings }: AttachmentRecord): readonly string[] {
  if (deviceId === null || Object.keys(settings).length === 0) return [];
  const place = pfNetdevOf(deviceId);
  if (place === undefined) return [`${deviceId} is no VF any more`];
  const { link } = showLink("link", place.pfNetdev);
  const info = link && vfInfoOf(link, place.vfIndex);
  if (info === undefined) return [`${place.pfNetdev} shows no VF ${place.vfIndex}`];
  return differences(settingsOf(info), settings);
}

function addressesOf({ addr_info = [] }: Link): readonly string[] {
  return addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** Addresses that the result of the ADD had. */
function resultAddresses(prevResult: Configuration["prevResult"]): readonly string[] {
  const { ips } = (prevResult ?? {}) as { readonly ips?: unknown };
  if (!Array.isArray(ips)) return [];
  return ips.flatMap(({ address }: { readonly address?: unknown }) => (typeof address === "string" ? [address] : []));
}
