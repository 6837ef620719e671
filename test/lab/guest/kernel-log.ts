import { constants, openSync, readSync } from "node:fs";
import { parseRecord } from "../../../src/kernel/linux/kmsg.ts";

/** The kernel's log from now on. */
export class KernelLog {
  readonly #fd = openSync("/dev/kmsg", constants.O_RDONLY | constants.O_NONBLOCK);
  readonly #buffer = Buffer.alloc(16 * 1024);
  readonly #lines: string[] = [];

  constructor() {
    this.length();
    this.#lines.length = 0;
  }

  /** How many lines there are. */
  length(): number {
    for (;;) {
      try {
        const count = readSync(this.#fd, this.#buffer);
        this.#lines.push(...(parseRecord(this.#buffer.toString("utf8", 0, count))?.lines ?? []));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") return this.#lines.length;
        // EPIPE: a record was overwritten before it was read.
        if (code !== "EPIPE") throw error;
      }
    }
  }

  /** Lines from `start` on that name a function. */
  since(start: number, bdf: string): string[] {
    return this.#lines.slice(start, this.length()).filter((line) => line.includes(bdf));
  }
}
