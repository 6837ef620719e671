import type { Waiting, Within } from "../port-outcome.ts";

const DEADLINE_MS = 5000;

/** The answer, or that it is still worked at when the time is over or `signal` says so. */
export async function within<T>(target: string, finished: Promise<T>, waiting: Waiting = {}): Promise<Within<T>> {
  const { deadlineMs = DEADLINE_MS, signal } = waiting;
  signal?.throwIfAborted();
  let stop = () => {};
  const over = new Promise<undefined>((resolve) => {
    const timer = setTimeout(resolve, deadlineMs, undefined);
    const abort = () => resolve(undefined);
    signal?.addEventListener("abort", abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  const answer = await Promise.race([finished, over]);
  stop();
  return answer ?? { kind: "pending", target, finished: () => finished };
}
