import { isBundled, type LaneBundle, trackPath } from "./lane-paths.ts";
import { CELL_WIDTH, type Lane, type Layout, type PlacedBar, touches } from "./layout.ts";
import { partOf, type Scene, type View } from "./paint-machine.ts";

const TRACKS = new WeakMap<PlacedBar, Path2D>();
const PATHS = new WeakMap<LaneBundle | Lane, Path2D>();
/** Narrower cells show no tracks below them. */
const LEAST_TRACKED = 26;

/** From cells to who has them, as far as they are seen. */
export function paintLanes(context: CanvasRenderingContext2D, scene: Scene, view: View): void {
  const part = partOf(view);
  context.save();
  context.scale(view.zoom, view.zoom);
  context.translate(-view.x, -view.y);
  if (isBundled(scene.layout)) paintTracks(context, scene, view);
  for (const lane of scene.lanes) {
    if (!touches(lane.box, part)) continue;
    const isChosen = lane.lanes.some(
      ({ vf, holder }) => vf.metadata.name === scene.chosen || holder.holder.key === scene.chosen,
    );
    const isMany = lane.lanes.length > 1;
    const opacity = isChosen ? 1 : isMany ? 0.3 : 0.8;
    const width = isMany ? Math.min(4, 1 + Math.log2(lane.lanes.length) / 2) : 1;
    context.strokeStyle = isChosen ? scene.palette.accent : scene.palette.lineStrong;
    context.globalAlpha = lane.lanes.some((each) => isFound(scene, each)) ? opacity : opacity / 6;
    context.lineWidth = (isChosen ? Math.max(2.5, width) : width) / view.zoom;
    context.stroke(pathOf(lane, () => lane.path));
  }
  context.restore();
}

/** Of bundled lanes what is below each row, and the line that they all come to. */
function paintTracks(context: CanvasRenderingContext2D, scene: Scene, view: View): void {
  const { layout, palette, found, chosen } = scene;
  const part = partOf(view);
  const isTracked = CELL_WIDTH * view.zoom >= LEAST_TRACKED;
  context.strokeStyle = palette.lineStrong;
  context.lineWidth = 1 / view.zoom;
  for (const bar of layout.bars) {
    if (bar.bar.cells.length === 0 || bar.y > part.y + part.height || bar.y + bar.height < part.y) continue;
    context.globalAlpha = 0.6;
    context.strokeRect(layout.busX, bar.y, 0, bar.height);
    context.globalAlpha = found === undefined ? 0.7 : 0.12;
    if (isTracked) context.stroke(tracksOf(layout, bar));
  }
  if (!isTracked || (found === undefined && chosen === undefined)) return;
  for (const lane of layout.lanes) {
    const isChosen = lane.vf.metadata.name === chosen;
    if (!isChosen && (found === undefined || !isFound(scene, lane))) continue;
    context.strokeStyle = isChosen ? palette.accent : palette.lineStrong;
    context.globalAlpha = 1;
    context.stroke(pathOf(lane, () => trackPath(lane, layout.busX)));
  }
}

/** All tracks of a bar: one stroke costs less than one for each. */
function tracksOf({ lanes, busX }: Layout, bar: PlacedBar): Path2D {
  const known = TRACKS.get(bar);
  if (known !== undefined) return known;
  const own = lanes.filter((lane) => lane.bar === bar).map((lane) => trackPath(lane, busX));
  const path = new Path2D(own.join(""));
  TRACKS.set(bar, path);
  return path;
}

function isFound({ found }: Scene, { vf, holder }: Lane): boolean {
  return found === undefined || found.has(vf.metadata.name) || found.has(holder.holder.key);
}

function pathOf(lane: LaneBundle | Lane, text: () => string): Path2D {
  const known = PATHS.get(lane);
  if (known !== undefined) return known;
  const path = new Path2D(text());
  PATHS.set(lane, path);
  return path;
}
