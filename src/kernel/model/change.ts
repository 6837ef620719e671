import { failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { within } from "./within.ts";

/** Begins a change, and waits for it as long as is wanted. @param act gives the errno, or throws a KernelError */
export function change(
  { time }: Linux,
  target: string,
  value: string,
  waiting: Waiting | undefined,
  act: () => Promise<string | undefined>,
): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const beganNs = time.clock.nowNs;
  const finished = (async (): Promise<Outcome> => {
    try {
      const errno = await act();
      if (errno !== undefined) return failed(target, value, errno);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return failed(target, value, error.errno, error.extack);
    }
    return { kind: "done", tookMs: (time.clock.nowNs - beganNs) / 1e6 };
  })();
  return within(target, finished, waiting);
}
