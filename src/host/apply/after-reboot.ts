import type { StepOf } from "../plan/step.ts";
import { failureOf } from "./go-back.ts";
import type { KeptPort, Operation, OperationFailure } from "./operation.ts";
import { operationFailure } from "./step-outcome.ts";

const REMEDY = "see who has which VFs: vfleet guests; what is desired comes by: vfleet apply";

/**
 * What is left of an operation that a reboot has cut off: no VF and no setting, but what lies on a disk. What it was to keep is
 * written once all else is done, so where that had begun it is ended; definitions of guests are not the host's, and only told of.
 * @returns undefined where nothing is left
 */
export async function leftAfterReboot(operation: Operation, kept?: KeptPort): Promise<OperationFailure | undefined> {
  const parts = [...definitionsLeft(operation), await keepRest(operation, kept)].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  const message = `the host was rebooted meanwhile; what is left of it: ${parts.join("; ")}`;
  return { ...operationFailure("VFL-0313", message), remedy: REMEDY };
}

async function keepRest({ keeps, state }: Operation, kept?: KeptPort): Promise<string | undefined> {
  if (kept === undefined || keeps === undefined || state !== "applying") return undefined;
  try {
    if (!(await kept.isBegun(keeps))) return undefined;
    await kept.keep(keeps);
    return "what it was to keep is kept";
  } catch (error) {
    return `what it was to keep is kept in part: ${failureOf(error).message}`;
  }
}

/** Definitions that steps have changed, or may have: libvirt keeps them over a reboot. */
function definitionsLeft({ steps, events }: Operation): readonly string[] {
  const left = new Map<string, string>();
  let current = steps;
  let isUndoing = false;
  for (const event of events) {
    if (event.event === "undoBegun") {
      current = event.steps;
      isUndoing = true;
    }
    const step = "step" in event ? current[event.step] : undefined;
    if (step?.kind !== "attachGuest" && step?.kind !== "detachGuest") continue;
    if (!isInDefinition(step)) continue;
    const { guest, pf, vfIndex } = step;
    const key = `${guest} ${pf} ${vfIndex}`;
    const vf = `VF ${vfIndex} of ${pf}`;
    // Back as it was.
    if (isUndoing && event.event === "stepDone") left.delete(key);
    else if (step.kind === "attachGuest") left.set(key, `${guest} may have ${vf} in its definition`);
    else left.set(key, `${guest} may not have ${vf} in its definition any more`);
  }
  return [...left.values()];
}

function isInDefinition({ attachment }: StepOf<"attachGuest"> | StepOf<"detachGuest">): boolean {
  return attachment?.place === "definition" || attachment?.place === "both";
}
