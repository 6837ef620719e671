import type { DeviceUser } from "../../kernel/port-users.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Evidence } from "../preflight/check.ts";
import type { Step } from "./step.ts";

/** What would be done to bring a host from what it is to what is wanted. Plain data; empty where nothing differs. */
export interface Plan {
  readonly desired: readonly DesiredPf[];
  /** One for each PF that is wanted, by address. */
  readonly pfs: readonly PfPlan[];
  /** Of no single PF: policies that contradict each other, a selector that finds nothing. */
  readonly refusals: readonly Refusal[];
}

export interface PfPlan {
  readonly pf: PfAddress;
  /** Nothing at all of the plan is done where one PF has some. */
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
  /** In the order in which they are done. `loadModule` is in the plan of each PF that needs it, and done once. */
  readonly steps: readonly Step[];
  /** All VFs are taken away and made anew: the kernel has no other way from one number to another. */
  readonly resetsAllVfs: boolean;
  /** Who notices: users of VFs that are changed, in the words of the plan. */
  readonly affected: readonly Affected[];
  /** About how long the steps take; 0 where there are none. */
  readonly expectedMs: number;
}

/** Why something is not done, or what to know before. Data, since it can be foreseen. */
export interface Refusal {
  /** Of the catalogue. */
  readonly code: string;
  readonly pf?: PfAddress;
  readonly vfIndex?: number;
  /** The answer in one line. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** Who would lose what. */
  readonly users?: readonly VfUser[];
  readonly remedy: string;
}

export interface VfUser {
  readonly vfIndex: number;
  readonly user: DeviceUser;
}

export interface Affected {
  readonly vfIndex: number;
  readonly user: DeviceUser;
  /** As `its VLAN changes from 100 to 200`. */
  readonly how: string;
}

/** Whether anything stands in the way of the plan. */
export function isRefused({ refusals, pfs }: Plan): boolean {
  return refusals.length > 0 || pfs.some((pf) => pf.refusals.length > 0);
}

/** Whether there is nothing to do. */
export function isSettled({ pfs }: Plan): boolean {
  return pfs.every(({ steps }) => steps.length === 0);
}

/** A plan in one word: one that is refused may have nothing to do as well. */
export function verdictOf(plan: Plan): "refused" | "settled" | "changes" {
  if (isRefused(plan)) return "refused";
  return isSettled(plan) ? "settled" : "changes";
}
