import type { Lane, Layout, PlacedBar, PlacedHolder, Rect } from "./layout.ts";
import { type Rate, sumOfRates } from "./traffic.ts";

/** Lanes that are drawn as one: one VF's, or, where there are many, all from one PF to one holder. */
export interface LaneBundle {
  readonly key: string;
  readonly lanes: readonly Lane[];
  /** Of SVG and of Path2D. */
  readonly path: string;
  /** What it lies in. */
  readonly box: Rect;
  readonly rate: Rate | undefined;
}

type RateOf = (vf: string) => Rate | undefined;

/** More of them, each for itself, are a tangle that nobody reads. */
const MOST_SINGLE = 200;
const CORNER = 5;

/** @returns each VF's lane, or, of many, one from each PF to each holder */
export function lanePaths(layout: Layout, rateOf: RateOf): readonly LaneBundle[] {
  return isBundled(layout) ? bundles(layout, rateOf) : layout.lanes.map((lane) => single(lane, layout.busX, rateOf));
}

/** Whether lanes end where their tracks leave the bar, and bundles lead on. */
export function isBundled({ lanes }: Layout): boolean {
  return lanes.length > MOST_SINGLE;
}

function single(lane: Lane, busX: number, rateOf: RateOf): LaneBundle {
  const { fromX, fromY, toX, toY, trackY, vf } = lane;
  const top = Math.min(fromY, toY);
  return {
    key: vf.metadata.name,
    lanes: [lane],
    path: trackPath(lane, busX) + curve(busX, trackY, toX, toY),
    box: { x: fromX, y: top, width: toX - fromX, height: Math.max(trackY, toY) - top },
    rate: rateOf(vf.metadata.name),
  };
}

/** Down from the cell, and along its track to where all leave. */
export function trackPath({ fromX, fromY, trackY }: Lane, busX: number): string {
  const corner = Math.min(CORNER, trackY - fromY);
  return `M${fromX} ${fromY}V${trackY - corner}Q${fromX} ${trackY} ${fromX + corner} ${trackY}H${busX}`;
}

function curve(fromX: number, fromY: number, toX: number, toY: number): string {
  const bend = (toX - fromX) / 2;
  return `C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`;
}

function bundles({ lanes, busX }: Layout, rateOf: RateOf): readonly LaneBundle[] {
  const found = new Map<PlacedBar, Map<PlacedHolder, Lane[]>>();
  for (const lane of lanes) {
    const ofBar = found.get(lane.bar) ?? new Map<PlacedHolder, Lane[]>();
    found.set(lane.bar, ofBar);
    const known = ofBar.get(lane.holder);
    if (known === undefined) ofBar.set(lane.holder, [lane]);
    else known.push(lane);
  }
  return [...found].flatMap(([bar, ofBar]) =>
    [...ofBar].map(([holder, those]): LaneBundle => {
      const fromY = bar.y + bar.height / 2;
      const toY = holder.y + holder.height / 2;
      const top = Math.min(fromY, toY);
      return {
        key: `${bar.bar.pf.metadata.name} to ${holder.holder.key}`,
        lanes: those,
        path: `M${busX} ${fromY}${curve(busX, fromY, holder.x, toY)}`,
        box: { x: busX, y: top, width: holder.x - busX, height: Math.abs(toY - fromY) },
        rate: sumOfRates(those.map(({ vf }) => rateOf(vf.metadata.name))),
      };
    }),
  );
}

/** Of each decade of bits, from 10 kbit/s on. */
const DECADE_PX = 0.6;

/** How wide a lane's strand is, in pixels of the screen; 0 of no traffic. */
export function widthOfRate(bitsPerS: number | null | undefined): number {
  if (!bitsPerS || bitsPerS <= 0) return 0;
  return Math.min(6, Math.max(1, 1.5 + DECADE_PX * (Math.log10(bitsPerS) - 4)));
}
