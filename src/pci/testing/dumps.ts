import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigSpace } from "../config-space.ts";

/** Dumps of real hardware, kept beside the repository; see the README there. */
const DUMPS = join(import.meta.dirname, "../../../../shared/data");

const SLOT = /^(?:[0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?= )/;
const HEX_LINE = /^[0-9a-f]{2,3}:((?: [0-9a-f]{2})+)\s*$/;

/** One function of a dump: its configuration space, and what the lspci of that time printed of it. */
export interface DumpedFunction {
  readonly slot: string;
  readonly space: ConfigSpace;
  readonly text: string;
}

/** For a test's `skip`: why the dumps cannot be used, or false. */
export const dumpsAreMissing: string | false = existsSync(DUMPS) ? false : "the dumps are not beside the repository";

/** For a test's `skip`: why the dump cannot be used, or false. */
export function dumpIsMissing(file: string): string | false {
  return existsSync(join(DUMPS, file)) ? false : `${file} is not beside the repository`;
}

export function dumpFiles(): string[] {
  return readdirSync(DUMPS).filter((file) => file.endsWith(".txt"));
}

/** The functions of a dump in lspci's format, in its order. */
export function functionsOf(file: string): DumpedFunction[] {
  const functions: { slot: string; bytes: number[]; text: string }[] = [];
  for (const line of readFileSync(join(DUMPS, file), "utf8").split("\n")) {
    const slot = SLOT.exec(line);
    if (slot) functions.push({ slot: slot[0], bytes: [], text: "" });
    const last = functions.at(-1);
    if (last === undefined) continue;
    const hex = HEX_LINE.exec(line);
    if (hex) last.bytes.push(...parseHex(hex[1] as string));
    else last.text += `${line}\n`;
  }
  return functions.map(({ slot, bytes, text }) => ({ slot, text, space: new ConfigSpace(Uint8Array.from(bytes)) }));
}

/** The configuration space of a dump's function at `slot`, written as the dump writes it. */
export function spaceOf(file: string, slot: string): ConfigSpace {
  const found = functionsOf(file).find((fn) => fn.slot === slot);
  if (found === undefined) throw new Error(`${file} has no function ${slot}`);
  return found.space;
}

/** The bytes of hexadecimal digits, whatever stands between two pairs of them. */
export function parseHex(text: string): number[] {
  return (text.match(/[0-9a-f]{2}/gi) ?? []).map((byte) => Number.parseInt(byte, 16));
}
