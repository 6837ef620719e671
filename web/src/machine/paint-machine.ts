import type { LaneBundle } from "./lane-paths.ts";
import {
  CELL_HEIGHT,
  CELL_WIDTH,
  cellRect,
  cellsWithin,
  type Layout,
  type PlacedBar,
  type PlacedNode,
  type Rect,
  touches,
} from "./layout.ts";
import type { HolderBox, MachinePlan } from "./machine-plan.ts";
import type { MachineRates } from "./machine-rates.ts";
import { fitText, paintCell } from "./paint-cell.ts";
import { paintLanes } from "./paint-lanes.ts";
import type { Palette } from "./palette.ts";
import { linkWords, pfDeviceName, pfMark, rateArrows, shortKind, withoutLegalForm } from "./words.ts";

/** The part of the drawing that is seen: its corner in the drawing's pixels, its size in the screen's. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  readonly width: number;
  readonly height: number;
}

export interface Scene {
  readonly plan: MachinePlan;
  readonly layout: Layout;
  readonly lanes: readonly LaneBundle[];
  readonly palette: Palette;
  /** Names that a search found; undefined where nothing is searched. */
  readonly found: ReadonlySet<string> | undefined;
  readonly chosen: string | undefined;
  /** Also IOMMU groups of one member. */
  readonly allGroups: boolean;
  readonly rates: MachineRates;
}

type Painter = CanvasRenderingContext2D;

/** All that is seen, once; the canvas is as large as the view. */
export function paintMachine(context: Painter, scene: Scene, view: View): void {
  const { layout } = scene;
  context.clearRect(0, 0, view.width, view.height);
  const part = partOf(view);
  paintLanes(context, scene, view);
  for (const placed of layout.nodes) if (touches(placed, part)) paintNode(context, scene, placed, view);
  for (const bar of layout.bars) {
    if (bar.y > part.y + part.height || bar.y + bar.height < part.y) continue;
    paintPf(context, scene, bar, view);
    for (const index of cellsWithin(bar, layout.cellsX, part)) paintBarCell(context, scene, bar, index, view);
    paintGroups(context, scene, bar, view);
  }
  for (const placed of layout.holders)
    if (touches(placed, part)) paintHolder(context, scene, placed.holder, placed, view);
}

/** The view in the drawing's pixels. */
export function partOf({ x, y, zoom, width, height }: View): Rect {
  return { x, y, width: width / zoom, height: height / zoom };
}

function onScreen(rect: Rect, { x, y, zoom }: View): Rect {
  return { x: (rect.x - x) * zoom, y: (rect.y - y) * zoom, width: rect.width * zoom, height: rect.height * zoom };
}

function isDim({ found }: Scene, name: string | undefined): boolean {
  return found !== undefined && (name === undefined || !found.has(name));
}

function paintNode(context: Painter, { palette, found }: Scene, placed: PlacedNode, view: View): void {
  const { node, parent } = placed;
  context.globalAlpha = found === undefined ? 1 : 0.4;
  const box = onScreen(placed, view);
  if (parent !== undefined) paintLink(context, palette, parent, placed, node.bridge?.link?.width ?? null, view);
  outline(context, palette.surface, palette.lineStrong, box);
  const [kind = "", address = ""] = node.bridge === undefined ? [node.label] : node.label.split(/ (?=\S+$)/);
  const link = linkWords(node.bridge?.link ?? null) ?? "";
  // What a link could be is told where the node is pointed at.
  paintText(context, palette, visibleBox(box, view), [
    [kind, shortKind(kind)],
    [address, address.replace(/^0000:/, "")],
    [link, link.split(" of ")[0] ?? ""],
  ]);
  context.globalAlpha = 1;
}

/** A line as thick as the link has lanes. */
function paintLink(context: Painter, palette: Palette, from: Rect, to: Rect, lanes: number | null, view: View): void {
  const start = onScreen(from, view);
  const end = onScreen(to, view);
  const y = end.y + Math.min(end.height, start.height) / 2;
  context.strokeStyle = palette.lineStrong;
  context.lineWidth = lanes === null ? 1 : Math.max(1, Math.log2(lanes) + 1) * Math.min(1, view.zoom + 0.3);
  context.beginPath();
  context.moveTo(start.x + start.width, y);
  context.lineTo(end.x, y);
  context.stroke();
}

function paintPf(context: Painter, scene: Scene, placed: PlacedBar, view: View): void {
  const { palette } = scene;
  const { bar, parent } = placed;
  const { pf } = bar;
  const box = onScreen(placed, view);
  context.globalAlpha = isDim(scene, pf.metadata.name) ? 0.25 : 1;
  if (parent !== undefined) paintLink(context, palette, parent, placed, bar.link?.width ?? null, view);
  const sign = pfMark(bar);
  outline(
    context,
    palette.surface,
    sign === undefined ? palette.lineStrong : sign === "✖" ? palette.bad : palette.warn,
    box,
    pf.metadata.name === scene.chosen ? palette.accent : undefined,
  );
  const { numVfs, driverLimit, driver, device } = pf.status;
  const name = pfDeviceName(pf);
  const mark = sign === undefined ? "" : `${sign} `;
  const count = `${numVfs ?? "?"} of ${driverLimit ?? "?"} VFs`;
  paintText(context, palette, { ...box, height: Math.min(box.height, 70) }, [
    [`${mark}${pf.metadata.name} ${name}`, `${mark}${pf.metadata.name}`, `${mark}${pf.metadata.name.slice(5)}`],
    device === null ? "device not known" : [device, withoutLegalForm(device)],
    `${driver ?? ("driver" in pf.status.unknown ? "driver ?" : "no driver")} · ${count}`,
  ]);
  context.globalAlpha = 1;
}

function paintBarCell(context: Painter, scene: Scene, bar: PlacedBar, index: number, view: View): void {
  const vf = bar.bar.cells[index];
  const rect = onScreen(cellRect(bar, scene.layout.cellsX, index), view);
  const isDropping = vf !== undefined && scene.rates.dropping.has(vf.metadata.name);
  paintCell(context, scene.palette, rect, vf, { isDim: isDim(scene, vf?.metadata.name), isDropping });
  if (vf === undefined) return;
  const isFound = scene.found?.has(vf.metadata.name) === true;
  if (vf.metadata.name !== scene.chosen && !isFound) return;
  context.strokeStyle = isFound ? scene.palette.warn : scene.palette.accent;
  context.lineWidth = 2.5;
  context.strokeRect(rect.x - 1, rect.y - 1, rect.width + 2, rect.height + 2);
}

/** A hairline around cells side by side that are in one IOMMU group: they go to one guest, or to none. */
function paintGroups(context: Painter, { palette, layout, plan, allGroups }: Scene, bar: PlacedBar, view: View): void {
  if (view.zoom * CELL_WIDTH < 10) return;
  const { cells } = bar.bar;
  const groupOf = (index: number) => cells[index]?.status.iommuGroup ?? null;
  context.strokeStyle = palette.group;
  context.lineWidth = 1;
  context.font = `10px ${palette.font}`;
  for (let first = 0; first < cells.length; first++) {
    const group = groupOf(first);
    if (group === null || (!allGroups && (plan.groups.get(group)?.length ?? 1) < 2)) continue;
    let last = first;
    while ((last + 1) % bar.columns !== 0 && groupOf(last + 1) === group) last++;
    const start = cellRect(bar, layout.cellsX, first);
    const width = (last - first + 1) * CELL_WIDTH - 4;
    const box = onScreen({ x: start.x - 1.5, y: start.y - 3, width: width + 3, height: CELL_HEIGHT + 6 }, view);
    context.strokeRect(Math.round(box.x) + 0.5, Math.round(box.y) + 0.5, Math.round(box.width), Math.round(box.height));
    first = last;
  }
}

function paintHolder(context: Painter, scene: Scene, holder: HolderBox, placed: Rect, view: View): void {
  const { palette } = scene;
  const box = onScreen(placed, view);
  context.globalAlpha = isDim(scene, holder.key) ? 0.25 : holder.vfs.length === 0 ? 0.7 : 1;
  outline(
    context,
    palette.surface,
    holder.isGuest ? palette.lineStrong : palette.line,
    box,
    holder.key === scene.chosen ? palette.accent : undefined,
  );
  const rate = scene.rates.ofHolder(holder.key);
  paintText(context, palette, box, [
    [holder.label, holder.label.slice(holder.label.indexOf(":") + 1)],
    rate === undefined ? "" : rateArrows(rate),
    holder.vfs.length === 0 ? "no VF" : `${holder.vfs.length} ${holder.vfs.length === 1 ? "VF" : "VFs"}`,
  ]);
  context.globalAlpha = 1;
}

function outline(context: Painter, fill: string, stroke: string, { x, y, width, height }: Rect, chosen?: string): void {
  context.beginPath();
  context.roundRect(
    Math.round(x) + 0.5,
    Math.round(y) + 0.5,
    Math.round(width),
    Math.round(height),
    Math.min(5, width / 8),
  );
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = chosen ?? stroke;
  context.lineWidth = chosen === undefined ? 1 : 2.5;
  context.stroke();
}

/** The words of a high box stay where they are seen. */
function visibleBox(box: Rect, view: View): Rect {
  const top = Math.max(box.y, 0);
  const bottom = Math.min(box.y + box.height, view.height);
  return { ...box, y: top, height: Math.max(0, bottom - top) };
}

const LINE = 15;

/** As many lines as there is room for, in the size that the page's text has, whatever the zoom. */
function paintText(
  context: Painter,
  palette: Palette,
  { x, y, width, height }: Rect,
  lines: readonly (string | readonly string[])[],
): void {
  const shown = lines.filter((line) => line !== "").slice(0, Math.floor((height - 2) / (LINE - 1)));
  if (width < 34) return;
  context.textBaseline = "middle";
  const top = y + (height - shown.length * LINE) / 2 + LINE / 2;
  shown.forEach((line, row) => {
    context.font = `${row === 0 ? "600 " : ""}12px ${palette.font}`;
    context.fillStyle = row === 0 ? palette.text : palette.muted;
    context.fillText(fitText(context, line, width - 14), x + 7, top + row * LINE);
  });
}
