import type { Operation, OperationEvent, OperationFailure, OperationState } from "../apply/operation.ts";

const OVERTAKEN = "VFL-0313";

/** What has come of an operation. */
export function endWords({ state, failure }: Pick<Operation, "state" | "failure">): string {
  switch (state) {
    case "settled":
      return "verified by reading back";
    case "undone":
      return "undone: all is as it was before";
    case "overtaken":
      if (failure?.code === OVERTAKEN) return "overtaken by what has come since";
      return "the host was rebooted meanwhile: nothing of it is left";
    case "stuck":
      return "stuck: neither as wished nor as before";
    default:
      return "not ended";
  }
}

/** What is to be told beside its end; null where there is nothing, as of a step that failed before a reboot. */
export function endFailure({ state, failure }: Pick<Operation, "state" | "failure">): OperationFailure | null {
  const isTold = state === "stuck" || state === "undone" || (state === "overtaken" && failure?.code === OVERTAKEN);
  return isTold ? failure : null;
}

/** The command that goes on with one that was not ended; undefined where there is nothing to go on with. */
export function goOnCommand(state: OperationState): string | undefined {
  if (state === "stuck") return "vfleet recover --stuck";
  return state === "applying" || state === "undoing" ? "vfleet recover" : undefined;
}

/** What was seen of a phase, and how long the guest stood still. */
export function phaseFact({ evidence, downtimeMs }: Extract<OperationEvent, { event: "phase" }>): string {
  return downtimeMs === undefined ? evidence : `${evidence}; it stood still for ${downtimeMs} ms`;
}
