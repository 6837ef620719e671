import type { MachinePlan } from "./machine-plan.ts";
import { type Rate, sumOfRates } from "./traffic.ts";

/** What goes through a machine's VFs, summed once for all that shows it. */
export interface MachineRates {
  readonly ofVf: (name: string) => Rate | undefined;
  /** Of all VFs that somebody has. */
  readonly ofHolder: (key: string) => Rate | undefined;
  /** Names of the VFs that drop frames now. */
  readonly dropping: ReadonlySet<string>;
}

export function machineRates(plan: MachinePlan, rateOf: (vf: string) => Rate | undefined): MachineRates {
  const vfs = plan.bars.flatMap(({ cells }) => cells.flatMap((vf) => (vf ? [vf.metadata.name] : [])));
  const known = new Map(vfs.flatMap((name) => [[name, rateOf(name)] as const]));
  const holders = new Map(
    plan.holders.map((holder) => [holder.key, sumOfRates(holder.vfs.map(({ metadata }) => known.get(metadata.name)))]),
  );
  return {
    ofVf: (name) => known.get(name),
    ofHolder: (key) => holders.get(key),
    dropping: new Set(vfs.filter((name) => dropsOf(known.get(name)) > 0)),
  };
}

export function dropsOf(rate: Rate | undefined): number {
  return (rate?.rxDropsPerS ?? 0) + (rate?.txDropsPerS ?? 0);
}
