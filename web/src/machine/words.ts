import type { VirtualFunctionObject } from "../api/objects.ts";
import type { PfObject } from "../panel/chosen.ts";
import { type HolderBox, isBar, type MachinePlan, type PfBar, type TreeNode } from "./machine-plan.ts";
import { dropsOf } from "./machine-rates.ts";
import { bitRate } from "./rate-words.ts";
import type { Rate } from "./traffic.ts";
import { holderOf, vfProblems, vfStateOf } from "./vf-state.ts";

/** What a VF, or several, receive and send; undefined where nothing is counted. */
function rateWords(rate: Rate | undefined): string | undefined {
  if (rate === undefined || (rate.rxBitsPerS === null && rate.txBitsPerS === null)) return undefined;
  return `receives ${bitRate(rate.rxBitsPerS)}, sends ${bitRate(rate.txBitsPerS)}`;
}

/** The same with arrows, the longest first. */
export function rateArrows({ rxBitsPerS, txBitsPerS }: Rate): readonly string[] {
  const [rx, tx] = [bitRate(rxBitsPerS), bitRate(txBitsPerS)];
  const short = (words: string) => words.replace("bit/s", "").trimEnd();
  return [
    `↓ ${rx}  ↑ ${tx}`,
    `↓ ${short(rx)}  ↑ ${short(tx)}`,
    `↓${short(rx)} ↑${short(tx)}`.replaceAll(/(\d) (\w)/g, "$1$2"),
  ];
}

/** `VF 3 of 0000:01:00.0, in use by model:web`: what a cell is called, everywhere. */
export function vfLabel(vf: VirtualFunctionObject): string {
  const { pf, vfIndex } = vf.status;
  const state = vfStateOf(vf);
  const holder = state === "in use" ? holderOf(vf) : undefined;
  return `VF ${vfIndex} of ${pf}, ${state}${holder ? ` by ${holder.label}` : ""}`;
}

/** What a VF is, in one line. */
export function vfFacts(vf: VirtualFunctionObject, groupSize: number, rate: Rate | undefined): string {
  const { bdf, driver, netdevs, settings, iommuGroup, unknown } = vf.status;
  const shared = groupSize > 1 ? ` with ${groupSize - 1} others` : "";
  return facts([
    bdf,
    driver ?? ("driver" in unknown ? undefined : "no driver"),
    netdevs?.map(({ name }) => name).join(", "),
    isSet(settings?.mac) && `MAC ${settings?.mac}`,
    isSet(settings?.vlan) && `VLAN ${settings?.vlan}`,
    iommuGroup !== null && `IOMMU group ${iommuGroup}${shared}`,
    rateWords(rate),
    ...vfProblems(vf, dropsOf(rate)),
  ]);
}

function isSet(value: unknown): boolean {
  return (typeof value === "number" && value > 0) || (typeof value === "string" && /[1-9a-f]/i.test(value));
}

/** `PF 0000:01:00.0 eth0, 7 of 7 VFs`, and what the preflight has against VFs. */
export function pfLabel({ pf, cells, preflight }: PfBar): string {
  const { numVfs, driverLimit } = pf.status;
  const name = pfDeviceName(pf);
  const count = numVfs ?? cells.filter((vf) => vf !== undefined).length;
  return `PF ${pf.metadata.name}${name ? ` ${name}` : ""}, ${count} of ${driverLimit ?? "an unknown number of"} VFs${preflightWords(preflight)}`;
}

function preflightWords(preflight: PfBar["preflight"]): string {
  switch (preflight?.verdict) {
    case "refuse":
      return ", preflight refuses VFs";
    case "warn":
      return ", preflight warns of VFs";
    default:
      return "";
  }
}

/** Before a PF's name: VFs are refused, or something is to be looked at. */
export function pfMark(bar: PfBar): "✖" | "▲" | undefined {
  if (bar.preflight?.verdict === "refuse") return "✖";
  return bar.preflight?.verdict === "warn" || pfProblems(bar).length > 0 ? "▲" : undefined;
}

/** What a node is, where there is little room: `root`, `port`, `node 0`. */
export function shortKind(kind: string): string {
  return kind.replace(/^root complex$/, "root").replace(/^(?:switch|NUMA) /, "");
}

const LEGAL_FORM = /,? (?:Co(?:rp(?:oration)?)?|Inc|Ltd|Limited|LLC|GmbH|Technologies)\b\.?/g;

/** `Intel 82576 Gigabit Network Connection` of `Intel Corporation 82576 ...`: where there is little room, the device is what tells. */
export function withoutLegalForm(device: string): string {
  return device.replaceAll(LEGAL_FORM, "");
}

/** What the kernel calls the device of a PF: its interfaces, or its controller. */
export function pfDeviceName({ status }: PfObject): string {
  return status.netdevs?.map(({ name }) => name).join(", ") || (status.nvmeController ?? "");
}

export function pfFacts(bar: PfBar): string {
  const { pf, link, iommuGroup, preflight } = bar;
  const { device, driver, numaNode, unknown, carriesDefaultRoute } = pf.status;
  return facts([
    device,
    driver ?? ("driver" in unknown ? undefined : "no driver"),
    numaNode !== null && `NUMA node ${numaNode}`,
    linkWords(link),
    iommuGroup !== null && `IOMMU group ${iommuGroup}`,
    carriesDefaultRoute === true && "carries the default route",
    ...pfProblems(bar),
    // What is refused comes first.
    ...(preflight?.verdict === "warn" ? findingsOf(preflight, "warn") : []),
  ]);
}

/** `8 GT/s x4 of 16 GT/s x16` where a link is slower than it could be. */
export function linkWords(link: PfBar["link"]): string | undefined {
  if (link === null) return undefined;
  const now = `${link.speed} GT/s x${link.width}`;
  const most = `${link.maxSpeed} GT/s x${link.maxWidth}`;
  return now === most ? now : `${now} of ${most}`;
}

/** What is wrong with a PF, or was not seen of it. */
export function pfProblems({ pf: { status }, preflight }: PfBar): readonly string[] {
  return [
    ...findingsOf(preflight, "refuse"),
    ...Object.entries(status.unknown).map(([field, reason]) => `${field} was not read: ${reason}`),
    ...status.notLookedAt.map((what) => `not looked at: ${what}`),
  ];
}

function findingsOf(preflight: PfBar["preflight"], result: "refuse" | "warn"): readonly string[] {
  const words = result === "refuse" ? "VFs are refused" : "a warning of VFs";
  return (preflight?.findings ?? [])
    .filter((finding) => finding.result === result)
    .map(({ summary }) => `${words}: ${summary}`);
}

export function holderLabel({ label, vfs, isGuest }: HolderBox): string {
  const count = vfs.length === 1 ? "1 VF" : `${vfs.length} VFs`;
  return `${isGuest ? "Guest" : "User"} ${label}, ${vfs.length === 0 ? "no VF" : count}`;
}

export function holderFacts({ vfs }: HolderBox, rate: Rate | undefined): string {
  const names = vfs.slice(0, 6).map(({ status }) => `VF ${status.vfIndex} of ${status.pf}`);
  return facts([...names, vfs.length > 6 && `and ${vfs.length - 6} more`, rateWords(rate)]);
}

export function nodeFacts({ label, bridge, children }: TreeNode): string {
  const pfs = children.filter(isBar).length;
  return facts([
    label,
    bridge?.device,
    linkWords(bridge?.link ?? null),
    pfs > 0 && `${pfs} ${pfs === 1 ? "PF" : "PFs"} below it`,
  ]);
}

export function placeWords({ pf, cells }: PfBar, index: number): string {
  return `a place for VF ${index} of ${pf.metadata.name}: the driver allows ${cells.length}`;
}

function facts(words: readonly (string | null | undefined | false)[]): string {
  return words.filter((word) => word).join(" · ");
}

/** How many functions an IOMMU group has, this one included. */
export function groupSizeOf({ groups }: MachinePlan, group: number | null): number {
  return group === null ? 1 : (groups.get(group)?.length ?? 1);
}
