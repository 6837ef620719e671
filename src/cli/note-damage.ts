import type { VfleetError } from "../errors/vfleet-error.ts";
import { note } from "./output.ts";

/** Says that a record is left out: the others are shown all the same. */
export function noteDamage({ code, message, remedy }: VfleetError): void {
  note(`vfleet: ${code} ${message}: left out; ${remedy}`);
}
