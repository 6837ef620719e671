import type { Clock } from "./clock.ts";

/** How long is waited for what. */
export interface Patience {
  /** For one write of the kernel's, before it is told that it takes long. */
  readonly writeMs: number;
  /** For a write that takes long: till then it may still end. */
  readonly longWriteMs: number;
  /** For what a write brings about by itself: nodes, interfaces, names by udev. */
  readonly appearMs: number;
  /** More of the first and the last for each VF: 125 VFs of a ConnectX-6 take 65 s. */
  readonly perVfMs: number;
  /** For a value to be shown that was just taken. */
  readonly settleMs: number;
}

export const PATIENCE: Patience = {
  writeMs: 60_000,
  longWriteMs: 600_000,
  appearMs: 30_000,
  perVfMs: 1000,
  settleMs: 5000,
};

const FIRST_MS = 2;
const LONGEST_MS = 500;

/**
 * Asks again and again, ever more seldom, until the answer is enough or the time is over.
 * @returns the last answer
 */
export async function poll<T>(
  { clock, abandon }: { readonly clock: Clock; readonly abandon?: AbortSignal },
  limitMs: number,
  ask: () => Promise<T>,
  isEnough: (answer: T) => boolean,
): Promise<T> {
  const begin = clock.elapsedMs();
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_MS)) {
    const answer = await ask();
    const leftMs = begin + limitMs - clock.elapsedMs();
    if (isEnough(answer) || leftMs <= 0 || abandon?.aborted) return answer;
    await clock.sleep(Math.min(waitMs, leftMs), abandon);
  }
}
