import { isUnread, known, type Unread } from "../../kernel/port.ts";
import type { DesiredPf, DesiredVf } from "../desired/desired-pf.ts";
import { type PfDriver, quirksOf } from "../drivers.ts";
import type { SeenGuest } from "../guest-port.ts";
import type { HostState, PfState, VfState } from "../state/host-state.ts";
import { expectedMs } from "./expected-time.ts";
import type { Affected, PfPlan, Refusal } from "./plan.ts";
import type { Step } from "./step.ts";

/**
 * The parts of a plan for one PF, in the order in which they are done.
 *
 * `detach`, `attach`: guests give VFs back before anything is done to them, and get them when all is as it is to be.
 * `release`: VFs that stay are unbound where something must be changed behind their drivers' backs. `vfs`: VFs are taken and
 * made. `probing`: sriov_drivers_autoprobe is put back; while it is 0, the kernel binds a VF by its driver_override alone
 * (`pci_device_can_probe`), so this comes before `bind`.
 */
const STAGES = [
  "modules",
  "pf",
  "detach",
  "release",
  "vfs",
  "eswitch",
  "link",
  "network",
  "vectors",
  "nvme",
  "probing",
  "bind",
  "end",
  "attach",
] as const;
type Stage = (typeof STAGES)[number];

/** A VF as the plan will have it: one that is there and stays, or one that the plan makes (`now` undefined). */
export interface PlannedVf {
  readonly vfIndex: number;
  readonly now: VfState | undefined;
  readonly wanted: DesiredVf | undefined;
}

/** What a plan for one PF is put together in. */
export class PfDraft {
  readonly host: HostState;
  readonly pf: PfState;
  readonly desired: DesiredPf;
  readonly quirks: PfDriver;
  readonly refusals: Refusal[] = [];
  readonly warnings: Refusal[] = [];
  readonly affected: Affected[] = [];
  /** VFs are taken away, or made. */
  remade = false;
  /** How many there will be. */
  count = 0;
  /** VFs that are unbound before and bound again in the end, whatever driver they have. */
  readonly released = new Set<number>();
  /** VFs that guests have now and will have given back before anything else is done to them. */
  readonly detached = new Map<number, SeenGuest>();
  /** VFs that guests have, and that others want: the refusal is made, and is not told once more by what is done to them next. */
  readonly contested = new Set<number>();
  /** VFs whose NVMe controllers will be offline: their driver cannot have them. */
  readonly offline = new Set<number>();
  readonly #stages = new Map<Stage, Step[]>();

  constructor(host: HostState, pf: PfState, desired: DesiredPf) {
    this.host = host;
    this.pf = pf;
    this.desired = desired;
    this.quirks = quirksOf(pf);
  }

  add(stage: Stage, ...steps: readonly Step[]): void {
    this.#stages.set(stage, [...(this.#stages.get(stage) ?? []), ...steps]);
  }

  refuse(refusal: Omit<Refusal, "pf">): void {
    this.refusals.push({ pf: this.pf.bdf, ...refusal });
  }

  warn(warning: Omit<Refusal, "pf">): void {
    this.warnings.push({ pf: this.pf.bdf, ...warning });
  }

  /** Nothing can be planned on what was not read. */
  refuseUnread(what: string, value: Unread, vfIndex?: number): void {
    this.refuse({
      code: "VFL-0221",
      ...(vfIndex === undefined ? {} : { vfIndex }),
      summary: `${what} could not be read`,
      evidence: [{ fact: value.reason, from: value.path }],
      remedy: "see to it that it can be read, as by running as root",
    });
  }

  /** All VFs that there will be, in order. */
  plannedVfs(): PlannedVf[] {
    const wanted = new Map(this.desired.vfs.map((vf) => [vf.vfIndex, vf]));
    const now = new Map(this.remade ? [] : this.pf.vfs.map((vf) => [vf.vfIndex, vf]));
    return Array.from({ length: this.count }, (_, vfIndex) => ({
      vfIndex,
      now: now.get(vfIndex),
      wanted: wanted.get(vfIndex),
    }));
  }

  needModule(module: string): void {
    const name = module.replaceAll("-", "_");
    const modules = known(this.host.modules);
    if (modules?.includes(name)) return;
    const steps = this.#stages.get("modules") ?? [];
    if (!steps.some((step) => step.kind === "loadModule" && step.module === name)) {
      this.add("modules", { kind: "loadModule", module: name });
    }
  }

  finish(): PfPlan {
    const steps = STAGES.flatMap((stage) => this.#stages.get(stage) ?? []);
    const before = known(this.pf.numVfs) ?? 0;
    return {
      pf: this.pf.bdf,
      refusals: this.refusals,
      warnings: this.warnings,
      steps,
      resetsAllVfs: this.remade && before > 0,
      affected: this.affected,
      expectedMs: expectedMs(steps, this.quirks),
    };
  }
}

/** Its value, or a refusal of the plan, and undefined. */
export function required<T>(draft: PfDraft, what: string, value: T | Unread, vfIndex?: number): T | undefined {
  if (!isUnread(value)) return value as T;
  draft.refuseUnread(what, value, vfIndex);
  return undefined;
}
