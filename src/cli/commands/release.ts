import { VfleetError } from "../../errors/vfleet-error.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import type { HostState, PfState } from "../../host/state/host-state.ts";
import { known } from "../../kernel/port.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { type HostSetting, openHost } from "../provision/setting.ts";
import { namedPf } from "../provision/vf-address.ts";
import { planWishes } from "../provision/wishes.ts";

export interface ReleaseOptions extends RunOptions {
  readonly all?: boolean;
  readonly policy?: string;
  readonly file?: readonly string[];
}

/** `vfleet release`: back to no VFs, on PFs that are named, on those of a policy, or on all. */
export async function release(pfs: readonly string[], options: ReleaseOptions): Promise<number> {
  const host = await openHost(options);
  const state = await host.planning.observe();
  const chosen = await choose(host, state, pfs, options);
  const desired = chosen
    .filter((pf) => known(pf.numVfs) !== 0)
    .map((pf): DesiredPf => ({ pf: pf.bdf, wantedBy: ["release"], onShrink: "refuse", numVfs: 0, vfs: [] }));
  const plan = await host.planning.plan(state, desired);
  const title = desired.map(({ pf }) => pf).join(", ");
  return (await runPlan(host, state, plan, { kind: "release", title }, options)).exitCode;
}

async function choose(
  host: HostSetting,
  state: HostState,
  names: readonly string[],
  { all, policy, file }: ReleaseOptions,
): Promise<readonly PfState[]> {
  if ([all === true, policy !== undefined, names.length > 0].filter(Boolean).length !== 1) {
    throw new VfleetError("VFL-0001", {
      message: "whose VFs are to be released?",
      remedy: "name PFs, or give --policy NAME, or --all",
    });
  }
  if (all) return state.pfs;
  if (policy === undefined) return names.map((name) => namedPf(state, name));
  const { documents, resolved } = await planWishes(host, file);
  if (!documents.policies.some(({ metadata }) => metadata.name === policy)) {
    throw new VfleetError("VFL-0232", {
      message: `there is no policy ${policy}`,
      remedy: `there are ${documents.policies.map(({ metadata }) => metadata.name).join(", ")}`,
      details: { policy },
    });
  }
  const wanted = resolved.desired.filter(({ wantedBy }) => wantedBy.includes(`policy ${policy}`)).map(({ pf }) => pf);
  return state.pfs.filter(({ bdf }) => wanted.includes(bdf));
}
