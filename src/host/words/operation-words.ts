import type { OperationEvent, OperationState } from "../apply/operation.ts";

/** What has come of an operation. */
export function endWords(state: OperationState): string {
  switch (state) {
    case "settled":
      return "verified by reading back";
    case "undone":
      return "undone: all is as it was before";
    case "overtaken":
      return "the host was rebooted meanwhile: nothing of it is left";
    case "stuck":
      return "stuck: neither as wished nor as before";
    default:
      return "not ended";
  }
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
