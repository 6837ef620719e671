import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Gives each line to `onLine`. @returns when there are no more, be it by an error: a QEMU that is killed resets its side */
export function readLines(input: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", onLine);
  // Node hands an input's error on, and then closes.
  lines.on("error", () => lines.close());
  return new Promise((resolve) => lines.on("close", resolve));
}
