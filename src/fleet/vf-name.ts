import { VfleetError } from "../errors/vfleet-error.ts";
import type { HostState, PfState, VfState } from "../host/state/host-state.ts";

const VF_NAME = /^(.+)-vf(\d{1,5})$/;

/** `0000:01:00.0-vf3`: a VF by what does not change while it is there. */
export function vfName(pf: string, vfIndex: number): string {
  return `${pf}-vf${vfIndex}`;
}

/** A VF of a host, with its PF. */
export interface FoundVf {
  readonly pf: PfState;
  readonly vf: VfState;
}

/** @throws VfleetError VFL-0233 where the host has none of that name */
export function vfNamed({ pfs }: HostState, name: string): FoundVf {
  const [, address, digits] = VF_NAME.exec(name) ?? [];
  const pf = pfs.find(({ bdf }) => bdf === address);
  if (pf === undefined) throw new VfleetError("VFL-0233", { message: `there is no VF ${name}`, details: { name } });
  return { pf, vf: vfOf(pf, Number(digits)) };
}

/** @throws VfleetError VFL-0233 where it has no such */
export function vfOf(pf: PfState, vfIndex: number): VfState {
  const vf = pf.vfs.find((each) => each.vfIndex === vfIndex);
  if (vf !== undefined) return vf;
  throw new VfleetError("VFL-0233", {
    message: `${pf.bdf} has no VF ${vfIndex}; it has ${pf.vfs.length === 0 ? "none" : `0 to ${pf.vfs.length - 1}`}`,
    details: { pf: pf.bdf, vfIndex },
  });
}
