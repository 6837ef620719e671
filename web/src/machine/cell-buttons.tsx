import { type CSSProperties, type KeyboardEvent, memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { CELL_HEIGHT, cellRect, cellsWithin, type Layout, type Rect } from "./layout.ts";
import { nextStop, type Stop } from "./moves.ts";
import type { View } from "./paint-machine.ts";
import { holderLabel, pfLabel, vfLabel } from "./words.ts";

interface CellButtonsProps {
  readonly layout: Layout;
  readonly stops: ReadonlyMap<string, Stop>;
  /** Buttons are made for it and what is near it. */
  readonly part: View;
  readonly zoom: number;
  /** What the pointer is at. */
  readonly hovered: Rect | undefined;
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
  readonly onFocus: (name: string | undefined) => void;
}

/** Smaller cells are pressed by where they are; only the one that has the focus is a button then. */
const LEAST_BUTTON_PX = 12;
const MOST_BUTTONS = 400;

/** One of them can be reached by Tab; the arrows lead to the others. */
export function CellButtons({ layout, stops, part, zoom, hovered, chosen, onChoose, onFocus }: CellButtonsProps) {
  const [wanted, setWanted] = useState<string>();
  const at = [wanted, chosen].find((name) => name !== undefined && stops.has(name)) ?? stops.keys().next().value;
  const layer = useRef<HTMLDivElement>(null);
  const isMoving = useRef(false);
  useLayoutEffect(() => {
    if (!isMoving.current || at === undefined) return;
    isMoving.current = false;
    layer.current?.querySelector<HTMLElement>(`[data-name="${CSS.escape(at)}"]`)?.focus();
  });
  const pressed = (event: KeyboardEvent) => {
    const stop = stops.get((event.target as HTMLElement).dataset.name ?? "");
    const next = stop && nextStop(layout, stop, event.key);
    if (next === undefined) return;
    event.preventDefault();
    isMoving.current = true;
    setWanted(next);
  };
  const shown = useMemo(() => shownStops(layout, stops, part), [layout, stops, part]);
  const current = at === undefined ? undefined : stops.get(at);
  const all = current === undefined || shown.includes(current) ? shown : [...shown, current];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows move between the buttons that are in it
    <div
      ref={layer}
      className="machine-buttons"
      // The buttons take the variable over: another value at each step of a zoom would style all of them anew.
      style={{ transform: `scale(${zoom})`, "--zoom": part.zoom } as CSSProperties}
      onKeyDown={pressed}
    >
      {hovered && <div className="machine-hovered" style={boxStyle(hovered)} />}
      {all.map((stop) => (
        <StopButton
          key={stop.name}
          stop={stop}
          cellsX={layout.cellsX}
          isAt={stop.name === at}
          isChosen={stop.name === chosen}
          onChoose={onChoose}
          onFocus={(name) => {
            onFocus(name);
            if (name !== undefined) setWanted(name);
          }}
        />
      ))}
    </div>
  );
}

/** PFs and guests near the view, and the cells, where they are neither too small nor too many. */
function shownStops(layout: Layout, stops: ReadonlyMap<string, Stop>, view: View): readonly Stop[] {
  const [width, height] = [view.width / view.zoom, view.height / view.zoom];
  const near = { x: view.x - width / 2, y: view.y - height / 2, width: width * 2, height: height * 2 };
  const found: Stop[] = [];
  const add = (name: string | undefined) => {
    const stop = name === undefined ? undefined : stops.get(name);
    if (stop !== undefined) found.push(stop);
  };
  const isNear = ({ y, height: own }: Rect) => y < near.y + near.height && y + own > near.y;
  for (const bar of layout.bars) if (isNear(bar)) add(bar.bar.pf.metadata.name);
  for (const placed of layout.nodes) if (isNear(placed)) add(placed.node.id);
  for (const placed of layout.holders) if (isNear(placed)) add(placed.holder.key);
  if (found.length > MOST_BUTTONS || CELL_HEIGHT * view.zoom < LEAST_BUTTON_PX) return found.slice(0, MOST_BUTTONS);
  const cells = layout.bars.flatMap((bar) =>
    cellsWithin(bar, layout.cellsX, near).map((index) => bar.bar.cells[index]),
  );
  if (cells.length > MOST_BUTTONS) return found;
  for (const vf of cells) add(vf?.metadata.name);
  return found;
}

interface StopButtonProps {
  readonly stop: Stop;
  readonly cellsX: number;
  readonly isAt: boolean;
  readonly isChosen: boolean;
  readonly onChoose: (name: string) => void;
  readonly onFocus: (name: string | undefined) => void;
}

const StopButton = memo(
  function StopButton({ stop, cellsX, isAt, isChosen, onChoose, onFocus }: StopButtonProps) {
    return (
      <button
        type="button"
        data-name={stop.name}
        tabIndex={isAt ? 0 : -1}
        aria-label={labelOf(stop)}
        aria-pressed={isChosen}
        style={boxStyle(rectOf(stop, cellsX))}
        onClick={() => onChoose(stop.name)}
        onFocus={() => onFocus(stop.name)}
        onBlur={() => onFocus(undefined)}
      />
    );
  },
  (a, b) => a.stop === b.stop && a.cellsX === b.cellsX && a.isAt === b.isAt && a.isChosen === b.isChosen,
);

function labelOf({ bar, vf, holder, node }: Stop): string {
  if (node !== undefined) return node.node.label;
  if (holder !== undefined) return holderLabel(holder.holder);
  if (vf !== undefined) return vfLabel(vf);
  return bar === undefined ? "" : pfLabel(bar.bar);
}

function rectOf({ bar, vf, holder, node }: Stop, cellsX: number): Rect {
  if (bar !== undefined && vf !== undefined) return cellRect(bar, cellsX, vf.status.vfIndex);
  return node ?? holder ?? bar ?? { x: 0, y: 0, width: 0, height: 0 };
}

function boxStyle({ x, y, width, height }: Rect) {
  return { left: x, top: y, width, height };
}
