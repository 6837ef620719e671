import { isUnread, type Kernel, known } from "../../kernel/port.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import { isVfioDriver } from "../drivers.ts";
import { type Inventory, physicalFunctions, readInventory } from "../inventory.ts";
import { isSimulated, type PfAddress } from "../pf-address.ts";
import { readHostFacts, type VfUse } from "../preflight/facts.ts";
import { type Preflight, preflight } from "../preflight/preflight.ts";
import type { HostState } from "../state/host-state.ts";

/**
 * Asks preflight about each PF whose VFs a plan would make; where it would make none, nothing is read.
 * @param read of the same look as `state`; read anew where left out
 */
export async function runPreflights(
  kernel: Kernel,
  state: HostState,
  desired: readonly DesiredPf[],
  read?: Inventory,
): Promise<ReadonlyMap<PfAddress, Preflight>> {
  const making = desired.filter(({ pf, numVfs }) => {
    // Nothing of PCI stands in the way of netdevsim.
    if (isSimulated(pf)) return false;
    const now = state.pfs.find(({ bdf }) => bdf === pf)?.numVfs;
    return numVfs !== undefined && numVfs > 0 && now !== undefined && !isUnread(now) && now !== numVfs;
  });
  const results = new Map<PfAddress, Preflight>();
  if (making.length === 0) return results;
  const inventory = read ?? (await readInventory(kernel));
  const hostFacts = await readHostFacts(kernel);
  const pfs = new Map(physicalFunctions(inventory).map((pf) => [pf.bdf, pf]));
  for (const wanted of making) {
    const pf = isSimulated(wanted.pf) ? undefined : pfs.get(wanted.pf);
    // It has gone since: the plan says so.
    if (pf === undefined) continue;
    const limit = known(pf.sriov?.driverLimit ?? null) ?? undefined;
    // More than there are is one refusal; what else would stand in the way of those that there can be is told with it.
    const vfs = Math.min(wanted.numVfs ?? 0, Math.max(limit ?? Number.POSITIVE_INFINITY, 1));
    results.set(wanted.pf, await preflight(inventory, pf, { vfs, use: useOf(wanted), hostFacts }));
  }
  return results;
}

/** Only VFIO asks more of a host than the VFs' own drivers do. */
function useOf({ vfs }: DesiredPf): VfUse | undefined {
  return vfs.some(({ driver }) => driver === "vfio" || isVfioDriver(driver)) ? "vfio" : undefined;
}
