import { VfleetError } from "../../errors/vfleet-error.ts";
import { type HostSetting, openHost, planningOf } from "../../fleet/host-setting.ts";
import { planWishes } from "../../fleet/wishes.ts";
import { endedClaims } from "../../host/desired/claim-lifetime.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import { planReset } from "../../host/plan/plan-reset.ts";
import type { HostState, PfState } from "../../host/state/host-state.ts";
import { known } from "../../kernel/port.ts";
import { keepAllocations } from "../../state/desired-folder.ts";
import { print, toJson } from "../output.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { namedPf } from "../provision/vf-address.ts";

export interface ReleaseOptions extends RunOptions {
  readonly all?: boolean;
  readonly policy?: string;
  readonly claim?: string;
  readonly ended?: boolean;
  readonly file?: readonly string[];
}

/** `vfleet release`: back to no VFs, on PFs that are named, on those of a policy, or on all. */
export async function release(pfs: readonly string[], options: ReleaseOptions): Promise<number> {
  const host = await openHost(options);
  if (options.claim !== undefined) {
    refuseMore([pfs.length > 0, options.all === true, options.policy !== undefined, options.ended === true]);
    return releaseClaim(host, options.claim, options);
  }
  if (options.ended) {
    refuseMore([pfs.length > 0, options.all === true, options.policy !== undefined]);
    return releaseEnded(host, options);
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

async function releaseEnded(host: HostSetting, options: ReleaseOptions): Promise<number> {
  const ended = endedClaims([], host.claims, await host.guests?.look(), new Date()).map(({ claim }) => claim);
  if (ended.length > 0) return releaseClaims(host, ended, options);
  if (options.json) print(`${toJson({ source: host.kernel.source.name, plan: null, operation: null })}\n`);
  else print("No claim has ended.\n");
  return 0;
}

async function releaseClaim(host: HostSetting, claim: string, options: ReleaseOptions): Promise<number> {
  const { claims: all } = host;
  if (!all.some((each) => each.claim === claim)) {
    throw new VfleetError("VFL-0232", {
      message: `no VF was given to a claim ${claim}`,
      remedy:
        all.length === 0 ? "no claim has a VF" : `claims are ${[...new Set(all.map((each) => each.claim))].join(", ")}`,
      details: { claim },
    });
  }
  return releaseClaims(host, [claim], options);
}

/**
 * The VFs of claims are made as new, and nobody's again. Their guests must have let go of them: the claims themselves are no use of
 * theirs any longer.
 */
async function releaseClaims(host: HostSetting, names: readonly string[], options: ReleaseOptions): Promise<number> {
  const { claims: all, folders } = host;
  const rest = all.filter(({ claim }) => !names.includes(claim));
  const planning = planningOf({ ...host, claims: rest });
  const state = await planning.observe();
  const targets = state.pfs.flatMap(({ bdf, identity, vfs }) => {
    const own = all.filter(({ claim, pfKey }) => names.includes(claim) && pfKey === identity.key);
    const vfIndexes = own.map(({ vfIndex }) => vfIndex).filter((index) => vfs.some((vf) => vf.vfIndex === index));
    return vfIndexes.length === 0 ? [] : [{ pf: bdf, vfIndexes }];
  });
  const replan = (now: HostState) => planReset(now, targets);
  const title = `${names.length === 1 ? "claim" : "claims"} ${names.join(", ")}`;
  const origin = { kind: "release", title, replan };
  const { exitCode } = await runPlan({ ...host, planning }, state, replan(state), origin, options);
  if (exitCode === 0 && !options.dryRun) await keepAllocations(folders.state, rest);
  return exitCode;
}

function refuseMore(others: readonly boolean[]): void {
  if (!others.some(Boolean)) return;
  throw new VfleetError("VFL-0001", {
    message: "whose VFs are to be released?",
    remedy: "name PFs, or give --policy NAME, --claim NAME, --ended or --all: one of them",
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
