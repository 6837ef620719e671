import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Allocation } from "../../host/desired/allocation.ts";
import { type EndedClaim, endedClaims, leftByClaims } from "../../host/desired/claim-lifetime.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import { planReset } from "../../host/plan/plan-reset.ts";
import type { HostState, PfState } from "../../host/state/host-state.ts";
import { known } from "../../kernel/port.ts";
import { claimedApart, type HostSetting } from "../host-setting.ts";
import { planWishes } from "../wishes.ts";
import type { RequestOf } from "./change-request.ts";
import { type Draft, keepingOf, type Look } from "./planned-change.ts";

/**
 * Back to no VFs, on PFs that are named, on those of a policy, or on all; or the VFs of claims alone.
 * @throws VfleetError VFL-0001, VFL-0232, VFL-0233
 */
export async function planRelease(host: HostSetting, request: RequestOf<"release">, look: Look): Promise<Draft> {
  const { pfs = [], all, policy, claim, ended } = request;
  const given = [pfs.length > 0, all === true, policy !== undefined, claim !== undefined, ended === true];
  if (given.filter(Boolean).length !== 1) {
    throw new VfleetError("VFL-0001", {
      message: "whose VFs are to be released?",
      remedy: "name PFs, or give --policy NAME, --claim NAME, --ended or --all: one of them",
    });
  }
  if (claim !== undefined) return releaseClaim(host, claim, look);
  if (ended) return releaseEnded(host, look);
  const state = host.planning.stateOf(await look());
  const desired = (await choose(host, state, request))
    .filter((pf) => known(pf.numVfs) !== 0)
    .map((pf): DesiredPf => ({ pf: pf.bdf, wantedBy: ["release"], onShrink: "refuse", numVfs: 0, vfs: [] }));
  const plan = await host.planning.plan(state, desired);
  return { host, state, plan, title: desired.map(({ pf }) => pf).join(", ") };
}

async function choose(
  host: HostSetting,
  { pfs }: HostState,
  { pfs: names = [], all, policy, files }: RequestOf<"release">,
): Promise<readonly PfState[]> {
  if (all) return pfs;
  if (policy === undefined) {
    return names.map((name) => {
      const found = pfs.find(({ bdf }) => bdf === name);
      if (found === undefined) throw new VfleetError("VFL-0233", { message: `no PF of this host is ${name}` });
      return found;
    });
  }
  const { documents, resolved } = await planWishes(host, files);
  const named = documents.policies.find(({ metadata }) => metadata.name === policy);
  if (named === undefined) {
    throw new VfleetError("VFL-0232", {
      message: `there is no policy ${policy}`,
      remedy: `there are ${documents.policies.map(({ metadata }) => metadata.name).join(", ")}`,
      details: { policy },
    });
  }
  // VFs that another policy has made, or somebody by hand, are not this one's to take away.
  if (named.spec.numVfs === undefined) {
    throw new VfleetError("VFL-0232", {
      message: `policy ${policy} makes no VFs: it says nothing of numVfs`,
      remedy: "release the policy that does, or name PFs",
      details: { policy },
    });
  }
  const wanted = resolved.desired.filter(({ wantedBy }) => wantedBy.includes(`policy ${policy}`)).map(({ pf }) => pf);
  return pfs.filter(({ bdf }) => wanted.includes(bdf));
}

/** Of claims that have ended, and what others have left; of nobody where there is none. */
async function releaseEnded(host: HostSetting, look: Look): Promise<Draft> {
  const seen = await look();
  const ended = endedClaims([], host.claims, seen.state.guests, new Date());
  const left = leftByClaims(host.claims, ended);
  const names = [...ended, ...left].map(({ claim }) => claim);
  return releaseClaims(host, names, isOverBy(ended), async () => seen);
}

/** A function of its own: what is kept with a plan would keep what was read of the host as well, if both were of one scope. */
function isOverBy(ended: readonly EndedClaim[]): (allocation: Allocation) => boolean {
  const over = new Set(ended.map(({ claim }) => claim));
  return ({ claim, left }) => over.has(claim) || left === true;
}

async function releaseClaim(host: HostSetting, claim: string, look: Look): Promise<Draft> {
  const { claims: all } = host;
  if (!all.some((each) => each.claim === claim)) {
    throw new VfleetError("VFL-0232", {
      message: `no VF was given to a claim ${claim}`,
      remedy:
        all.length === 0 ? "no claim has a VF" : `claims are ${[...new Set(all.map((each) => each.claim))].join(", ")}`,
      details: { claim },
    });
  }
  return releaseClaims(host, [claim], (each) => each.claim === claim, look);
}

/**
 * The VFs of claims are made as new, and nobody's again. Their guests must have let go of them: the claims themselves are no use of
 * theirs any longer.
 */
async function releaseClaims(
  host: HostSetting,
  names: readonly string[],
  isOver: (allocation: Allocation) => boolean,
  look: Look,
): Promise<Draft> {
  const { claims: all } = host;
  const planning = claimedApart(host, isOver);
  const state = planning.stateOf(await look());
  const targets = state.pfs.flatMap(({ bdf, identity, vfs }) => {
    const own = all.filter((each) => isOver(each) && each.pfKey === identity.key);
    const vfIndexes = own.map(({ vfIndex }) => vfIndex).filter((index) => vfs.some((vf) => vf.vfIndex === index));
    return vfIndexes.length === 0 ? [] : [{ pf: bdf, vfIndexes }];
  });
  const replan = (now: HostState) => planReset(now, targets);
  const rest = all.filter((each) => !isOver(each));
  return {
    host: { ...host, planning },
    state,
    plan: replan(state),
    replan,
    title: names.length === 0 ? "" : `${names.length === 1 ? "claim" : "claims"} ${names.join(", ")}`,
    keeping: keepingOf(host, undefined, names.length === 0 ? undefined : { allocations: { from: all, to: rest } }),
  };
}
