import type { DecodedCapability } from "./capability.ts";
import type { DecodedFunction } from "./decode.ts";

/** The first of a function's capabilities with this ID (not an extended one's); undefined where none was found. */
export function capabilityById(fn: DecodedFunction | undefined, id: number): DecodedCapability | undefined {
  return fn?.capabilities.find((capability) => capability.id === id);
}
