import type { VirtualFunctionObject } from "../api/objects.ts";
import type { Rect } from "./layout.ts";
import type { Palette } from "./palette.ts";
import { holderOf, type VfStateWord, vfProblems, vfStateOf } from "./vf-state.ts";

/** What is drawn of a cell, which changes with its object only. */
interface CellLook {
  readonly state: VfStateWord;
  readonly isTroubled: boolean;
  readonly number: string;
  readonly lines: readonly string[];
  /** Of the lines, in pixels: measured when they are first painted. Measuring anew at each step of a zoom costs whole frames. */
  widths: readonly number[] | undefined;
}

const LOOKS = new WeakMap<VirtualFunctionObject, CellLook>();

function lookOf(vf: VirtualFunctionObject): CellLook {
  const known = LOOKS.get(vf);
  if (known !== undefined) return known;
  const { vfIndex, bdf, driver, netdevs } = vf.status;
  const lines = [
    `VF ${vfIndex}`,
    bdf?.slice(5) ?? "",
    holderOf(vf)?.label ?? netdevs?.[0]?.name ?? driver ?? ("driver" in vf.status.unknown ? "driver ?" : "no driver"),
  ];
  const look: CellLook = {
    state: vfStateOf(vf),
    isTroubled: vfProblems(vf).length > 0,
    number: String(vfIndex),
    lines,
    widths: undefined,
  };
  LOOKS.set(vf, look);
  return look;
}

/** Below this width a cell is a part of a texture: filled, without an outline. */
const LEAST_OUTLINED = 7;
const LEAST_NUMBERED = 30;
const LEAST_WORDED = 64;
const LINE = 13;

export interface CellMarks {
  /** Not among what a search found. */
  readonly isDim: boolean;
  readonly isDropping: boolean;
}

/** A cell in pixels of the screen. */
export function paintCell(
  context: CanvasRenderingContext2D,
  palette: Palette,
  rect: Rect,
  vf: VirtualFunctionObject | undefined,
  { isDim, isDropping }: CellMarks,
): void {
  context.globalAlpha = isDim ? 0.2 : 1;
  if (vf === undefined) paintPlace(context, palette, rect);
  else {
    const look = lookOf(vf);
    if (rect.width < LEAST_OUTLINED) paintDot(context, palette, rect, look, isDropping);
    else paintBox(context, palette, rect, look, isDropping);
  }
  context.globalAlpha = 1;
}

/** Where a VF may be made. */
function paintPlace(context: CanvasRenderingContext2D, palette: Palette, { x, y, width, height }: Rect): void {
  if (width < LEAST_OUTLINED) {
    context.fillStyle = palette.line;
    context.fillRect(x, y + height - 1, width, 1);
    return;
  }
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(Math.round(x) + 0.5, Math.round(y) + 0.5, Math.round(width) - 1, Math.round(height) - 1);
}

function paintDot(
  context: CanvasRenderingContext2D,
  palette: Palette,
  { x, y, width, height }: Rect,
  { state, isTroubled }: CellLook,
  isDropping: boolean,
): void {
  context.fillStyle = fillOf(palette, state);
  if (state === "free") {
    context.fillStyle = palette.freeLine;
    context.globalAlpha *= 0.35;
  }
  context.fillRect(x, y, width, height);
  if (!isTroubled && !isDropping) return;
  context.globalAlpha = 1;
  context.fillStyle = isDropping ? palette.bad : palette.warn;
  context.fillRect(x, y, Math.max(width, 3), Math.max(height / 2, 3));
}

function fillOf(palette: Palette, state: VfStateWord): string {
  if (state === "in use") return palette.inUse;
  return state === "configured" ? palette.configured : palette.free;
}

function paintBox(
  context: CanvasRenderingContext2D,
  palette: Palette,
  rect: Rect,
  look: CellLook,
  isDropping: boolean,
): void {
  const { state, isTroubled } = look;
  const [x, y] = [Math.round(rect.x), Math.round(rect.y)];
  const [width, height] = [Math.round(rect.width), Math.round(rect.height)];
  // Of thousands a rectangle in another costs half of what an outline does.
  if (state !== "in use") {
    context.fillStyle = state === "unclear" ? palette.warn : palette.freeLine;
    context.fillRect(x, y, width, height);
  }
  const edge = state === "in use" ? 0 : 1;
  context.fillStyle = fillOf(palette, state);
  context.fillRect(x + edge, y + edge, width - 2 * edge, height - 2 * edge);
  if (state === "unclear") hatch(context, palette, { x, y, width, height });
  if (isDropping || isTroubled) mark(context, isDropping ? palette.bad : palette.warn, palette.surface, x, y, width);
  if (width < LEAST_NUMBERED || height < LINE - 2) return;
  paintWords(context, palette, look, { x, y, width, height });
}

function paintWords(context: CanvasRenderingContext2D, palette: Palette, look: CellLook, rect: Rect): void {
  const { x, y, width, height } = rect;
  const bold = `600 11px ${palette.font}`;
  const fonts = [bold, `11px ${palette.mono}`, `11px ${palette.font}`];
  const isInUse = look.state === "in use";
  context.textBaseline = "middle";
  context.font = bold;
  context.fillStyle = isInUse ? palette.onAccent : palette.text;
  if (width < LEAST_WORDED) {
    context.fillText(look.number, x + 4, y + height / 2 + 0.5);
    return;
  }
  look.widths ??= look.lines.map((line, row) => {
    context.font = fonts[row] ?? bold;
    return context.measureText(line).width;
  });
  const count = Math.max(1, Math.min(look.lines.length, Math.floor((height - 2) / LINE)));
  const top = y + (height - (count - 1) * LINE) / 2 + 0.5;
  for (let row = 0; row < count; row++) {
    context.font = fonts[row] ?? bold;
    if (row === 1 && look.state !== "in use" && look.state !== "configured") context.fillStyle = palette.muted;
    context.fillText(shorten(look.lines[row] ?? "", look.widths[row] ?? 0, width - 10), x + 5, top + row * LINE);
  }
}

/** As much of a text as fits for sure, by its whole width alone. */
function shorten(text: string, full: number, width: number): string {
  if (full <= width) return text;
  const letters = Math.floor((text.length * width) / full) - 2;
  return letters <= 0 ? "" : `${text.slice(0, letters)}…`;
}

/** Lines across: what is not known is never plain. */
function hatch(context: CanvasRenderingContext2D, palette: Palette, { x, y, width, height }: Rect): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.beginPath();
  for (let at = -height; at < width; at += 6) {
    context.moveTo(x + at, y + height);
    context.lineTo(x + at + height, y);
  }
  context.strokeStyle = palette.warn;
  context.globalAlpha *= 0.35;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

/** A corner with an exclamation mark. */
function mark(
  context: CanvasRenderingContext2D,
  colour: string,
  inner: string,
  x: number,
  y: number,
  width: number,
): void {
  const size = Math.min(14, width / 2);
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x + width - size, y);
  context.lineTo(x + width, y);
  context.lineTo(x + width, y + size);
  context.fill();
  if (size < 12) return;
  context.fillStyle = inner;
  context.fillRect(x + width - 4, y + 2, 1.5, 4);
  context.fillRect(x + width - 4, y + 7, 1.5, 1.5);
}

/** As much of a text as fits, and that there is more; of several, the first one that fits whole. */
export function fitText(context: CanvasRenderingContext2D, text: string | readonly string[], width: number): string {
  if (typeof text !== "string") {
    const whole = text.find((each) => context.measureText(each).width <= width);
    return whole ?? fitText(context, text.at(-1) ?? "", width);
  }
  const full = context.measureText(text).width;
  if (full <= width) return text;
  // All letters taken as equally wide, then as few as it takes.
  let length = Math.ceil((text.length * width) / full);
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return length === 0 ? "" : `${text.slice(0, length)}…`;
}
