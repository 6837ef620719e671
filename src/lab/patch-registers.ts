import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import type { RegisterPatch } from "./machine.ts";

/** Guest memory is larger than this, what QEMU allocates for a device smaller. */
const REGION_LIMIT_BYTES = 256 * 1024 * 1024;
const ANONYMOUS_WRITABLE = /^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?$/;

/**
 * Changes registers of a device that QEMU has made and not yet run, where QEMU has no option for their value: finds the
 * bytes in its memory, and writes others there. Linux lets a parent do that to its child.
 * @returns how many places were changed; other than expected means that the bytes are not what we think they are.
 */
export function patchRegisters(pid: number, { find, replace }: RegisterPatch): number {
  const wanted = Buffer.from(find);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  let count = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from, to] = ANONYMOUS_WRITABLE.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const start = Number.parseInt(from, 16);
      const size = Number.parseInt(to, 16) - start;
      if (size > REGION_LIMIT_BYTES) continue;
      const bytes = Buffer.allocUnsafe(size);
      const have = bytes.subarray(0, readSync(memory, bytes, 0, size, start));
      for (let at = have.indexOf(wanted); at >= 0; at = have.indexOf(wanted, at + wanted.length)) {
        writeSync(memory, Buffer.from(replace), 0, replace.length, start + at);
        count += 1;
      }
    }
  } finally {
    closeSync(memory);
  }
  return count;
}
