import type { GuestObject, PfObject, VfObject } from "./chosen.ts";
import { inUseBy } from "./users.ts";

/** Why something cannot be done to a VF, PF or guest now, as far as it can be seen without a plan; undefined where nothing speaks against it. */
type WhyNot = string | undefined;

/** Of what takes a VF from whoever uses it: another driver, a reset. */
export function whyNotTaken({ status }: VfObject): WhyNot {
  const { guest, users, notLookedAt } = status;
  if (guest !== null) return `${guest} has it: detach it first.`;
  const inUse = inUseBy(users);
  if (inUse !== undefined) return `It is ${inUse}: that use ends first.`;
  const [hidden] = notLookedAt;
  return hidden === undefined ? undefined : `Whether somebody uses it is not known (${hidden}).`;
}

export function whyNotAttached({ status }: VfObject, guests: readonly GuestObject[]): WhyNot {
  const { guest, bdf, users } = status;
  if (bdf === null) return "It is no PCI function, so no guest can have it.";
  if (guest !== null) return `${guest} has it: detach it first.`;
  // A claim's VF is for the claim's guest, which the plan knows.
  const others = inUseBy(users.filter(({ who }) => who.claim === undefined));
  if (others !== undefined) return `It is ${others}: that use ends first.`;
  if (guests.length === 0) return "No guest is seen on this host: start one first.";
  if (guests.every((each) => each.status.unreachable !== null)) return "No guest can be given a VF now.";
  return undefined;
}

export function whyNotDetached({ status }: VfObject, guests: readonly GuestObject[]): WhyNot {
  if (status.guest === null) return "No guest has it.";
  const holder = guests.find(({ metadata }) => metadata.name === status.guest);
  return holder?.status.unreachable ?? undefined;
}

export function whyNotMade({ status }: PfObject): WhyNot {
  const limit = status.driverLimit ?? status.totalVfs;
  if (status.driver === null && !("driver" in status.unknown))
    return "No driver is bound to it: VFs are its driver's to make.";
  return limit === 0 ? "Its driver allows no VFs now: see what stands in the way below." : undefined;
}

export function whyNotReleased({ status }: PfObject): WhyNot {
  return status.numVfs === 0 ? "It has no VFs." : undefined;
}

export function whyNotMigrated({ status }: GuestObject, vfs: readonly VfObject[]): WhyNot {
  if (status.unreachable !== null) return status.unreachable;
  if (!status.running) return "It does not run: there is nothing to move.";
  return vfs.length === 0 ? "It has no VF of this host: vfleet moves guests with their VFs." : undefined;
}
