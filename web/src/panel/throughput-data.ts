import type { Rate, Sample } from "../machine/traffic.ts";

/** Seconds, then a row of values for each of the keys; null: unknown. */
export type PlotData = [number[], ...(number | null)[][]];

export const SHOWN_SECONDS = 300;

/** Samples as a plot takes them. */
export function plotData(samples: readonly Sample[], keys: readonly (keyof Rate)[]): PlotData {
  return [samples.map(({ atMs }) => atMs / 1000), ...keys.map((key) => samples.map(({ rate }) => rate?.[key] ?? null))];
}

/** The most that is known of any of the keys; undefined where nothing is. */
export function mostOf(samples: readonly Sample[], key: keyof Rate): number | undefined {
  const known = samples.map(({ rate }) => rate?.[key]).filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
