const STEPS = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
] as const;

/** `1.25 Gbit/s`, `0 bit/s`; of what is not counted `unknown`. */
export function bitRate(bitsPerS: number | null): string {
  return withPrefix(bitsPerS, "bit/s");
}

/** `12.5 kframes/s`, `3 frames/s`. */
export function frameRate(framesPerS: number | null): string {
  return withPrefix(framesPerS, "frames/s");
}

/** Three digits that count, and never a rate of zero for one that is none. */
function withPrefix(value: number | null, unit: string): string {
  if (value === null) return "unknown";
  if (value === 0) return `0 ${unit}`;
  if (value < 0.1) return `under 0.1 ${unit}`;
  // What would be shown as 1000 of one is 1.00 of the next.
  const [factor, prefix] = STEPS.find(([least]) => value >= least * 0.9995) ?? STEPS[STEPS.length - 1] ?? [1, ""];
  const scaled = value / factor;
  const digits =
    prefix === "" ? (scaled < 10 && !Number.isInteger(scaled) ? 1 : 0) : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${prefix}${unit}`;
}
