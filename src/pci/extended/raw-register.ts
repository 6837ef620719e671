import { hex } from "../bdf.ts";
import { bits, type Field } from "../register.ts";

/** A register whose fields are not told apart here: its value in hexadecimal. Nothing is said about writing to it. */
export function rawRegister(width: 16 | 32, doc?: string): Field<string> {
  return bits(width - 1, 0, "RO", { value: (raw) => hex(raw, width / 4), ...(doc === undefined ? {} : { doc }) });
}
