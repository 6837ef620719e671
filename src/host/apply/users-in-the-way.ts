import { isUnread, type Observed } from "../../kernel/port.ts";
import type { DeviceUser } from "../../kernel/port-users.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { guestName } from "../guest-port.ts";
import { isAbsent } from "../observe.ts";
import { pfOf, type Step, type StepOf } from "../plan/step.ts";
import { driverOf, vfAddress } from "./find-devices.ts";
import { failure, type StepContext, type StepFailure } from "./step-outcome.ts";

/**
 * Who would lose a VF by the step. A plan has no such step where somebody uses the VF; this is for whoever came since it
 * was made, also to VFs that the operation has made itself: others find them as soon as they are there.
 */
export async function usersInTheWay(step: Step, context: StepContext): Promise<StepFailure | undefined> {
  const vfs: Bdf[] = [];
  for (const vf of await takenAway(step, context)) {
    if (!isUnread(vf)) vfs.push(vf);
    // Without its link there is no such VF, as of a simulated PF: what uses its VFs nobody can see, and there is nothing to use.
    else if (vf.errno !== "ENOENT")
      return inTheWay(`whether a VF of ${pfOf(step)} is in use is not known: ${vf.path}: ${vf.reason}`);
  }
  if (vfs.length === 0) return undefined;
  for (const [bdf, { users, notLookedAt }] of await context.kernel.usersOf(vfs)) {
    const user = users.find((each) => !isItsOwn(step, each));
    if (user) return inTheWay(`${bdf} is in use now: ${user.evidence}`);
    const [gap] = notLookedAt;
    if (gap) return inTheWay(`whether ${bdf} is in use is not known: ${gap.reason}`);
  }
  return undefined;
}

/** What a guest is defined with already it may get plugged in. */
function isItsOwn(step: Step, { kind, who }: DeviceUser): boolean {
  if (step.kind !== "attachGuest" || step.from?.place !== "definition") return false;
  return kind === "definedGuest" && who.guest?.name === guestName(step.guest);
}

function inTheWay(message: string): StepFailure {
  return failure("VFL-0308", message, { remedy: "end the use, then plan again" });
}

async function takenAway(step: Step, context: StepContext): Promise<readonly Observed<Bdf>[]> {
  switch (step.kind) {
    case "setNumVfs":
      return Promise.all(Array.from({ length: step.from }, (_, vfIndex) => vfAddress(context, step.pf, vfIndex)));
    case "bindDriver":
      return ofItsDriver(step, context);
    case "resetVf":
      return [await vfAddress(context, step.pf, step.vfIndex)];
    case "attachGuest":
      // Plugged in already, and to come into the definition as well.
      return step.from?.place === "live" ? [] : [await vfAddress(context, step.pf, step.vfIndex)];
    case "setNvmeOnline":
      return step.to ? [] : ofItsDriver(step, context);
    default:
      return [];
  }
}

/** The VF where a driver has it, whatever the plan knew: without one nobody can use it. */
async function ofItsDriver(
  { pf, vfIndex }: StepOf<"bindDriver" | "setNvmeOnline">,
  context: StepContext,
): Promise<readonly Observed<Bdf>[]> {
  const bdf = await vfAddress(context, pf, vfIndex);
  if (isUnread(bdf)) return [bdf];
  const driver = await driverOf(context, bdf);
  return driver === null || isAbsent(driver) ? [] : [bdf];
}
