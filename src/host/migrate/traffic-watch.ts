/** What somebody who sent to a guest all the while it moved has seen. */
export interface SeenTraffic {
  /** Who sent, as `ping 10.0.0.10`, `flow 1, then 2 there`. */
  readonly by: string;
  /** From one packet to the next: how exact the times are. */
  readonly intervalMs: number;
  /** Of frames that nobody answers: received. */
  readonly answered: number;
  /** null where it is not counted. */
  readonly lost: number | null;
  /** The longest time between two that were answered; null where it is not known. */
  readonly longestGapMs: number | null;
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
  if (unmeasured !== null || longestGapMs === null) return null;
  return Math.max(0, Math.round((longestGapMs - intervalMs) * 10) / 10);
}
