import type { EndedClaim } from "../host/desired/claim-lifetime.ts";
import type { HostState } from "../host/state/host-state.ts";
import { paint } from "./terminal.ts";

/** Claims that have ended, with what they still have. @returns lines */
export function endedLines(ended: readonly EndedClaim[], { pfs }: HostState): readonly string[] {
  return ended.map(({ claim, why, vfs }) => {
    const names = vfs.map(({ pfKey, vfIndex }) => {
      const pf = pfs.find(({ identity }) => identity.key === pfKey);
      return `${pf?.bdf ?? pfKey} VF ${vfIndex}`;
    });
    const has = names.length === 0 ? "" : `; ${names.join(", ")} stays reserved until: vfleet release --ended`;
    return `${paint("warn", "ended")}  claim ${claim}: ${why}${has}`;
  });
}
