import type { Operation } from "../host/apply/operation.ts";
import type { DesiredPf, DesiredVf } from "../host/desired/desired-pf.ts";
import { ZERO_MAC } from "../host/desired/mac-addresses.ts";
import { isRefused, type PfPlan, type Plan } from "../host/plan/plan.ts";
import type { HostState, PfState, VfState } from "../host/state/host-state.ts";
import { plural } from "../host/words/amounts.ts";
import { vfsText } from "../host/words/vf-changes.ts";
import { isUnread, type Observed } from "../kernel/port.ts";
import { pfName } from "./pf-name.ts";
import { type Cell, paint, table } from "./terminal.ts";

export interface Status {
  readonly state: HostState;
  /** Toward what is desired; undefined where nothing is. */
  readonly plan: Plan | undefined;
  /** Operations that have no end, or are stuck. */
  readonly unfinished: readonly Operation[];
}

/** As many VFs of a PF are told one by one, whatever they have in common. */
const FEW_VFS = 8;

/**
 * A host for a person: what needs somebody's hand first, then PF by PF what is there, what is wanted, and who has it. VFs in a
 * row that differ in their addresses and names alone are one line, where there are many.
 * @returns lines
 */
export function renderStatus({ state, plan, unfinished }: Status): string[] {
  const lines = unfinished.flatMap(unfinishedLines);
  if (lines.length > 0) lines.push("");
  lines.push(summary(state, plan));
  for (const pf of state.pfs) lines.push("", ...pfLines(pf, plan));
  return lines;
}

function unfinishedLines({ number, state, kind, title, failure }: Operation): string[] {
  const stuck = state === "stuck";
  return [
    `${paint("bad", stuck ? "stuck" : "not ended")}  operation ${number}: ${kind} ${title}`,
    ...(failure ? [`  cause       ${failure.message} (${failure.code})`] : []),
    ...(failure?.remedy ? [`  remedy      ${failure.remedy}`] : []),
    `  then        vfleet recover${stuck ? " --stuck" : ""}`,
  ];
}

function summary({ pfs }: HostState, plan: Plan | undefined): string {
  const counts = `${plural(pfs.length, "PF")}, ${plural(
    pfs.reduce((sum, pf) => sum + pf.vfs.length, 0),
    "VF",
  )}`;
  if (plan === undefined) return `${counts}; nothing is desired (vfleet apply -f FILE --persist keeps what is)`;
  if (isRefused(plan)) return `${counts}; ${paint("bad", "what is desired is refused")}: vfleet plan tells why`;
  const differ = plan.pfs.filter(({ steps }) => steps.length > 0).length;
  if (differ === 0) return `${counts}; ${paint("good", "all as desired")}`;
  return `${counts}; ${paint("warn", `${plural(differ, "PF")} ${differ === 1 ? "differs" : "differ"} from what is desired`)}: vfleet plan`;
}

function pfLines(pf: PfState, plan: Plan | undefined): string[] {
  const wanted = plan?.desired.find((each) => each.pf === pf.bdf);
  const planned = plan?.pfs.find((each) => each.pf === pf.bdf);
  const head = [
    paint("strong", pf.bdf),
    pfName(pf),
    text(pf.driver, "no driver"),
    vfCount(pf, wanted),
    standing(wanted, planned),
  ];
  return [head.join("  "), ...vfTable(pf, wanted)];
}

/** `7 of 7 VFs`, `3 of 7 VFs, 5 wanted`. */
function vfCount({ numVfs, driverLimit }: PfState, wanted: DesiredPf | undefined): string {
  const other = wanted?.numVfs !== undefined && wanted.numVfs !== numVfs ? `, ${wanted.numVfs} wanted` : "";
  return `${text(numVfs, "-")} of ${text(driverLimit, "-")} VFs${other}`;
}

function standing(wanted: DesiredPf | undefined, plan: PfPlan | undefined): string {
  if (wanted === undefined || plan === undefined) return paint("faint", "not managed");
  if (plan.refusals.length > 0) return paint("bad", `refused (${plan.refusals[0]?.code})`);
  return plan.steps.length === 0 ? paint("good", "as desired") : paint("warn", "differs");
}

/** One VF as the table has it: what may differ within a line, and what may not. */
interface VfRow {
  readonly vf: VfState;
  readonly netdev: string;
  readonly mac: string;
  readonly alike: readonly string[];
}

function vfTable(pf: PfState, wanted: DesiredPf | undefined): string[] {
  if (pf.vfs.length === 0) return [];
  const wishes = new Map(wanted?.vfs.map((each) => [each.vfIndex, each]));
  const runs: VfRow[][] = [];
  for (const vf of pf.vfs) {
    const row = rowOf(vf, wishes.get(vf.vfIndex));
    const run = runs.at(-1);
    const last = run?.at(-1);
    const follows = last?.vf.vfIndex === vf.vfIndex - 1 && last.alike.join("\0") === row.alike.join("\0");
    if (run && follows && pf.vfs.length > FEW_VFS) run.push(row);
    else runs.push([row]);
  }
  const head = ["  VF", "ADDRESS", "POOL", "DRIVER", "NETDEV", "MAC", "SETTINGS", "USED BY"];
  return table(head, runs.map(runCells));
}

function runCells(run: readonly VfRow[]): Cell[] {
  const first = run[0] as VfRow;
  const last = run.at(-1) as VfRow;
  const [pool = "", driver = "", settings = "", users = ""] = first.alike;
  const range = vfsText(run.map(({ vf }) => vf.vfIndex)).replace("VF ", "");
  const [from, to] = [first.vf.bdf ?? "-", last.vf.bdf ?? "-"];
  const address = from === to ? from : `${from} .. ${to.slice(5)}`;
  const several = (values: readonly string[]) => {
    const [one = "-", ...more] = new Set(values);
    return more.length === 0 ? one : `${one} and ${more.length} more`;
  };
  const netdevs = several(run.map(({ netdev }) => netdev));
  return [`  ${range}`, address, pool, driver, netdevs, several(run.map(({ mac }) => mac)), settings, users];
}

function rowOf(vf: VfState, wish: DesiredVf | undefined): VfRow {
  const { settings } = vf;
  const netdev = isUnread(vf.netdevs) ? "?" : vf.netdevs.map(({ name }) => name).join(",") || "-";
  const mac = isUnread(settings) ? "?" : settings === null || settings.mac === ZERO_MAC ? "-" : (settings.mac ?? "-");
  return { vf, netdev, mac, alike: [wish?.pool ?? "-", text(vf.driver, "-"), settingsText(vf), usersText(vf, wish)] };
}

function settingsText({ settings, nvme }: VfState): string {
  const facts: string[] = [];
  if (isUnread(settings)) facts.push("?");
  else if (settings !== null) {
    const { vlan, qos, vlanProtocol, maxTxRateMbps, minTxRateMbps, spoofCheck, trust, queryRss, linkState } = settings;
    if (vlan || qos)
      facts.push(`vlan ${vlan ?? 0}${qos ? ` qos ${qos}` : ""}${vlanProtocol === "802.1ad" ? " 802.1ad" : ""}`);
    if (maxTxRateMbps) facts.push(`max ${maxTxRateMbps} Mbit/s`);
    if (minTxRateMbps) facts.push(`min ${minTxRateMbps} Mbit/s`);
    if (spoofCheck === false) facts.push("no spoof check");
    if (trust) facts.push("trusted");
    if (queryRss) facts.push("RSS query");
    if (linkState === "enable" || linkState === "disable") facts.push(`link ${linkState}d`);
  }
  if (isUnread(nvme)) facts.push("?");
  else if (nvme !== null) {
    facts.push(nvme.online ? "online" : "offline", plural(nvme.vq, "queue"), plural(nvme.vi, "interrupt"));
  }
  return facts.join(", ") || "-";
}

/** Nobody is known only where all could be looked at. */
function usersText({ users }: VfState, wish: DesiredVf | undefined): string {
  const told = users.users.map(({ evidence }) => evidence);
  if (wish?.claimedBy !== undefined && !told.some((each) => each.includes(`${wish.claimedBy}`))) {
    told.push(`guest ${wish.claimedBy} is to have it`);
  }
  if (users.notLookedAt.length > 0) told.push(told.length > 0 ? "and perhaps others" : "not known (run as root)");
  return told.join("; ") || "-";
}

function text(value: Observed<string | number | null>, none: string): string {
  return isUnread(value) ? "?" : value === null ? none : String(value);
}
