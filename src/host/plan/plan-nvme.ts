import { isUnread, known } from "../../kernel/port.ts";
import type { NvmeFlexibleResources } from "../../kernel/port-nvme.ts";
import type { VfNvmeState } from "../state/host-state.ts";
import type { PfDraft, PlannedVf } from "./pf-draft.ts";
import type { Step } from "./step.ts";
import { requireUnused } from "./vf-use.ts";

/** What a secondary controller has whose VF was just made. */
const NEW: VfNvmeState = { controllerId: 0, online: false, vq: 0, vi: 0 };

interface NvmeChange {
  readonly vf: PlannedVf;
  readonly now: VfNvmeState;
  readonly vq: number;
  readonly vi: number;
  readonly online: boolean;
}

/**
 * Queues, interrupts and being online of secondary controllers (NVM Express Base 2.0 §8.26): resources change only while a
 * controller is offline, and what one gives back another can have.
 */
export function planNvme(draft: PfDraft): void {
  const wanted = draft.plannedVfs().filter((vf) => vf.wanted?.nvme !== undefined);
  const { pf } = draft;
  if (wanted.length === 0) {
    if (!isUnread(pf.nvme) && pf.nvme !== null) requireOnline(draft, []);
    return;
  }
  if (isUnread(pf.nvme)) {
    draft.refuseUnread("the NVMe controller's virtualization capabilities", pf.nvme);
    return;
  }
  if (pf.nvme === null) {
    draft.refuse({
      code: "VFL-0217",
      summary: "NVMe resources are wanted, and the PF is no NVMe controller with secondary controllers",
      evidence: [{ fact: `driver ${String(pf.driver)}` }],
      remedy: "leave nvme out for VFs of this PF",
    });
    return;
  }
  const changes = wanted.flatMap((vf) => changeOf(draft, vf) ?? []);
  const enough = (["vq", "vi"] as const).every((resource) => requireEnough(draft, resource, changes));
  if (!enough || !changes.every((change) => requireWorking(draft, change)) || !requireOnline(draft, changes)) return;
  for (const change of changes) if (!letGo(draft, change)) return;
  const step = pf.bdf;
  const changed = changes.filter(({ now, vq, vi, online }) => now.vq !== vq || now.vi !== vi || now.online !== online);
  const resized = changed.filter(({ now, vq, vi }) => now.vq !== vq || now.vi !== vi);
  const offline = changed.filter((change) => change.now.online && (resized.includes(change) || !change.online));
  const steps: Step[] = offline.map(({ vf }) => ({
    kind: "setNvmeOnline",
    pf: step,
    vfIndex: vf.vfIndex,
    from: true,
    to: false,
  }));
  // What is given back first can be given out after.
  for (const gives of [true, false]) {
    for (const { vf, now, ...to } of resized) {
      for (const resource of ["vq", "vi"] as const) {
        if (now[resource] === to[resource] || to[resource] < now[resource] !== gives) continue;
        steps.push({
          kind: "assignNvmeResources",
          pf: step,
          vfIndex: vf.vfIndex,
          resource,
          from: now[resource],
          to: to[resource],
        });
      }
    }
  }
  for (const change of changed) {
    const isOff = !change.now.online || offline.includes(change);
    if (change.online && isOff) {
      steps.push({ kind: "setNvmeOnline", pf: step, vfIndex: change.vf.vfIndex, from: false, to: true });
    }
  }
  draft.add("nvme", ...steps);
}

function changeOf(draft: PfDraft, vf: PlannedVf): NvmeChange | undefined {
  const { vfIndex, wanted } = vf;
  const now = vf.now === undefined ? NEW : vf.now.nvme;
  if (isUnread(now)) {
    draft.refuseUnread(`the secondary controller of VF ${vfIndex}`, now, vfIndex);
    return undefined;
  }
  if (now === null) {
    draft.refuse({
      code: "VFL-0217",
      vfIndex,
      summary: `VF ${vfIndex} is no secondary controller`,
      evidence: [],
      remedy: "leave nvme out for it",
    });
    return undefined;
  }
  const { queues = now.vq, interrupts = now.vi, online = now.online } = wanted?.nvme ?? {};
  return { vf, now, vq: queues, vi: interrupts, online };
}

function requireEnough(draft: PfDraft, resource: "vq" | "vi", changes: readonly NvmeChange[]): boolean {
  const flexible: NvmeFlexibleResources | undefined =
    isUnread(draft.pf.nvme) || draft.pf.nvme === null ? undefined : draft.pf.nvme[resource];
  const name = resource === "vq" ? "queue pairs" : "interrupt vectors";
  const changed = changes.filter((change) => change[resource] !== change.now[resource]);
  if (changed.length === 0) return true;
  if (flexible === undefined) {
    draft.refuse({
      code: "VFL-0217",
      summary: `the controller has no flexible ${name} to give out`,
      evidence: [],
      remedy: `leave ${resource === "vq" ? "queues" : "interrupts"} out`,
    });
    return false;
  }
  const { total, assigned, primary, secondaryMax, granularity } = flexible;
  for (const change of changed) {
    const count = change[resource];
    const { vfIndex } = change.vf;
    if (count > secondaryMax || (granularity > 1 && count % granularity !== 0)) {
      draft.refuse({
        code: "VFL-0217",
        vfIndex,
        summary: `VF ${vfIndex} is to have ${count} ${name}; ${secondaryMax} is the most for one, in steps of ${granularity}`,
        evidence: [{ fact: `at most ${secondaryMax} for a secondary controller`, from: "Identify, CNS 14h" }],
        remedy: "ask for fewer",
      });
      return false;
    }
  }
  // With all VFs made anew, nothing is left of what secondary controllers had.
  const held = draft.remade ? 0 : assigned;
  const free = total - primary - held;
  const more = changed.reduce((sum, change) => sum + change[resource] - change.now[resource], 0);
  if (more <= free) return true;
  draft.refuse({
    code: "VFL-0217",
    summary: `${more} more ${name} are wanted, and ${free} of ${total} are free`,
    evidence: [{ fact: `${total} in all, ${primary} of the PF, ${held} given out`, from: "Identify, CNS 14h" }],
    remedy: "ask for fewer, or have fewer VFs online",
  });
  return false;
}

/** One pair is for commands to the controller itself. */
const LEAST = { vq: 2, vi: 1 } as const;

/** A controller goes online with queues and interrupts only (NVM Express Base 2.0 §8.26), else it answers that it has none. */
function requireWorking(draft: PfDraft, { vf: { vfIndex }, now, online, ...resources }: NvmeChange): boolean {
  if (!online || now.online || isUnread(draft.pf.nvme)) return true;
  for (const resource of ["vq", "vi"] as const) {
    const count = resources[resource];
    if (draft.pf.nvme?.[resource] === undefined || count >= LEAST[resource]) continue;
    const [name, field] = resource === "vq" ? ["queue pairs", "queues"] : ["interrupt vectors", "interrupts"];
    draft.refuse({
      code: "VFL-0217",
      vfIndex,
      summary: `VF ${vfIndex} is to be online with ${count} ${name}, and needs ${LEAST[resource]} at least`,
      evidence: [],
      remedy: `ask for ${field}: ${LEAST[resource]} at least beside online: true`,
    });
    return false;
  }
  return true;
}

/** The driver's probe of a controller that is offline fails: it answers nothing but that it has failed (CSTS.CFS). */
function requireOnline(draft: PfDraft, changes: readonly NvmeChange[]): boolean {
  for (const { vfIndex, now, wanted } of draft.plannedVfs()) {
    const change = changes.find(({ vf }) => vf.vfIndex === vfIndex);
    const there = now === undefined ? NEW : known(now.nvme);
    const online = change?.online ?? there?.online;
    if (online !== false) continue;
    draft.offline.add(vfIndex);
    const driver = now === undefined ? null : known(now.driver);
    const staysBound = driver === "nvme" && wanted?.driver === undefined && there?.online === true;
    const isWanted = wanted?.driver === "default" || wanted?.driver === "nvme";
    if (!staysBound && (!isWanted || (driver === "nvme" && there?.online === false))) continue;
    draft.refuse({
      code: "VFL-0217",
      vfIndex,
      summary: `VF ${vfIndex} is to be offline with the driver nvme, which cannot have a controller that is`,
      evidence: [
        { fact: change?.vf.wanted?.nvme?.online === false ? "online: false is wanted" : "nobody wants it online" },
      ],
      remedy: "let it have driver: none, or queues, interrupts and online: true",
    });
    return false;
  }
  return true;
}

/** A controller that goes offline takes its block devices with it: its driver is let go first. */
function letGo(draft: PfDraft, { vf, now, vq, vi, online }: NvmeChange): boolean {
  const differs = now.vq !== vq || now.vi !== vi || now.online !== online;
  if (!differs || vf.now === undefined) return true;
  if (!requireUnused(draft, [vf.now], "would go offline")) return false;
  if (vf.now.driver !== null) draft.released.add(vf.vfIndex);
  return true;
}
