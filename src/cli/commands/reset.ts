import { VfleetError } from "../../errors/vfleet-error.ts";
import { openHost } from "../../fleet/host-setting.ts";
import { planReset } from "../../host/plan/plan-reset.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { namedVf } from "../provision/vf-address.ts";

/** `vfleet reset VF`: a VF as new, for the next tenant: Function Level Reset, and its settings scrubbed. */
export async function reset(words: readonly string[], options: RunOptions): Promise<number> {
  const host = await openHost(options);
  const state = await host.planning.observe();
  const { pf, vf, rest } = namedVf(state, words);
  if (rest.length > 0) throw new VfleetError("VFL-0001", { message: `${rest.join(" ")} is too much` });
  const replan = (now: HostState) => planReset(now, [{ pf: pf.bdf, vfIndexes: [vf.vfIndex] }]);
  const title = `${pf.bdf} VF ${vf.vfIndex}`;
  return (await runPlan(host, state, replan(state), { kind: "reset", title, replan }, options)).exitCode;
}
