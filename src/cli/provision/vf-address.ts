import { VfleetError } from "../../errors/vfleet-error.ts";
import { type FoundVf, vfOf } from "../../fleet/vf-name.ts";
import type { HostState, PfState } from "../../host/state/host-state.ts";
import { isUnread } from "../../kernel/port.ts";
import { parseBdf } from "../../pci/bdf.ts";

/** A VF that a user named, and what of the words was not its name. */
export interface NamedVf extends FoundVf {
  readonly rest: readonly string[];
}

/**
 * Finds a VF by its own address (`01:10.2`), or by its PF and number: `01:00.0 vf 3`, `eth0 vf 3`, as ip(8) has it.
 * @throws VfleetError VFL-0233, VFL-0001
 */
export function namedVf(state: HostState, words: readonly string[]): NamedVf {
  const [first = "", second, third, ...more] = words;
  const address = parseBdf(first);
  for (const pf of state.pfs) {
    const vf = pf.vfs.find(({ bdf }) => bdf === address);
    if (vf !== undefined) return { pf, vf, rest: words.slice(1) };
  }
  const pf = namedPf(state, first);
  if (second !== "vf" || third === undefined || !/^\d+$/.test(third)) {
    throw new VfleetError("VFL-0001", {
      message: `${first} is a PF: which of its VFs?`,
      remedy: `name it as: ${first} vf 0`,
    });
  }
  return { pf, vf: vfOf(pf, Number(third)), rest: more };
}

/** A PF by its address or the name of its interface or controller. @throws VfleetError VFL-0014, VFL-0233 */
export function namedPf(state: HostState, name: string): PfState {
  const address = parseBdf(name);
  const found = state.pfs.find(
    ({ bdf, netdevs, nvmeController }) =>
      bdf === address ||
      bdf === name ||
      (!isUnread(netdevs) && netdevs.some((netdev) => netdev.name === name)) ||
      (nvmeController !== null && nvmeController === name),
  );
  if (found !== undefined) return found;
  throw new VfleetError(address === undefined ? "VFL-0233" : "VFL-0014", {
    message: `no PF or VF of this host is ${name}`,
    remedy: "list them with: vfleet status",
    details: { name },
  });
}
