import { isUnread, known } from "../../kernel/port.ts";
import type { VfChange } from "../../kernel/port-link.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";
import type { DesiredVfNetwork } from "../desired/desired-pf.ts";
import { ZERO_MAC } from "../desired/mac-addresses.ts";
import { formatVfs } from "../desired/vf-range.ts";
import { isVfioDriver, type PfDriver, type VfSetting } from "../drivers.ts";
import type { VfState } from "../state/host-state.ts";
import { type PfDraft, type PlannedVf, required } from "./pf-draft.ts";
import { planLinkForRates } from "./plan-pf-link.ts";
import type { VfSettingChange } from "./step.ts";
import { requireUnused } from "./vf-use.ts";

/**
 * What every driver has of a VF that was just made; the spoof check is on with some and off with others. Setting what is so
 * already would ask drivers for what they may not have.
 */
const NEW_VF: DesiredVfNetwork = {
  mac: ZERO_MAC,
  vlan: 0,
  qos: 0,
  vlanProtocol: "802.1Q",
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  trust: false,
  linkState: "auto",
  queryRss: false,
};

const NAMES: Readonly<Record<VfSetting, string>> = {
  mac: "a MAC address",
  vlan: "a VLAN",
  minTxRateMbps: "a minimum rate",
  maxTxRateMbps: "a maximum rate",
  spoofCheck: "spoof check",
  trust: "trust",
  linkState: "a link state",
  queryRss: "RSS queries",
  nodeGuid: "a node GUID",
  portGuid: "a port GUID",
};

/** What a VF has that a driver has just made; its spoof check where that is known. */
export function newVfNetwork({ takes, spoofCheckOff }: PfDriver): DesiredVfNetwork {
  return takes?.includes("spoofCheck") ? { ...NEW_VF, spoofCheck: spoofCheckOff !== true } : NEW_VF;
}

/** What the kernel sets it with. */
export function settingOf(name: keyof DesiredVfNetwork): VfSetting {
  return name === "qos" || name === "vlanProtocol" ? "vlan" : name;
}

/** Settings of VFs that differ, in one call for all VFs of the PF. */
export function planNetwork(draft: PfDraft): void {
  const changes: VfSettingChange[] = [];
  for (const vf of draft.plannedVfs()) {
    const wanted = vf.wanted?.network;
    if (wanted === undefined) continue;
    const change = changeOf(draft, vf, wanted);
    if (change === undefined) continue;
    changes.push(change);
    tellWhoNotices(draft, vf, change);
  }
  noteHiddenMacs(draft);
  if (changes.length === 0 || !requireNetdev(draft)) return;
  if (changes.some(({ to }) => to.txRateMbps !== undefined) && !planLinkForRates(draft)) return;
  draft.add("network", { kind: "setVfNetwork", pf: draft.pf.bdf, changes });
}

/** Settings of VFs go by the PF's interface. */
function requireNetdev(draft: PfDraft): boolean {
  const netdevs = required(draft, "the PF's network interface", draft.pf.netdevs);
  if (netdevs?.length !== 0) return netdevs !== undefined;
  draft.refuse({
    code: "VFL-0213",
    summary: "settings of its VFs' network are wanted, and it has no network interface here",
    evidence: [{ fact: `driver ${String(draft.pf.driver)}` }],
    remedy: "leave network out for VFs of this PF, or bring its interface back to this network namespace",
  });
  return false;
}

function changeOf(draft: PfDraft, { vfIndex, now }: PlannedVf, wish: DesiredVfNetwork): VfSettingChange | undefined {
  if (now !== undefined && isUnread(now.settings)) {
    draft.refuseUnread(`the settings of VF ${vfIndex}`, now.settings, vfIndex);
    return undefined;
  }
  const told = now === undefined ? undefined : (now.settings as VfInfo | null);
  const current = told === undefined ? NEW_VF : told === null ? {} : settingsOf(told);
  const wanted = withoutTag(wish);
  const different = Object.keys(wanted).filter((key) => {
    const name = key as keyof DesiredVfNetwork;
    if (name === "mac" && now !== undefined && hidesMac(draft, now, wanted)) return false;
    return wanted[name] !== undefined && !isEqual(wanted[name], current[name]);
  }) as (keyof DesiredVfNetwork)[];
  if (different.length === 0) return undefined;
  if (!requireTaken(draft, vfIndex, different, told, wanted)) return undefined;
  const to = vfChange(vfIndex, different, wanted, current);
  if (!requireSense(draft, to)) return undefined;
  // No address administered is not something that igb tells: it shows the one that the VF chose.
  const from = Object.fromEntries(different.map((name) => [name, current[name] ?? null]));
  return { from, to };
}

/** Who wants no VLAN wants no tag: a priority that is left alone would be on the wire in one of VLAN 0. */
function withoutTag(wanted: DesiredVfNetwork): DesiredVfNetwork {
  return wanted.vlan === 0 && wanted.qos === undefined ? { ...wanted, qos: 0 } : wanted;
}

/** By the names of what is wanted, without what the driver did not tell. */
export function settingsOf(info: VfInfo): DesiredVfNetwork {
  const { vfIndex: _, counters: __, qos, vlan, vlanProtocol, ...rest } = info;
  // Of no tag there is no protocol, whatever the driver shows.
  const protocol = (vlan === 0 && !qos ? null : vlanProtocol) ?? "802.1Q";
  const vlans = vlan === null ? {} : { vlan, qos: qos ?? 0, vlanProtocol: protocol };
  const told = Object.entries({ ...rest, ...vlans }).filter(([, value]) => value !== null);
  return Object.fromEntries(told) as DesiredVfNetwork;
}

function isEqual(wanted: unknown, current: unknown): boolean {
  return typeof wanted === "string" && typeof current === "string"
    ? wanted.toLowerCase() === current.toLowerCase()
    : wanted === current;
}

/**
 * An address of all zeros lets the VF choose, and most drivers show what its driver chose, as they do one that was administered.
 * @returns whether nobody can tell if an administered one is there to be taken away
 */
function hidesMac({ quirks }: PfDraft, now: VfState, { mac }: DesiredVfNetwork): boolean {
  if (mac !== ZERO_MAC || quirks.showsAdminMac || now.driver === null) return false;
  const shown = known(now.settings)?.mac ?? ZERO_MAC;
  return shown !== ZERO_MAC;
}

function noteHiddenMacs(draft: PfDraft): void {
  const hidden = draft
    .plannedVfs()
    .filter(({ now, wanted }) => now !== undefined && hidesMac(draft, now, wanted?.network ?? {}))
    .map(({ vfIndex }) => vfIndex);
  if (hidden.length === 0) return;
  draft.warn({
    code: "VFL-0222",
    summary: `VF ${formatVfs(hidden)} may choose a MAC address, and ${String(draft.pf.driver)} does not tell one that was administered from one that was chosen: it stays`,
    evidence: [],
    remedy: "make the VF as new with: vfleet reset; or unbind it first",
  });
}

/** Whether the driver has such settings: by what it tells of a VF that is there, else by what is known of the driver. */
function requireTaken(
  draft: PfDraft,
  vfIndex: number,
  different: readonly (keyof DesiredVfNetwork)[],
  told: VfInfo | null | undefined,
  wanted: DesiredVfNetwork,
): boolean {
  const { takes, takesServiceVlan } = draft.quirks;
  const driver = String(draft.pf.driver);
  const missing = new Set<VfSetting>();
  for (const name of different) {
    const setting = settingOf(name);
    const isTold =
      told === undefined || (told !== null && (told[name] !== null || name === "qos" || name === "vlanProtocol"));
    // Kernels show GUIDs only where there are some.
    const shown = isTold || setting === "nodeGuid" || setting === "portGuid";
    if (!shown || (takes !== undefined && !takes.includes(setting))) missing.add(setting);
  }
  if (missing.size > 0) {
    draft.refuse({
      code: "VFL-0213",
      vfIndex,
      summary: `${driver} takes no ${[...missing].map((name) => NAMES[name].replace(/^an? /, "")).join(", no ")} of its VFs`,
      evidence:
        told === null
          ? [{ fact: "its interface tells nothing of VFs", from: "ip -details link show" }]
          : [{ fact: `what ${driver} has for its VFs: ${takes?.join(", ") || "nothing"}` }],
      remedy: `leave out ${[...missing].join(", ")} for VFs of this PF`,
    });
    return false;
  }
  if (wanted.vlanProtocol === "802.1ad" && takes !== undefined && takesServiceVlan === undefined) {
    draft.refuse({
      code: "VFL-0213",
      vfIndex,
      summary: `${driver} takes VLANs of 802.1Q only for its VFs`,
      evidence: [],
      remedy: "leave vlan protocol out, or use 802.1Q",
    });
    return false;
  }
  return true;
}

/** What would be taken, or refused with no more than EINVAL, and makes no sense. */
function requireSense(draft: PfDraft, { vfIndex, vlan, txRateMbps: rate }: VfChange): boolean {
  // `do_setvfinfo` takes both at once, also where one of them is what is there.
  if (rate?.min !== undefined && rate.max !== 0 && rate.min > rate.max) {
    draft.refuse({
      code: "VFL-0213",
      vfIndex,
      summary: `VF ${vfIndex} would have a minimum rate of ${rate.min} Mbit/s above its maximum of ${rate.max}`,
      evidence: [],
      remedy: "say maxTxRateMbps and minTxRateMbps together; 0 is no limit",
    });
    return false;
  }
  if (vlan?.protocol === "802.1ad" && vlan.id === 0 && !vlan.qos) {
    draft.refuse({
      code: "VFL-0213",
      vfIndex,
      summary: `VF ${vfIndex} is to have a tag of 802.1ad, and no VLAN`,
      evidence: [],
      remedy: "say vlan as well, or leave protocol out",
    });
    return false;
  }
  return true;
}

/** As the kernel wants it: a VLAN as a whole, both rates at once. */
function vfChange(
  vfIndex: number,
  different: readonly (keyof DesiredVfNetwork)[],
  wanted: DesiredVfNetwork,
  current: DesiredVfNetwork,
): VfChange {
  const has = (...names: (keyof DesiredVfNetwork)[]) => names.some((name) => different.includes(name));
  const of = <Name extends keyof DesiredVfNetwork>(name: Name) => wanted[name] ?? current[name];
  const plain = different.filter(
    (name) => !["vlan", "qos", "vlanProtocol", "minTxRateMbps", "maxTxRateMbps"].includes(name),
  );
  const min = of("minTxRateMbps");
  const id = of("vlan") ?? 0;
  const qos = of("qos") ?? 0;
  // Of no tag there is no protocol to keep.
  const protocol = (id === 0 && qos === 0 ? wanted.vlanProtocol : of("vlanProtocol")) ?? "802.1Q";
  return {
    vfIndex,
    ...Object.fromEntries(plain.map((name) => [name, wanted[name]])),
    ...(has("vlan", "qos", "vlanProtocol") ? { vlan: { id, qos, protocol } } : {}),
    ...(has("minTxRateMbps", "maxTxRateMbps")
      ? {
          txRateMbps: {
            max: of("maxTxRateMbps") ?? 0,
            ...(min === undefined || (min === 0 && !has("minTxRateMbps")) ? {} : { min }),
          },
        }
      : {}),
  };
}

/** A change of a VF that is in use is made all the same, where it takes nothing away; its users are named. */
function tellWhoNotices(draft: PfDraft, { vfIndex, now }: PlannedVf, { to }: VfSettingChange): void {
  if (now === undefined) return;
  if (to.mac !== undefined && draft.quirks.macNeedsRebind) planNewMac(draft, now, to.mac);
  const { vfIndex: _, ...settings } = to;
  const how = `its ${Object.keys(settings).join(", ")} ${Object.keys(settings).length === 1 ? "changes" : "change"}`;
  for (const user of now.users.users) draft.affected.push({ vfIndex, user, how });
}

/**
 * "Reload the VF driver to make this change effective" (`igb_ndo_set_vf_mac`): a driver on this host is bound anew, which takes
 * its interface away for a moment. A guest's driver is the guest's.
 */
function planNewMac(draft: PfDraft, vf: VfState, mac: string): void {
  const { vfIndex } = vf;
  if (vf.driver === null) return;
  const netdevs = isUnread(vf.netdevs) ? [] : vf.netdevs;
  const shown = netdevs.every((netdev) => netdev.mac === mac);
  if (netdevs.length > 0 && shown) return;
  const byGuest = vf.users.users.some(({ kind }) => kind === "vfio");
  if (byGuest) {
    draft.warn({
      code: "VFL-0222",
      vfIndex,
      summary: `the guest sees the MAC address ${mac} of VF ${vfIndex} when its driver is loaded anew`,
      evidence: vf.users.users.map(({ evidence }) => ({ fact: evidence })),
      remedy: "restart the guest, or reload the driver in it",
    });
    return;
  }
  if (isVfioDriver(vf.driver)) return;
  if (requireUnused(draft, [vf], "its driver must be bound anew to see its MAC address")) draft.released.add(vfIndex);
}
