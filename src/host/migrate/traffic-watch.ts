/** What somebody who sent to a guest all the while it moved has seen. */
export interface SeenTraffic {
  /** Who sent, as `ping 10.0.0.10`. */
  readonly by: string;
  /** From one packet to the next: how exact the times are. */
  readonly intervalMs: number;
  readonly answered: number;
  readonly lost: number;
  /** The longest time between two answers. */
  readonly longestGapMs: number;
  /** Why that is not the time without traffic; null where it is. */
  readonly unmeasured: string | null;
}

/** Traffic to a guest that is watched while it moves. */
export interface TrafficWatch {
  /** Goes on until the guest has answered for a while, or is not waited for any longer; then nobody sends any more. */
  end(): Promise<SeenTraffic>;
  /** Nobody sends any more, at once. */
  stop(): void;
}

/** How long packets got no answer; null where that was not measured. A gap between two answers has one interval in it at any time. */
export function withoutTrafficMs({ longestGapMs, intervalMs, unmeasured }: SeenTraffic): number | null {
  return unmeasured === null ? Math.max(0, Math.round(longestGapMs - intervalMs)) : null;
}
