import { isUnread } from "./port.ts";

declare global {
  interface JSON {
    /** Text that goes into JSON as it is (ECMAScript's JSON.parse source text access). */
    rawJSON(text: string): unknown;
  }
}

/**
 * For `JSON.stringify`: integers of any size are exact numbers, and an observation that could not be made is null. Commands and
 * the API write JSON so.
 */
export function jsonOfObserved(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return JSON.rawJSON(value.toString());
  return isUnread(value) ? null : value;
}
