import { isUnread } from "../../kernel/port.ts";
import { hex } from "../../pci/bdf.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { PfAddress } from "../pf-address.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import type { OperationPf } from "./operation.ts";

/** By the address that a PF had as the operation was written down, the one that it has now. */
export type PfPlaces = ReadonlyMap<PfAddress, PfAddress>;

/** A PF as records of operations know it. */
export function recordedPf(pf: PfState): OperationPf {
  return { bdf: pf.bdf, key: pf.identity.key, ...deviceOf(pf) };
}

/** Where the PFs of an operation are now, by what they are known by; without those that are not there. */
export function findPfs(recorded: readonly OperationPf[], { pfs }: HostState): PfPlaces {
  return new Map(
    recorded.flatMap((each) => {
      const found = pfs.find((pf) => isSamePf(each, recordedPf(pf)));
      return found ? [[each.bdf, found.bdf] as const] : [];
    }),
  );
}

/** Whether it is one PF: a slot may have another card by then. */
export function isSamePf(one: Omit<OperationPf, "bdf">, other: Omit<OperationPf, "bdf">): boolean {
  if (one.key !== other.key) return false;
  return one.device === undefined || other.device === undefined || one.device === other.device;
}

/** What was wanted of PFs, or was there, at the addresses that they have now; of those that are there. */
export function atPlaces(desired: readonly DesiredPf[], places: PfPlaces): readonly DesiredPf[] {
  return desired.flatMap((each) => {
    const pf = places.get(each.pf);
    return pf === undefined ? [] : [{ ...each, pf }];
  });
}

/** What it is, where that is known. */
function deviceOf({ vendorId, deviceId }: PfState): Pick<OperationPf, "device"> {
  if (isUnread(vendorId) || isUnread(deviceId)) return {};
  return { device: `${hex(vendorId, 4)}:${hex(deviceId, 4)}` };
}
