import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Operation } from "../../host/apply/operation.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import { isRefused, type PfPlan, type Plan } from "../../host/plan/plan.ts";
import type { HostState, PfState, VfState } from "../../host/state/host-state.ts";
import { isUnread, known, type Observed } from "../../kernel/port.ts";
import { pfName } from "../names.ts";
import { print, toJson } from "../output.ts";
import { type HostOptions, type HostSetting, openHost, operationSetting } from "../provision/setting.ts";
import { planWishes } from "../provision/wishes.ts";
import { type Cell, paint, table } from "../terminal.ts";

export interface StatusOptions extends HostOptions {
  readonly file?: readonly string[];
}

/** `vfleet status`: what is there, what is wanted, who has it; unfinished operations first. */
export async function status(options: StatusOptions): Promise<number> {
  const host = await openHost(options);
  const unfinished = await unfinishedOperations(host);
  const wishes = await wishesOf(host, options.file);
  const state = wishes?.state ?? (await host.planning.observe());
  if (options.json) {
    print(`${toJson({ source: host.kernel.source.name, unfinished, plan: wishes?.plan ?? null, state })}\n`);
    return 0;
  }
  const lines: string[] = [];
  for (const { number, state: how, kind, title } of unfinished) {
    const remedy = how === "stuck" ? "vfleet recover --stuck" : "vfleet recover";
    lines.push(`${paint("bad", how)}  operation ${number}: ${kind} ${title}; go on with: ${remedy}`);
  }
  if (lines.length > 0) lines.push("");
  lines.push(summary(state, wishes?.plan));
  for (const pf of state.pfs) lines.push("", ...pfLines(pf, wishes?.plan));
  print(`${lines.join("\n")}\n`);
  return 0;
}

async function unfinishedOperations(host: HostSetting): Promise<readonly Operation[]> {
  if (!("write" in host.kernel)) return [];
  const all = await operationSetting(host).store.list();
  return all.filter(({ state }) => state === "applying" || state === "undoing" || state === "stuck");
}

/** Nothing may be wanted yet. */
async function wishesOf(host: HostSetting, paths: readonly string[] | undefined) {
  try {
    return await planWishes(host, paths);
  } catch (error) {
    if (error instanceof VfleetError && error.code === "VFL-0232" && paths === undefined) return undefined;
    throw error;
  }
}

function summary({ pfs }: HostState, plan: Plan | undefined): string {
  const vfs = pfs.reduce((sum, pf) => sum + pf.vfs.length, 0);
  const counts = `${pfs.length} PF${pfs.length === 1 ? "" : "s"}, ${vfs} VF${vfs === 1 ? "" : "s"}`;
  if (plan === undefined) return `${counts}; nothing is desired (vfleet apply -f FILE --persist keeps what is)`;
  if (isRefused(plan)) return `${counts}; ${paint("bad", "what is desired is refused")}: vfleet plan tells why`;
  const differ = plan.pfs.filter(({ steps }) => steps.length > 0).length;
  return differ === 0
    ? `${counts}; ${paint("good", "all as desired")}`
    : `${counts}; ${paint("warn", `${differ} PF${differ === 1 ? " differs" : "s differ"} from what is desired`)}: vfleet plan`;
}

function pfLines(pf: PfState, plan: Plan | undefined): string[] {
  const wanted = plan?.desired.find((each) => each.pf === pf.bdf);
  const differs = plan?.pfs.find((each) => each.pf === pf.bdf);
  const names = [...(isUnread(pf.netdevs) ? [] : pf.netdevs.map(({ name }) => name)), known(pf.nvmeController)];
  const head = [
    paint("strong", pf.bdf),
    pfName(pf),
    names.filter(Boolean).join(","),
    text(pf.driver),
    `${text(pf.numVfs)} of ${text(pf.driverLimit)} VFs`,
    standing(wanted, differs),
  ];
  return [head.filter((part) => part !== "").join("  "), ...vfRows(pf, wanted)];
}

function standing(wanted: DesiredPf | undefined, plan: PfPlan | undefined): string {
  if (wanted === undefined || plan === undefined) return paint("faint", "not managed");
  if (plan.refusals.length > 0) return paint("bad", "refused");
  return plan.steps.length === 0 ? paint("good", "as desired") : paint("warn", "differs");
}

function vfRows(pf: PfState, wanted: DesiredPf | undefined): string[] {
  if (pf.vfs.length === 0) return [];
  const rows = fold(
    pf.vfs.map((vf) => ({ vf, cells: cellsOf(vf, wanted?.vfs.find(({ vfIndex }) => vfIndex === vf.vfIndex)?.pool) })),
  );
  return table(["  VF", "ADDRESS", "POOL", "DRIVER", "NETDEV", "MAC", "SETTINGS", "USED BY"], rows);
}

interface VfRow {
  readonly vf: VfState;
  readonly cells: readonly string[];
}

/** VFs in a row that have no name or address of their own and read alike are one line. */
function fold(rows: readonly VfRow[]): Cell[][] {
  const runs: VfRow[][] = [];
  for (const row of rows) {
    const run = runs.at(-1);
    const [head] = run ?? [];
    if (run && head && head.cells.join("\0") === row.cells.join("\0")) run.push(row);
    else runs.push([row]);
  }
  return runs.map((run) => {
    const first = run[0] as VfRow;
    const last = run.at(-1) as VfRow;
    const range = run.length === 1 ? `${first.vf.vfIndex}` : `${first.vf.vfIndex}-${last.vf.vfIndex}`;
    const [from, to] = [first.vf.bdf ?? "-", last.vf.bdf ?? "-"];
    const address = from === to ? from : `${from} .. ${to.slice(5)}`;
    return [`  ${range}`, address, ...first.cells];
  });
}

function cellsOf(vf: VfState, pool: string | undefined): string[] {
  const netdevs = isUnread(vf.netdevs) ? "?" : vf.netdevs.map(({ name }) => name).join(",") || "-";
  const { settings, nvme } = vf;
  const mac = isUnread(settings) ? "?" : (settings?.mac ?? "-");
  const facts = [
    ...(isUnread(settings) || settings === null
      ? []
      : [
          ...(settings.vlan ? [`vlan ${settings.vlan}${settings.qos ? ` qos ${settings.qos}` : ""}`] : []),
          ...(settings.maxTxRateMbps ? [`max ${settings.maxTxRateMbps} Mbit/s`] : []),
          ...(settings.minTxRateMbps ? [`min ${settings.minTxRateMbps} Mbit/s`] : []),
          ...(settings.spoofCheck === false ? ["no spoof check"] : []),
          ...(settings.trust ? ["trusted"] : []),
          ...(settings.queryRss ? ["RSS query"] : []),
          ...(settings.vlanProtocol === "802.1ad" ? ["802.1ad"] : []),
          ...(settings.linkState === "auto" || settings.linkState === null ? [] : [`link ${settings.linkState}`]),
        ]),
    ...(isUnread(nvme) || nvme === null
      ? []
      : [nvme.online ? "online" : "offline", `${nvme.vq} queues`, `${nvme.vi} interrupts`]),
  ];
  const users = vf.users.users.map(({ evidence }) => evidence).join("; ");
  const unknown = vf.users.notLookedAt.length > 0 ? "not known (run as root)" : "-";
  return [pool ?? "-", text(vf.driver), netdevs, mac, facts.join(", ") || "-", users || unknown];
}

function text(value: Observed<string | number | null>): string {
  return isUnread(value) ? "?" : value === null ? "-" : String(value);
}
