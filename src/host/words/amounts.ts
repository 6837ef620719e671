const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A time for a person: 40 ms, 1.5 s, 2 min. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(Math.round(ms / 10) * 10, 10)} ms`;
  return ms < MINUTE ? `${(ms / SECOND).toFixed(1)} s` : `${Math.round(ms / MINUTE)} min`;
}

/** `1 PF`, `2 PFs`. */
export function plural(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
