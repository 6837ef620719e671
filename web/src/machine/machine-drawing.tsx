import { useCallback, useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { CellButtons } from "./cell-buttons.tsx";
import { EmptyBars } from "./empty-bars.tsx";
import { FlowLanes } from "./flow-lanes.tsx";
import { lanePaths } from "./lane-paths.ts";
import { fitOf, layoutMachine, rectOfSpot, type Spot, spotAt } from "./layout.ts";
import { stopsOf } from "./moves.ts";
import { paintMachine, type Scene, type View } from "./paint-machine.ts";
import { usePalette } from "./palette.ts";
import { spotFacts, stopFacts } from "./spot-facts.ts";
import { useDrag } from "./use-drag.ts";
import type { Machine } from "./use-machine.ts";
import { useSize } from "./use-size.ts";
import { useZoom } from "./use-zoom.ts";

interface MachineDrawingProps {
  readonly host: string;
  readonly machine: Machine;
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

/** Above the drawing and below it there is so much of the page. */
const AROUND_PX = 330;
const LEAST_HEIGHT = 320;

/** Buttons are placed anew when the view has come to rest. */
const SETTLE_MS = 80;

/**
 * The machine on a canvas as large as the view, in an element that scrolls as any other does: so panning is scrolling. Over it lie
 * buttons that nobody sees, for those who point, press keys, or have it read to them.
 */
export function MachineDrawing({ host, machine, chosen, onChoose }: MachineDrawingProps) {
  const { plan, rates } = machine;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const flows = useRef<SVGGElement>(null);
  const { width } = useSize(scroller);
  const most = useMostHeight();
  const layout = useMemo(() => layoutMachine(plan, { width, height: most }), [plan, width, most]);
  const zoom = useZoom(scroller, fitOf(layout, { width, height: most }));
  const height = Math.min(most, Math.ceil(layout.height * zoom.value));
  const lanes = useMemo(() => lanePaths(layout, rates.ofVf), [layout, rates]);
  const stops = useMemo(() => stopsOf(layout), [layout]);
  const found = useMemo(() => machine.found && new Set(machine.found), [machine.found]);
  const palette = usePalette();
  const [hovered, setHovered] = useState<Spot>();
  const [focused, setFocused] = useState<string>();
  const [allGroups, setAllGroups] = useState(false);
  const [part, setPart] = useState<View>();

  const scene: Scene = { plan, layout, lanes, palette, found, chosen, allGroups, rates };
  const latest = useRef({ scene, zoom: zoom.value, width, height, most });
  latest.current = { scene, zoom: zoom.value, width, height, most };
  const settled = useRef<ReturnType<typeof setTimeout>>(undefined);
  const painted = useRef<View>(undefined);
  const paint = useCallback(() => {
    const view = viewOf(scroller.current, latest.current);
    const context = canvas.current?.getContext("2d");
    if (view === undefined || !context) return;
    painted.current = view;
    sizeCanvas(context, view.width, latest.current.most);
    paintMachine(context, latest.current.scene, view);
    flows.current?.setAttribute("transform", `scale(${view.zoom}) translate(${-view.x} ${-view.y})`);
    clearTimeout(settled.current);
    settled.current = setTimeout(() => setPart((last) => (last && isAround(last, view) ? last : view)), SETTLE_MS);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever anything that is painted is another
  useLayoutEffect(paint, [
    paint,
    plan,
    layout,
    lanes,
    palette,
    found,
    chosen,
    allGroups,
    rates,
    zoom.value,
    width,
    height,
  ]);
  useEffect(() => () => clearTimeout(settled.current), []);
  const isDue = useRef(false);
  const scrolled = () => {
    if (isDue.current) return;
    isDue.current = true;
    requestAnimationFrame(() => {
      isDue.current = false;
      // A zoom scrolls, too, and has painted what it scrolled to.
      if (!isSameView(painted.current, viewOf(scroller.current, latest.current))) paint();
    });
  };

  const spotOf = (event: { readonly clientX: number; readonly clientY: number }) => {
    const view = viewOf(scroller.current, latest.current);
    const box = scroller.current?.getBoundingClientRect();
    if (view === undefined || box === undefined) return undefined;
    return spotAt(
      layout,
      view.x + (event.clientX - box.left) / view.zoom,
      view.y + (event.clientY - box.top) / view.zoom,
    );
  };
  const drag = useDrag(scroller);
  const facts =
    hovered !== undefined ? spotFacts(hovered, machine) : stopFacts(stops.get(focused ?? chosen ?? ""), machine);
  const percent = `${Math.round(zoom.value * 100)} %`;
  return (
    <section className="machine-drawing card" aria-label="The machine drawn">
      <div className="machine-tools row spread">
        <p className="machine-facts" role="status">
          {useDeferredValue(facts) ??
            "Point at anything, or go there with the arrows, to read what it is; Enter opens it."}
        </p>
        <div className="row">
          <label>
            <input type="checkbox" checked={allGroups} onChange={({ target }) => setAllGroups(target.checked)} />
            all IOMMU groups
          </label>
          <span className="machine-zoom">
            <button type="button" aria-label="Zoom out" onClick={() => zoom.by(1 / 1.4)}>
              −
            </button>
            <button type="button" aria-label={`${percent}, show all of it`} onClick={zoom.fit}>
              {percent}
            </button>
            <button type="button" aria-label="Zoom in" onClick={() => zoom.by(1.4)}>
              +
            </button>
          </span>
        </div>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: what can be pressed in it are buttons; from afar they are too small to be there */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
      <div
        ref={scroller}
        className="machine-scroller"
        style={{ height }}
        onScroll={scrolled}
        onPointerMove={(event) => {
          const spot = spotOf(event);
          if (!isSameSpot(spot, hovered)) setHovered(spot);
        }}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => {
          const name = event.target instanceof HTMLButtonElement ? undefined : nameOf(spotOf(event));
          if (name !== undefined && !drag.hasMoved()) onChoose(name);
        }}
        {...drag.handlers}
      >
        <div
          className="machine-room"
          style={{ width: Math.max(width, layout.width * zoom.value), height: layout.height * zoom.value }}
        >
          <div className="machine-picture" aria-hidden="true" style={{ width, height }}>
            <canvas ref={canvas} />
            <FlowLanes ref={flows} lanes={lanes} zoom={zoom.value} />
          </div>
          <EmptyBars host={host} layout={layout} zoom={zoom.value} />
          {part && (
            <CellButtons
              layout={layout}
              stops={stops}
              part={part}
              zoom={zoom.value}
              hovered={hovered && rectOfSpot(layout, hovered)}
              chosen={chosen}
              onChoose={(name) => drag.hasMoved() || onChoose(name)}
              onFocus={setFocused}
            />
          )}
        </div>
      </div>
    </section>
  );
}

/** As much as the window leaves for it. */
function useMostHeight(): number {
  const [height, setHeight] = useState(() => innerHeight);
  useEffect(() => {
    const read = () => setHeight(innerHeight);
    addEventListener("resize", read);
    return () => removeEventListener("resize", read);
  }, []);
  return Math.max(LEAST_HEIGHT, height - AROUND_PX);
}

function viewOf(
  scroller: HTMLElement | null,
  { zoom, width, height }: { readonly zoom: number; readonly width: number; readonly height: number },
): View | undefined {
  if (scroller === null || width === 0) return undefined;
  return { x: scroller.scrollLeft / zoom, y: scroller.scrollTop / zoom, zoom, width, height };
}

/** As high as a view can be: another size at each step of a zoom would be another canvas each time. */
function sizeCanvas(context: CanvasRenderingContext2D, width: number, height: number): void {
  const { canvas } = context;
  const ratio = devicePixelRatio;
  const [pixelsX, pixelsY] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixelsX || canvas.height !== pixelsY) {
    [canvas.width, canvas.height] = [pixelsX, pixelsY];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

function isSameView(a: View | undefined, b: View | undefined): boolean {
  return a?.x === b?.x && a?.y === b?.y && a?.zoom === b?.zoom && a?.width === b?.width && a?.height === b?.height;
}

/** Whether buttons that were made for one view do for another: those half a view around it are there, too. */
function isAround(made: View, view: View): boolean {
  return (
    made.zoom === view.zoom &&
    made.width === view.width &&
    made.height === view.height &&
    Math.abs(made.x - view.x) * view.zoom < view.width / 3 &&
    Math.abs(made.y - view.y) * view.zoom < view.height / 3
  );
}

function isSameSpot(a: Spot | undefined, b: Spot | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.placed === b.placed && a.kind === b.kind && (a.kind !== "cell" || b.kind !== "cell" || a.index === b.index);
}

function nameOf(spot: Spot | undefined): string | undefined {
  switch (spot?.kind) {
    case "pf":
      return spot.placed.bar.pf.metadata.name;
    case "cell":
      return spot.placed.bar.cells[spot.index]?.metadata.name;
    case "holder":
      return spot.placed.holder.isGuest ? spot.placed.holder.key : undefined;
    case "node":
      return spot.placed.node.bridge?.bdf;
    case undefined:
      return undefined;
  }
}
