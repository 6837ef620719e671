import { isUnread } from "../../kernel/port.ts";
import type { DeviceUser } from "../../kernel/port-users.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { guestName } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step } from "../plan/step.ts";
import { vfAddress } from "./find-devices.ts";
import { failure, type StepContext, type StepFailure } from "./step-outcome.ts";

/**
 * Who would lose a VF by the step. A plan has no such step where somebody uses the VF; this is for whoever came since it
 * was made. VFs that the operation has made itself are looked at, too, before they are taken away.
 */
export async function usersInTheWay(step: Step, context: StepContext): Promise<StepFailure | undefined> {
  const vfs = await takenAway(step, context);
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

async function takenAway(step: Step, context: StepContext): Promise<readonly Bdf[]> {
  switch (step.kind) {
    case "setNumVfs":
      return step.from === 0 ? [] : addresses(step.pf, step.from, context);
    case "bindDriver":
      // Right after they were made nobody has found them yet.
      return step.from === null || context.isFresh(step.pf) ? [] : oneAddress(step, context);
    case "resetVf":
      return oneAddress(step, context);
    case "attachGuest":
      // Plugged in already, and to come into the definition as well.
      return step.from?.place === "live" ? [] : oneAddress(step, context);
    case "setNvmeOnline":
      return step.to || context.isFresh(step.pf) ? [] : oneAddress(step, context);
    default:
      return [];
  }
}

/** Of a simulated PF there are none: what uses its VFs nobody can see, and there is nothing of them to use. */
async function addresses(pf: PfAddress, count: number, context: StepContext): Promise<readonly Bdf[]> {
  const all = await Promise.all(Array.from({ length: count }, (_, vfIndex) => oneAddress({ pf, vfIndex }, context)));
  return all.flat();
}

async function oneAddress(
  { pf, vfIndex }: { readonly pf: PfAddress; readonly vfIndex: number },
  context: StepContext,
): Promise<readonly Bdf[]> {
  const bdf = await vfAddress(context, pf, vfIndex);
  return isUnread(bdf) ? [] : [bdf];
}
