import type { DeviceUser } from "../../kernel/port-users.ts";
import type { Allocation } from "../desired/allocation.ts";
import type { HostState, VfState } from "./host-state.ts";

/** The same host, where claims count among the users of the VFs that they were given: promised is in use. */
export function withClaims(state: HostState, allocations: readonly Allocation[]): HostState {
  if (allocations.length === 0) return state;
  return {
    ...state,
    pfs: state.pfs.map((pf) => {
      const own = allocations.filter(({ pfKey }) => pfKey === pf.identity.key);
      return own.length === 0 ? pf : { ...pf, vfs: pf.vfs.map((vf) => withUsers(vf, own)) };
    }),
  };
}

function withUsers(vf: VfState, allocations: readonly Allocation[]): VfState {
  const more = allocations
    .filter(({ vfIndex }) => vfIndex === vf.vfIndex)
    .map(({ claim, left }): DeviceUser => {
      const evidence = left ? `the claim ${claim} had it, until: vfleet release --ended` : `the claim ${claim} has it`;
      return { kind: "definedGuest", who: { claim }, evidence };
    });
  return more.length === 0 ? vf : { ...vf, users: { ...vf.users, users: [...vf.users.users, ...more] } };
}
