import { parseLspciDump } from "../src/kernel/snapshot/lspci-dump.ts";
import { decodeFunction } from "../src/pci/decode.ts";
import { median } from "./figure.ts";
import type { BenchFunction } from "./functions.ts";

/** Rounds whose times are thrown away, until the compiler has settled. */
const WARM_UP_ROUNDS = 5;
const ROUNDS = 15;
const BYTES_PER_MB = 1e6;

/** Functions that one core decodes in a second, with each value of each register: the median of several rounds. */
export function functionsPerSecond(functions: readonly BenchFunction[]): number {
  const seconds = medianSeconds(() => {
    let parts = 0;
    for (const { bdf, config } of functions) {
      const { header, problems, capabilities, extendedCapabilities } = decodeFunction(bdf, config);
      parts += problems.length + Number(header.vendorId);
      // Values are decoded when they are asked for.
      for (const { values } of capabilities) if (values) parts++;
      for (const { values } of extendedCapabilities) if (values) parts++;
    }
    return parts;
  });
  return functions.length / seconds;
}

/** Megabytes of a dump's text that one core reads in a second. */
export function parsedMegabytesPerSecond(dump: Uint8Array): number {
  return dump.length / BYTES_PER_MB / medianSeconds(() => parseLspciDump(dump, "bench").functions.length);
}

/** @param work gives a number that depends on all of it, so that nothing can be left out. */
function medianSeconds(work: () => number): number {
  const first = work();
  const times: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const started = performance.now();
    if (work() !== first || first === 0) throw new Error("two rounds of the same work differ");
    if (round >= 0) times.push((performance.now() - started) / 1000);
  }
  return median(times);
}
