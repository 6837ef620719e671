import type { VirtualFunctionObject } from "../api/objects.ts";
import { type HolderBox, isBar, type MachinePlan, type PfBar, type TreeNode } from "./machine-plan.ts";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedNode extends Rect {
  readonly node: TreeNode;
  /** The box at its left that it hangs on. */
  readonly parent: PlacedNode | undefined;
}

/** A PF's box, and its cells in rows at the right of it. */
export interface PlacedBar extends Rect {
  readonly bar: PfBar;
  readonly parent: PlacedNode | undefined;
  readonly columns: number;
  /** Where each row of cells begins, from the top. */
  readonly rowTops: readonly number[];
}

export interface PlacedHolder extends Rect {
  readonly holder: HolderBox;
}

/** From a VF's cell to who has it. */
export interface Lane {
  readonly vf: VirtualFunctionObject;
  readonly bar: PlacedBar;
  readonly row: number;
  readonly holder: PlacedHolder;
  /** The middle of the cell's lower edge. */
  readonly fromX: number;
  readonly fromY: number;
  /** The track below the row of cells. */
  readonly trackY: number;
  /** Where it ends at the holder's box. */
  readonly toX: number;
  readonly toY: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly bars: readonly PlacedBar[];
  readonly holders: readonly PlacedHolder[];
  readonly lanes: readonly Lane[];
  /** Where all cells are; the same for each bar. */
  readonly cellsX: number;
  /** Where tracks leave for the holders. */
  readonly busX: number;
}

/** In pixels, as it is at the zoom of 1. */
export const CELL_WIDTH = 92;
export const CELL_HEIGHT = 50;
const NODE_WIDTH = 118;
const PF_WIDTH = 186;
const PF_HEIGHT = 62;
const BETWEEN_COLUMNS = 22;
const BETWEEN_BARS = 26;
/** Of a bar that is broken into rows. */
const LEAST_COLUMNS = 8;
const MARGIN = 12;
const TRACK = 6;
const GUTTER = 10;
const MOST_OF_TRACKS = 44;
const TO_HOLDERS = 90;
const HOLDER_WIDTH = 176;
const HOLDER_HEIGHT = 58;
const BETWEEN_HOLDERS = 10;

/** Gives everything its place, so that it fits best into a view of this size. */
export function layoutMachine(plan: MachinePlan, view: { readonly width: number; readonly height: number }): Layout {
  const most = plan.bars.reduce((sum, { cells }) => Math.max(sum, cells.length), 1);
  let best: Omit<Layout, "lanes"> | undefined;
  let bestFit = 0;
  for (let rows = 1; best === undefined || most / rows >= LEAST_COLUMNS; rows++) {
    const layout = layoutWith(plan, Math.ceil(most / rows));
    // A bar in one row is read best: more are taken only where they make it larger.
    const fit = fitOf(layout, view);
    if (best === undefined || fit > bestFit) [best, bestFit] = [layout, fit];
  }
  return { ...best, lanes: lanesOf(best.bars, best.holders, best.cellsX) };
}

/** The zoom at which all of it is seen; never more than its own size. */
export function fitOf(
  layout: Pick<Layout, "width" | "height">,
  view: { readonly width: number; readonly height: number },
): number {
  return Math.min(1, view.width / layout.width, view.height / layout.height);
}

function layoutWith(plan: MachinePlan, most: number): Omit<Layout, "lanes"> {
  const depth = Math.max(1, ...plan.roots.map(depthOf));
  const columns = Math.min(most, Math.max(1, ...plan.bars.map(({ cells }) => cells.length)));
  // Beside long bars, which are seen from afar, boxes are larger, so that their names are still read.
  const scale = Math.min(5, Math.max(1, columns / 14));
  const nodeStep = NODE_WIDTH * scale + BETWEEN_COLUMNS;
  const pfX = MARGIN + depth * nodeStep;
  const cellsX = pfX + PF_WIDTH * scale + 8;
  const nodes: PlacedNode[] = [];
  const bars: PlacedBar[] = [];
  let y = MARGIN;
  const place = (node: TreeNode, level: number, parent: PlacedNode | undefined): void => {
    const top = y;
    // What hangs on it is told its place before its height is known.
    const box = { node, parent, x: MARGIN + level * nodeStep, y: top, width: NODE_WIDTH * scale, height: 0 };
    for (const child of node.children) {
      if (isBar(child)) {
        const placed = placeBar(child, { x: pfX, y, width: PF_WIDTH * scale }, most, box);
        bars.push(placed);
        y += placed.height + BETWEEN_BARS;
      } else place(child, level + 1, box);
    }
    box.height = y - BETWEEN_BARS - top;
    nodes.push(box);
  };
  for (const root of plan.roots) place(root, 0, undefined);
  const barsBottom = y - BETWEEN_BARS + MARGIN;
  const busX = cellsX + columns * CELL_WIDTH + 10;
  const holders = placeHolders(plan, bars, { x: busX + TO_HOLDERS * scale, height: barsBottom, scale });
  const right = holders.reduce((edge, { x, width }) => Math.max(edge, x + width), busX);
  const bottom = holders.reduce((edge, { y: top, height }) => Math.max(edge, top + height + MARGIN), barsBottom);
  return { width: right + MARGIN, height: bottom, nodes, bars, holders, cellsX, busX };
}

function depthOf(node: TreeNode): number {
  return 1 + Math.max(0, ...node.children.map((child) => (isBar(child) ? 0 : depthOf(child))));
}

function placeBar(bar: PfBar, at: Omit<Rect, "height">, most: number, parent: PlacedNode): PlacedBar {
  const columns = Math.max(1, Math.min(most, bar.cells.length));
  const rowTops: number[] = [];
  let height = 0;
  for (let first = 0; first < bar.cells.length; first += columns) {
    rowTops.push(height);
    const lanes = bar.cells.slice(first, first + columns).filter((vf) => vf && hasHolder(vf)).length;
    height += CELL_HEIGHT + Math.min(lanes * TRACK, MOST_OF_TRACKS) + GUTTER;
  }
  return { ...at, height: Math.max(PF_HEIGHT, height - GUTTER), bar, parent, columns, rowTops };
}

function hasHolder({ status }: VirtualFunctionObject): boolean {
  return status.guest !== null || status.users.length > 0;
}

/** Each as near to the middle of its VFs as the others leave it; in as many columns as the height asks for. */
function placeHolders(
  plan: MachinePlan,
  bars: readonly PlacedBar[],
  { x, height, scale }: { readonly x: number; readonly height: number; readonly scale: number },
): readonly PlacedHolder[] {
  const barOf = new Map(bars.map((bar) => [bar.bar.pf.metadata.name, bar]));
  const middle = ({ vfs }: HolderBox) => {
    if (vfs.length === 0) return Number.POSITIVE_INFINITY;
    const sum = vfs.reduce((all, vf) => {
      const bar = barOf.get(vf.status.pf);
      return all + (bar ? cellRect(bar, 0, vf.status.vfIndex).y : 0);
    }, 0);
    return sum / vfs.length;
  };
  const wanted = plan.holders
    .map((holder) => ({ holder, at: middle(holder) }))
    .sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  const pitch = (HOLDER_HEIGHT + BETWEEN_HOLDERS) * scale;
  const inColumn = Math.max(6, Math.floor((height - MARGIN) / pitch));
  const columns = Math.max(1, Math.ceil(wanted.length / inColumn));
  const tops = wanted.map(() => 0);
  for (let column = 0; column < columns; column++) {
    const own = wanted.map((_, index) => index).filter((index) => Math.floor(index / inColumn) === column);
    let free = MARGIN;
    own.forEach((index, place) => {
      const last = Math.max(height - MARGIN - (own.length - place) * pitch + BETWEEN_HOLDERS * scale, free);
      const at = wanted[index]?.at ?? 0;
      tops[index] = Math.max(free, Math.min(Number.isFinite(at) ? at : free, last));
      free = (tops[index] ?? 0) + pitch;
    });
  }
  return wanted.map(({ holder }, index) => ({
    holder,
    x: x + Math.floor(index / inColumn) * (HOLDER_WIDTH * scale + BETWEEN_COLUMNS),
    y: tops[index] ?? MARGIN,
    width: HOLDER_WIDTH * scale,
    height: HOLDER_HEIGHT * scale,
  }));
}

/** Those of a row have tracks below it: the first cell's is the lowest, so that none crosses another. */
function lanesOf(bars: readonly PlacedBar[], holders: readonly PlacedHolder[], cellsX: number): readonly Lane[] {
  const barOf = new Map(bars.map((bar) => [bar.bar.pf.metadata.name, bar]));
  const rows = new Map<string, { count: number }>();
  const found = holders
    .flatMap((placed) =>
      placed.holder.vfs.flatMap((vf, order) => {
        const bar = barOf.get(vf.status.pf);
        return bar === undefined ? [] : [{ vf, bar, placed, order, row: Math.floor(vf.status.vfIndex / bar.columns) }];
      }),
    )
    .sort((a, b) => b.vf.status.vfIndex - a.vf.status.vfIndex);
  const keyOf = ({ bar, row }: { bar: PlacedBar; row: number }) => `${bar.bar.pf.metadata.name} ${row}`;
  const counts = new Map<string, number>();
  for (const lane of found) counts.set(keyOf(lane), (counts.get(keyOf(lane)) ?? 0) + 1);
  return found.map((lane): Lane => {
    const { vf, bar, placed, order, row } = lane;
    const key = keyOf(lane);
    const count = counts.get(key) ?? 1;
    const place = rows.get(key) ?? { count: 0 };
    rows.set(key, place);
    const cell = cellRect(bar, cellsX, vf.status.vfIndex);
    const step = Math.min(TRACK, MOST_OF_TRACKS / count);
    const trackY = cell.y + CELL_HEIGHT + 3 + step * place.count++;
    const toY = placed.y + (placed.height * (order + 1)) / (placed.holder.vfs.length + 1);
    return {
      vf,
      bar,
      row,
      holder: placed,
      fromX: cell.x + cell.width / 2,
      fromY: cell.y + cell.height,
      trackY,
      toX: placed.x,
      toY,
    };
  });
}

/** Where a cell is. */
export function cellRect(bar: PlacedBar, cellsX: number, index: number): Rect {
  const row = Math.floor(index / bar.columns);
  return {
    x: cellsX + (index % bar.columns) * CELL_WIDTH,
    y: bar.y + (bar.rowTops[row] ?? 0),
    width: CELL_WIDTH - 4,
    height: CELL_HEIGHT,
  };
}

/** What is at a place of the drawing. */
export type Spot =
  | { readonly kind: "node"; readonly placed: PlacedNode }
  | { readonly kind: "pf"; readonly placed: PlacedBar }
  | { readonly kind: "cell"; readonly placed: PlacedBar; readonly index: number }
  | { readonly kind: "holder"; readonly placed: PlacedHolder };

export function spotAt(layout: Layout, x: number, y: number): Spot | undefined {
  const bar = layout.bars.find((each) => y >= each.y && y < each.y + each.height);
  if (bar !== undefined && x >= layout.cellsX && x < layout.busX) {
    const index = indexAt(bar, x - layout.cellsX, y - bar.y);
    if (index !== undefined) return { kind: "cell", placed: bar, index };
  }
  if (bar !== undefined && isIn(bar, x, y)) return { kind: "pf", placed: bar };
  const holder = layout.holders.find((each) => isIn(each, x, y));
  if (holder !== undefined) return { kind: "holder", placed: holder };
  const node = layout.nodes.find((each) => isIn(each, x, y));
  return node && { kind: "node", placed: node };
}

export function rectOfSpot({ cellsX }: Layout, spot: Spot): Rect {
  return spot.kind === "cell" ? cellRect(spot.placed, cellsX, spot.index) : spot.placed;
}

function indexAt({ columns, rowTops, bar }: PlacedBar, x: number, y: number): number | undefined {
  const row = rowTops.findLastIndex((top) => top <= y);
  const column = Math.floor(x / CELL_WIDTH);
  if (row < 0 || column < 0 || column >= columns || y - (rowTops[row] ?? 0) >= CELL_HEIGHT) return undefined;
  const index = row * columns + column;
  return index < bar.cells.length ? index : undefined;
}

export function touches(a: Rect, b: Rect): boolean {
  return a.x <= b.x + b.width && a.x + a.width >= b.x && a.y <= b.y + b.height && a.y + a.height >= b.y;
}

function isIn(rect: Rect, x: number, y: number): boolean {
  return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}

/** Which cells of a bar touch a part of the drawing: rows and columns, the last ones included. */
export function cellsWithin(bar: PlacedBar, cellsX: number, part: Rect): readonly number[] {
  if (bar.y > part.y + part.height || bar.y + bar.height < part.y) return [];
  const first = Math.max(0, Math.floor((part.x - cellsX) / CELL_WIDTH));
  const last = Math.min(bar.columns - 1, Math.floor((part.x + part.width - cellsX) / CELL_WIDTH));
  const indexes: number[] = [];
  bar.rowTops.forEach((top, row) => {
    const y = bar.y + top;
    if (y > part.y + part.height || y + CELL_HEIGHT < part.y) return;
    for (let column = first; column <= last; column++) {
      const index = row * bar.columns + column;
      if (index < bar.bar.cells.length) indexes.push(index);
    }
  });
  return indexes;
}
