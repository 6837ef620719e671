import { CELL_HEIGHT, CELL_WIDTH, type Layout, type PlacedBar } from "./layout.ts";
import { Places } from "./places.tsx";

interface EmptyBarsProps {
  readonly host: string;
  readonly layout: Layout;
  readonly zoom: number;
}

/** There must be room for the words. */
const LEAST_WIDTH = 200;
const LEAST_HEIGHT = 18;

/** What can be done where a PF has no VF yet. */
export function EmptyBars({ host, layout, zoom }: EmptyBarsProps) {
  if (CELL_HEIGHT * zoom < LEAST_HEIGHT) return null;
  const hasRoom = ({ columns }: PlacedBar) => columns * CELL_WIDTH * zoom >= LEAST_WIDTH;
  const empty = layout.bars.filter(({ bar }) => bar.cells.length > 0 && bar.cells.every((vf) => vf === undefined));
  return empty.filter(hasRoom).map(({ bar, y }) => (
    <div
      key={bar.pf.metadata.name}
      className="machine-empty-bar"
      style={{ left: layout.cellsX * zoom, top: y * zoom, height: CELL_HEIGHT * zoom }}
    >
      <Places host={host} bar={bar} />
    </div>
  ));
}
