import { isUnread, known, type Observed, unread } from "../../kernel/port.ts";
import { nearMiss } from "../../yaml/near-miss.ts";
import type { Refusal } from "../plan/plan.ts";
import type { HostState, VfState } from "../state/host-state.ts";
import type { VfClaim } from "./claim-schema.ts";
import type { Candidate } from "./claim-search.ts";
import { type PfWishes, settingFields, type Wish } from "./pf-wishes.ts";
import { selectPfs } from "./select-pfs.ts";

/** A VF that is there, or will be. */
export interface Vf extends Candidate {
  readonly wishes: PfWishes;
  readonly pool: string | undefined;
  readonly state: VfState | undefined;
}

/** One thing that a claim asks of a VF. */
export interface Demand {
  /** As it stands in the claim, or what else it is. */
  readonly text: string;
  fits(vf: Vf): boolean;
  /** What the VFs have instead. */
  there?(vfs: readonly Vf[]): string;
  readonly remedy: string;
}

export const NOT_IN_USE = "in use by nobody else";

/** What a claim asks of each VF, in the order in which it is told. */
export function demandsOf(
  state: HostState,
  claim: VfClaim,
): { demands: readonly Demand[]; refusals: readonly Refusal[] } {
  const { guest, pool, select, constraints = {} } = claim.spec;
  const { numaNode, vf: exact } = constraints;
  const wantedNode = nodeOf(state, guest, numaNode);
  const demands: Demand[] = [];
  const refusals: Refusal[] = [];
  if (pool === undefined) {
    demands.push({ text: "in no pool", fits: (vf) => vf.pool === undefined, remedy: "claim from a pool by its name" });
  } else {
    demands.push({
      text: `pool: ${pool}`,
      fits: (vf) => vf.pool === pool,
      there: (vfs) =>
        there(
          "pools",
          vfs.map((vf) => vf.pool ?? "none"),
          pool,
        ),
      remedy: "put more VFs into the pool: numVfs and vfs.range of a policy",
    });
  }
  if (select !== undefined) {
    const selection = selectPfs(state, select, `${nameOf(claim)}: spec.select`);
    refusals.push(...selection.refusals);
    const pfs = new Set(selection.pfs.map(({ bdf }) => bdf));
    demands.push({ text: "select", fits: (vf) => pfs.has(vf.pf), remedy: "let select find more PFs, or raise numVfs" });
  }
  if (isUnread(wantedNode)) {
    refusals.push({
      code: "VFL-0205",
      summary: `${nameOf(claim)}: numaNode: guest: ${wantedNode.reason}`,
      evidence: [{ fact: wantedNode.reason, from: wantedNode.path }],
      remedy: "bind the guest's memory to one node, start it first, or use preferNumaNode: guest",
    });
  } else if (wantedNode !== undefined) {
    demands.push({
      text: `numaNode: ${numaNode === "guest" ? `guest (${wantedNode})` : wantedNode}`,
      fits: (vf) => vf.wishes.pf.numaNode === wantedNode,
      there: (vfs) =>
        there(
          "NUMA nodes",
          vfs.map(({ wishes: { pf } }) => String(known(pf.numaNode) ?? "unknown")),
        ),
      remedy: "leave numaNode out, or name another node",
    });
  }
  if (exact !== undefined) {
    demands.push({
      text: `vf: ${exact.pf} VF ${exact.vfIndex}`,
      fits: (vf) => vf.pf === exact.pf && vf.vfIndex === exact.vfIndex,
      remedy: "name a VF that is there, or leave constraints.vf out",
    });
  }
  const wishes = claimWishes(claim);
  demands.push({
    text: "settings that no policy contradicts",
    fits: (vf) => vf.wishes.objection(vf.vfIndex, wishes) === undefined,
    there: (vfs) => {
      const objection = vfs.map((vf) => vf.wishes.objection(vf.vfIndex, wishes)).find((wish) => wish !== undefined);
      return objection ? `${objection.by} has ${objection.field}: ${objection.written ?? objection.value}` : "";
    },
    remedy: "leave the setting out of the claim, or out of the policy",
  });
  demands.push({
    text: NOT_IN_USE,
    fits: ({ state: vf }) => usersBut(guest, vf).length === 0,
    there: (vfs) =>
      vfs.flatMap((vf) => usersBut(guest, vf.state).map(({ evidence }) => `VF ${vf.vfIndex}: ${evidence}`))[0] ?? "",
    remedy: "free a VF, or raise numVfs",
  });
  return { demands, refusals };
}

/**
 * The number that is meant by a node.
 * @returns undefined where none is wanted; unread where the guest's is not known
 */
export function nodeOf(
  state: HostState,
  name: string,
  node: number | "guest" | undefined,
): Observed<number> | undefined {
  if (node !== "guest") return node;
  const guest = state.guests?.guests.find((each) => each.name === name);
  if (guest === undefined) return unread("guests", "ENODATA", `the guest ${name} is not there, so its node is unknown`);
  const { numaNode } = guest;
  if (numaNode === undefined) {
    return unread(
      "guests",
      "ENODATA",
      `the node of the guest ${name} cannot be told, as ${guest.address} is no process`,
    );
  }
  return numaNode ?? unread("guests", "ENODATA", `the guest ${name} is bound to no single node`);
}

/** Users of a VF other than a guest. */
export function usersBut(guest: string, vf: VfState | undefined) {
  return (vf?.users.users ?? []).filter(({ who }) => who.guest?.name !== guest);
}

/** What there is, each once, and what was likely meant. */
function there(what: string, values: readonly string[], wanted = ""): string {
  const names = [...new Set(values)].sort();
  const meant = nearMiss(
    wanted,
    names.filter((name) => name !== "none"),
  );
  return `${what} there are: ${names.join(", ") || "none"}${meant === undefined || meant === wanted ? "" : `; did you mean ${meant}?`}`;
}

/** The settings of a claim, as its wishes of each of its VFs. */
export function claimWishes(claim: VfClaim): readonly Wish[] {
  const { driver, network, msixCount, nvme } = claim.spec;
  const by = nameOf(claim);
  return settingFields({ driver, network, msixCount, nvme }).map(([field, value]) => ({
    by,
    ofClaim: true,
    field,
    value,
  }));
}

export function nameOf(claim: VfClaim): string {
  return `claim ${claim.metadata.name}`;
}
