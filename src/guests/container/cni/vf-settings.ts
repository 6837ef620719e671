import { type VfInfo, vfInfosOf } from "../../../kernel/port-vf-info.ts";
import type { VfSettings } from "./configuration.ts";
import type { IpWords, Link } from "./ip-command.ts";

/** Settings by the PF, with the MAC address that it administers. */
export type AllSettings = VfSettings & { readonly mac?: string };

/** Commands that make a VF's settings so, in an order in which each is allowed: trust before an address of the VF's own. */
export function settingCommands(pfNetdev: string, vf: number, settings: AllSettings): readonly IpWords[] {
  const { mac, vlan, vlanQoS = 0, vlanProto, minTxRate, maxTxRate, spoofchk, trust, linkState } = settings;
  const set = (...words: IpWords) => ["link", "set", "dev", pfNetdev, "vf", vf, ...words];
  const commands: IpWords[] = [];
  if (trust !== undefined) commands.push(set("trust", trust));
  if (vlan !== undefined) {
    // A protocol that is not named is not sent: some drivers refuse even 802.1Q by its name.
    const proto = vlanProto === undefined || vlanProto === "802.1q" ? [] : ["proto", vlanProto];
    commands.push(set("vlan", vlan, "qos", vlanQoS, ...proto));
  }
  // The kernel's call has both rates: in one command, as ip would check each alone against the other as it was.
  const rates: IpWords = [
    ...(maxTxRate === undefined ? [] : ["max_tx_rate", maxTxRate]),
    ...(minTxRate === undefined ? [] : ["min_tx_rate", minTxRate]),
  ];
  if (rates.length > 0) commands.push(set(...rates));
  if (spoofchk !== undefined) commands.push(set("spoofchk", spoofchk));
  if (linkState !== undefined) commands.push(set("state", linkState));
  if (mac !== undefined) commands.push(set("mac", mac));
  return commands;
}

/** What the link of a PF shows of a VF; undefined where it shows none. */
export function vfInfoOf(pf: Link, vfIndex: number): VfInfo | undefined {
  return vfInfosOf({ ...pf })?.find((each) => each.vfIndex === vfIndex);
}

/** What the PF shows of a VF, in these words. */
export function settingsOf(info: VfInfo): AllSettings {
  const { mac, vlan, qos, vlanProtocol, minTxRateMbps, maxTxRateMbps, spoofCheck, trust, linkState } = info;
  const onOff = (value: boolean | null) => (value === null ? undefined : value ? "on" : "off");
  const protocol = vlanProtocol?.toLowerCase();
  const state = linkState === "disable" || linkState === "enable" ? linkState : "auto";
  const all = {
    mac: mac ?? undefined,
    vlan: vlan ?? 0,
    vlanQoS: qos ?? 0,
    vlanProto: protocol === "802.1ad" ? protocol : "802.1q",
    minTxRate: minTxRateMbps ?? 0,
    maxTxRate: maxTxRateMbps ?? 0,
    spoofchk: onOff(spoofCheck),
    trust: onOff(trust),
    linkState: linkState === null ? undefined : state,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Of what there was, that which a change touches: only it is put back. */
export function touchedBefore(before: AllSettings, change: AllSettings): AllSettings {
  const keys = new Set(Object.keys(change));
  if (keys.has("vlan")) for (const key of ["vlanQoS", "vlanProto"]) keys.add(key);
  return Object.fromEntries(Object.entries(before).filter(([key]) => keys.has(key)));
}

/** Settings that are not as they are to be, for a person; `0` of a QoS that nobody named is as it is to be. */
export function differences(now: AllSettings, wanted: AllSettings): readonly string[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    const shown = now[key as keyof AllSettings];
    return shown === value ? [] : [`${key} is ${String(shown)}, and was set to ${String(value)}`];
  });
}
