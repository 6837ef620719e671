import { isRefused, isSettled, type PfPlan, type Plan, type Refusal } from "../host/plan/plan.ts";
import type { StepOf, VfSettingChange } from "../host/plan/step.ts";
import type { HostState, PfState } from "../host/state/host-state.ts";
import { isUnread, known } from "../kernel/port.ts";
import { pfName } from "./names.ts";
import { paint, wrapWords } from "./terminal.ts";

const INDENT = 2;
const KEY_WIDTH = 14;
const TEXT_AT = INDENT + KEY_WIDTH;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Users that are named one by one; of more, the first ones. */
const MOST_USERS = 8;

/**
 * A plan for a person: PF by PF, refusals first, then what would change, old -> new, and who would notice. Pure.
 * @returns lines
 */
export function renderPlan(plan: Plan, state: HostState): string[] {
  const lines: string[] = [];
  for (const refusal of plan.refusals) lines.push(...refusalLines("refused", refusal));
  const shown = plan.pfs.filter(
    ({ steps, refusals, warnings }) => steps.length + refusals.length + warnings.length > 0,
  );
  for (const pfPlan of shown) {
    if (lines.length > 0) lines.push("");
    const pf = state.pfs.find(({ bdf }) => bdf === pfPlan.pf);
    const wantedBy = plan.desired.find((each) => each.pf === pfPlan.pf)?.wantedBy ?? [];
    lines.push(...pfLines(pfPlan, pf, wantedBy));
  }
  const settled = plan.pfs.length - shown.length;
  if (settled > 0 && lines.length > 0) lines.push("", paint("faint", `${count(settled, "PF")} as wished already`));
  return lines;
}

/** The last line: what comes of it. */
export function planSummary(plan: Plan): string {
  if (isRefused(plan)) return "nothing was changed";
  if (isSettled(plan)) return plan.pfs.length === 0 ? "nothing is wanted" : "nothing to do: all is as wished";
  const pfs = plan.pfs.filter(({ steps }) => steps.length > 0);
  const steps = pfs.reduce((sum, pf) => sum + pf.steps.length, 0);
  // PFs are changed side by side.
  const time = duration(Math.max(...pfs.map(({ expectedMs }) => expectedMs)));
  return `${count(steps, "step")} on ${count(pfs.length, "PF")}, about ${time}`;
}

function pfLines(plan: PfPlan, pf: PfState | undefined, wantedBy: readonly string[]): string[] {
  const head = `${paint("strong", plan.pf)}  ${pf ? nameOf(pf) : ""}`.trimEnd();
  const lines = [`${head}${wantedBy.length > 0 ? paint("faint", `  (${wantedBy.join(", ")})`) : ""}`];
  for (const refusal of plan.refusals) lines.push(...refusalLines("refused", refusal));
  for (const warning of plan.warnings) lines.push(...refusalLines("note", warning));
  lines.push(...stepLines(plan));
  for (const { vfIndex, user, how } of plan.affected.slice(0, MOST_USERS)) {
    lines.push(keyLine("notices", `VF ${vfIndex}: ${how}; ${user.evidence}`));
  }
  if (plan.affected.length > MOST_USERS) lines.push(keyLine("", `and ${plan.affected.length - MOST_USERS} more users`));
  if (plan.steps.length > 0) lines.push(paint("faint", keyLine("time", `about ${duration(plan.expectedMs)}`)));
  return lines;
}

function nameOf(pf: PfState): string {
  const { netdevs, nvmeController } = pf;
  const device = pfName(pf);
  const names = [...(isUnread(netdevs) ? [] : netdevs.map(({ name }) => name)), known(nvmeController)].filter(Boolean);
  return names.length > 0 ? `${device} (${names.join(", ")})` : device;
}

function refusalLines(word: "refused" | "note", { code, summary, evidence, users, remedy }: Refusal): string[] {
  const tone = word === "refused" ? "bad" : "warn";
  const lines = [`${" ".repeat(INDENT)}${paint(tone, word.padEnd(KEY_WIDTH))}${code}  ${summary}`];
  const facts =
    users === undefined
      ? evidence.map(({ fact }) => fact)
      : users.map(({ vfIndex, user }) => `VF ${vfIndex}  ${user.evidence}`);
  for (const fact of facts.slice(0, MOST_USERS)) lines.push(...wrapped(fact, TEXT_AT + 2));
  if (facts.length > MOST_USERS) lines.push(`${" ".repeat(TEXT_AT + 2)}and ${facts.length - MOST_USERS} more`);
  if (remedy !== "") {
    const key = word === "refused" ? "instead" : "to know";
    lines.push(...wrapped(remedy, TEXT_AT, key));
  }
  return lines;
}

function wrapped(text: string, at: number, key = ""): string[] {
  const lines = wrapWords(text, at);
  return lines.map(
    (line, index) => `${(index === 0 && key !== "" ? `${" ".repeat(INDENT)}${key}` : "").padEnd(at)}${line}`,
  );
}

function keyLine(key: string, text: string): string {
  return `${" ".repeat(INDENT)}${key.padEnd(KEY_WIDTH)}${text}`;
}

/** What the steps change, each thing once, VFs that change alike together. */
function stepLines({ steps, resetsAllVfs }: PfPlan): string[] {
  const lines: string[] = [];
  const of = <Kind extends StepOf<never>["kind"] | string>(kind: Kind) => steps.filter((step) => step.kind === kind);
  for (const step of of("loadModule") as StepOf<"loadModule">[]) lines.push(keyLine("module", `load ${step.module}`));
  for (const step of of("setPfMtu") as StepOf<"setPfMtu">[]) {
    lines.push(keyLine("MTU", `${step.from} -> ${step.to}   ${step.netdev}`));
  }
  for (const step of of("setPfUp") as StepOf<"setPfUp">[]) {
    const word = (up: boolean) => (up ? "up" : "down");
    const text = step.from === step.to ? "wait for it" : `${word(step.from)} -> ${word(step.to)}`;
    lines.push(keyLine("link", `${text}   ${step.netdev}`));
  }
  for (const step of of("setEswitchMode") as StepOf<"setEswitchMode">[]) {
    lines.push(keyLine("eswitch", `${step.from} -> ${step.to}`));
  }
  const numVfs = of("setNumVfs") as StepOf<"setNumVfs">[];
  const [first] = numVfs;
  const last = numVfs.at(-1);
  if (first && last) {
    const note = resetsAllVfs ? `   takes every VF of this PF away${last.to > 0 ? ", and makes them anew" : ""}` : "";
    lines.push(keyLine("numVfs", `${first.from} -> ${last.to}${note}`));
  }
  lines.push(...vfLines(steps));
  return lines;
}

function vfLines(steps: PfPlan["steps"]): string[] {
  const changes = new Map<number, VfChanges>();
  const changesOf = (vfIndex: number): VfChanges => {
    const found = changes.get(vfIndex) ?? { parts: [], mac: undefined };
    changes.set(vfIndex, found);
    return found;
  };
  const drivers = new Map<number, { from: string | null; to: string }>();
  for (const step of steps) {
    switch (step.kind) {
      case "bindDriver": {
        const before = drivers.get(step.vfIndex);
        drivers.set(step.vfIndex, { from: before === undefined ? step.from : before.from, to: step.to });
        break;
      }
      case "setVfNetwork":
        for (const change of step.changes) addSettings(changesOf(change.to.vfIndex), change);
        break;
      case "setMsixCount":
        changesOf(step.vfIndex).parts.push(`MSI-X ${arrow(step.from, step.to)}`);
        break;
      case "assignNvmeResources":
        changesOf(step.vfIndex).parts.push(
          `${step.resource === "vq" ? "queues" : "interrupts"} ${arrow(step.from, step.to)}`,
        );
        break;
      case "setNvmeOnline":
        changesOf(step.vfIndex).parts.push(step.to ? "online" : "offline");
        break;
      case "resetVf":
        changesOf(step.vfIndex).parts.push("reset");
        break;
    }
  }
  for (const [vfIndex, { from, to }] of drivers) {
    const rebound = from !== null && (from === to || to === "default");
    const text = rebound ? `driver bound anew (${from})` : `driver ${from === null ? to : `${from} -> ${to}`}`;
    changesOf(vfIndex).parts.unshift(text);
  }
  return foldVfs([...changes].sort(([a], [b]) => a - b));
}

interface VfChanges {
  readonly parts: string[];
  mac: string | undefined;
}

function addSettings(changes: VfChanges, { from, to }: VfSettingChange): void {
  const { vfIndex: _, mac, vlan, txRateMbps, ...plain } = to;
  if (mac !== undefined) changes.mac = mac;
  const was = (name: string) => from[name] ?? null;
  if (vlan !== undefined) {
    changes.parts.push(`vlan ${arrow(zeroIsNone(was("vlan")), vlan.id === 0 ? "none" : vlan.id)}`);
    if (vlan.qos) changes.parts.push(`qos ${vlan.qos}`);
    if (vlan.protocol === "802.1ad") changes.parts.push("802.1ad");
  }
  if (txRateMbps !== undefined) {
    const rate = (value: number) => (value === 0 ? "no limit" : `${value} Mbit/s`);
    changes.parts.push(`max rate ${arrow(zeroIsNone(was("maxTxRateMbps")), rate(txRateMbps.max))}`);
    if (txRateMbps.min !== undefined)
      changes.parts.push(`min rate ${arrow(zeroIsNone(was("minTxRateMbps")), rate(txRateMbps.min))}`);
  }
  for (const [name, value] of Object.entries(plain)) {
    changes.parts.push(`${SETTING_WORDS[name] ?? name} ${arrow(onOff(was(name)), onOff(value))}`);
  }
}

const SETTING_WORDS: Readonly<Record<string, string>> = {
  spoofCheck: "spoof check",
  linkState: "link state",
  queryRss: "RSS query",
  nodeGuid: "node GUID",
  portGuid: "port GUID",
};

function onOff(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value === true ? "on" : value === false ? "off" : String(value);
}

/** Of a VF that is new, nothing is told of what was. */
function zeroIsNone(value: string | number | boolean | null): string | null {
  return value === 0 || value === null ? null : String(value);
}

function arrow(from: string | number | null, to: string | number | null): string {
  return from === null ? String(to) : `${from} -> ${to}`;
}

/** Runs of VFs whose changes read alike, but for their addresses. */
function foldVfs(vfs: readonly (readonly [number, VfChanges])[]): string[] {
  const runs: { from: number; to: number; text: string; macs: (string | undefined)[] }[] = [];
  for (const [vfIndex, { parts, mac }] of vfs) {
    const text = [...(mac === undefined ? [] : ["mac"]), ...parts].join(", ");
    const run = runs.at(-1);
    if (run !== undefined && run.to === vfIndex - 1 && run.text === text) {
      run.to = vfIndex;
      run.macs.push(mac);
    } else {
      runs.push({ from: vfIndex, to: vfIndex, text, macs: [mac] });
    }
  }
  return runs.map(({ from, to, text, macs }) => {
    const [first] = macs;
    const last = macs.at(-1);
    const mac = first === last ? `mac ${first}` : `mac ${first} .. ${last}`;
    return keyLine(
      from === to ? `VF ${from}` : `VF ${from}-${to}`,
      first === undefined ? text : text.replace("mac", mac),
    );
  });
}

/** A time for a person: 40 ms, 1.5 s, 2 min. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(Math.round(ms / 10) * 10, 10)} ms`;
  return ms < MINUTE ? `${(ms / SECOND).toFixed(1)} s` : `${Math.round(ms / MINUTE)} min`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
