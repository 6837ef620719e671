import { VfleetError } from "../../errors/vfleet-error.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import { planReset } from "../../host/plan/plan-reset.ts";
import type { HostState, PfState } from "../../host/state/host-state.ts";
import { known } from "../../kernel/port.ts";
import { keepAllocations } from "../../state/desired-folder.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { type HostSetting, openHost, planningOf } from "../provision/setting.ts";
import { namedPf } from "../provision/vf-address.ts";
import { planWishes } from "../provision/wishes.ts";

export interface ReleaseOptions extends RunOptions {
  readonly all?: boolean;
  readonly policy?: string;
  readonly claim?: string;
  readonly file?: readonly string[];
}

/** `vfleet release`: back to no VFs, on PFs that are named, on those of a policy, or on all. */
export async function release(pfs: readonly string[], options: ReleaseOptions): Promise<number> {
  const host = await openHost(options);
  if (options.claim !== undefined) {
    refuseMore([pfs.length > 0, options.all === true, options.policy !== undefined]);
    return releaseClaim(host, options.claim, options);
  }
  const state = await host.planning.observe();
  const chosen = await choose(host, state, pfs, options);
  const desired = chosen
    .filter((pf) => known(pf.numVfs) !== 0)
    .map((pf): DesiredPf => ({ pf: pf.bdf, wantedBy: ["release"], onShrink: "refuse", numVfs: 0, vfs: [] }));
  const plan = await host.planning.plan(state, desired);
  const title = desired.map(({ pf }) => pf).join(", ");
  return (await runPlan(host, state, plan, { kind: "release", title }, options)).exitCode;
}

/**
 * The VFs of a claim are made as new, and nobody's again. Its guest must have let go of them: the claim itself is no use of theirs
 * any longer.
 */
async function releaseClaim(host: HostSetting, claim: string, options: ReleaseOptions): Promise<number> {
  const { claims: all, folders } = host;
  const rest = all.filter((each) => each.claim !== claim);
  if (rest.length === all.length) {
    throw new VfleetError("VFL-0232", {
      message: `no VF was given to a claim ${claim}`,
      remedy:
        all.length === 0 ? "no claim has a VF" : `claims are ${[...new Set(all.map((each) => each.claim))].join(", ")}`,
      details: { claim },
    });
  }
  const planning = planningOf({ ...host, claims: rest });
  const state = await planning.observe();
  const targets = state.pfs.flatMap(({ bdf, identity, vfs }) => {
    const own = all.filter((each) => each.claim === claim && each.pfKey === identity.key);
    const vfIndexes = own.map(({ vfIndex }) => vfIndex).filter((index) => vfs.some((vf) => vf.vfIndex === index));
    return vfIndexes.length === 0 ? [] : [{ pf: bdf, vfIndexes }];
  });
  const replan = (now: HostState) => planReset(now, targets);
  const origin = { kind: "release", title: `claim ${claim}`, replan };
  const { exitCode } = await runPlan({ ...host, planning }, state, replan(state), origin, options);
  if (exitCode === 0 && !options.dryRun) await keepAllocations(folders.state, rest);
  return exitCode;
}

function refuseMore(others: readonly boolean[]): void {
  if (!others.some(Boolean)) return;
  throw new VfleetError("VFL-0001", {
    message: "whose VFs are to be released?",
    remedy: "name PFs, or give --policy NAME, --claim NAME or --all: one of them",
  });
}

async function choose(
  host: HostSetting,
  state: HostState,
  names: readonly string[],
  { all, policy, file }: ReleaseOptions,
): Promise<readonly PfState[]> {
  const given = [all === true, policy !== undefined, names.length > 0].filter(Boolean).length;
  refuseMore([given !== 1]);
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
