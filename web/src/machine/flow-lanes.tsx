import type { Ref } from "react";
import { type LaneBundle, widthOfRate } from "./lane-paths.ts";

interface FlowLanesProps {
  readonly ref: Ref<SVGGElement>;
  readonly lanes: readonly LaneBundle[];
  readonly zoom: number;
}

/** More that move at once are no clearer, and cost. */
const MOST_MOVING = 120;

/** What moves: dashes along the lanes with traffic, those with the most of it first. One strand for each direction. */
export function FlowLanes({ ref, lanes, zoom }: FlowLanesProps) {
  const moving = lanes
    .map((lane) => ({
      lane,
      toHolder: widthOfRate(lane.rate?.rxBitsPerS),
      fromHolder: widthOfRate(lane.rate?.txBitsPerS),
    }))
    .filter(({ toHolder, fromHolder }) => toHolder + fromHolder > 0)
    .sort((a, b) => b.toHolder + b.fromHolder - a.toHolder - a.fromHolder)
    .slice(0, MOST_MOVING);
  return (
    <svg className="machine-flows" aria-hidden="true">
      <g ref={ref}>
        {moving.map(({ lane, toHolder, fromHolder }) => (
          <g key={lane.key}>
            {toHolder > 0 && (
              <Strand path={lane.path} width={toHolder} offset={fromHolder > 0 ? -fromHolder / 2 / zoom : 0} />
            )}
            {fromHolder > 0 && (
              <Strand path={lane.path} width={fromHolder} offset={toHolder > 0 ? toHolder / 2 / zoom : 0} isBack />
            )}
          </g>
        ))}
      </g>
    </svg>
  );
}

interface StrandProps {
  readonly path: string;
  readonly width: number;
  readonly offset: number;
  readonly isBack?: boolean;
}

function Strand({ path, width, offset, isBack = false }: StrandProps) {
  return (
    <path
      d={path}
      className={isBack ? "strand back" : "strand"}
      strokeWidth={width}
      transform={`translate(0 ${offset})`}
    />
  );
}
