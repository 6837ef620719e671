import { isUnread, known } from "../../kernel/port.ts";
import { isVfioDriver } from "../drivers.ts";
import { type GuestAddress, type Guests, settingsForGuest, takesByVfio, type VfForGuest } from "../guest-port.ts";
import { isNetworkClass } from "../net-devices.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import { isRefused, type PfPlan, type Plan, type Refusal } from "./plan.ts";
import type { StepOf } from "./step.ts";

/**
 * Asks guests what would stand in the way of giving them the VFs of a plan: it becomes the plan's refusals. It is asked once more
 * right before each VF is given. Not asked about are VFs that the guest gives back before, since it has room for those, and what
 * only the plan's own steps will show: a VF that they make, an interface that a driver is to make.
 */
export async function askGuests(plan: Plan, state: HostState, guests: Guests | undefined): Promise<Plan> {
  if (guests === undefined || isRefused(plan)) return plan;
  const steps = plan.pfs.flatMap((pf) => pf.steps);
  const plugged = new Map<GuestAddress, number>();
  const plug = (guest: GuestAddress, by: number) => plugged.set(guest, (plugged.get(guest) ?? 0) + by);
  for (const step of steps) if (step.kind === "detachGuest") plug(step.guest, -1);
  const pfs: PfPlan[] = [];
  for (const each of plan.pfs) {
    const refusals: Refusal[] = [];
    const pf = state.pfs.find(({ bdf }) => bdf === each.pf);
    for (const step of each.steps) {
      if (step.kind !== "attachGuest") continue;
      const vf = pf && !givesBack(each, step) && !each.resetsAllVfs ? vfAfter(pf, each, step) : undefined;
      const found = vf ? await guests.obstacles(step.guest, vf, plugged.get(step.guest) ?? 0) : [];
      refusals.push(...found.map((obstacle) => ({ ...obstacle, pf: each.pf, vfIndex: step.vfIndex })));
      plug(step.guest, 1);
    }
    pfs.push(refusals.length === 0 ? each : { ...each, refusals });
  }
  return { ...plan, pfs };
}

function givesBack({ steps }: PfPlan, { vfIndex, guest }: StepOf<"attachGuest">): boolean {
  return steps.some((step) => step.kind === "detachGuest" && step.vfIndex === vfIndex && step.guest === guest);
}

/** The VF as the steps before will have left it. @returns undefined where that cannot be said yet */
function vfAfter(pf: PfState, { steps }: PfPlan, step: StepOf<"attachGuest">): VfForGuest | undefined {
  const { vfIndex, guest, attachment = {} } = step;
  const vf = pf.vfs.find((each) => each.vfIndex === vfIndex);
  if (vf === undefined || vf.bdf === null || isUnread(vf.iommuGroup) || isUnread(vf.driver)) return undefined;
  const bound = steps.findLast((each) => each.kind === "bindDriver" && each.vfIndex === vfIndex);
  if (bound !== undefined && !takesByVfio(guest)) return undefined;
  return {
    bdf: vf.bdf,
    driver: bound?.kind === "bindDriver" ? driverOf(bound.to) : vf.driver,
    iommuGroup: vf.iommuGroup,
    netdev: known(vf.netdevs)?.[0]?.name ?? null,
    isNetwork: isNetworkClass(known(pf.classCode) ?? 0),
    ...settingsForGuest(known(vf.settings)),
    pfOnVfio: isVfioDriver(pf.driver),
    attachment,
  };
}

function driverOf(wish: string): string | null {
  if (wish === "none") return null;
  return wish === "vfio" ? "vfio-pci" : wish;
}
