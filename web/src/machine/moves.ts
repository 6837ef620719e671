import type { VirtualFunctionObject } from "../api/objects.ts";
import type { Layout, PlacedBar, PlacedHolder, PlacedNode } from "./layout.ts";
import { isBar } from "./machine-plan.ts";

/** What can have the focus, by the name of its object. */
export interface Stop {
  readonly name: string;
  readonly bar?: PlacedBar;
  /** Of a cell. */
  readonly vf?: VirtualFunctionObject;
  readonly holder?: PlacedHolder;
  /** Of a bridge. */
  readonly node?: PlacedNode;
}

/** Everything that can have the focus, in the order of reading. */
export function stopsOf({ bars, holders, nodes }: Layout): ReadonlyMap<string, Stop> {
  const stops: Stop[] = [
    ...bars.flatMap((bar): Stop[] => [
      { name: bar.bar.pf.metadata.name, bar },
      ...bar.bar.cells.flatMap((vf): Stop[] => (vf ? [{ name: vf.metadata.name, bar, vf }] : [])),
    ]),
    ...nodes.filter(({ node }) => node.bridge !== undefined).map((node): Stop => ({ name: node.node.id, node })),
    ...holders.filter(({ holder }) => holder.isGuest).map((holder): Stop => ({ name: holder.holder.key, holder })),
  ];
  return new Map(stops.map((stop) => [stop.name, stop]));
}

/** Where a key leads to from a stop; undefined where it leads nowhere. */
export function nextStop(layout: Layout, from: Stop, key: string): string | undefined {
  if (from.node !== undefined) return fromBridge(layout, from.node, key);
  if (from.holder !== undefined) return fromHolder(layout, from.holder, key);
  if (from.bar === undefined) return undefined;
  return from.vf === undefined ? fromPf(layout, from.bar, key) : fromVf(layout, from.bar, from.vf, key);
}

/** Right to what hangs on it, left to what it hangs on, up and down to others in its column. */
function fromBridge({ nodes }: Layout, placed: PlacedNode, key: string): string | undefined {
  const column = nodes.filter(({ x, node }) => x === placed.x && node.bridge !== undefined).sort((a, b) => a.y - b.y);
  const place = column.indexOf(placed);
  switch (key) {
    case "ArrowRight": {
      const [child] = placed.node.children;
      return child && (isBar(child) ? child.pf.metadata.name : child.id);
    }
    case "ArrowLeft":
      return bridgeAt(placed.parent);
    case "ArrowUp":
      return column[place - 1]?.node.id;
    case "ArrowDown":
      return column[place + 1]?.node.id;
    default:
      return undefined;
  }
}

function bridgeAt(placed: PlacedNode | undefined): string | undefined {
  return placed?.node.bridge && placed.node.id;
}

function fromPf(layout: Layout, bar: PlacedBar, key: string): string | undefined {
  const place = layout.bars.indexOf(bar);
  switch (key) {
    case "ArrowRight":
    case "Home":
      return vfsOf(bar)[0] ?? firstGuest(layout);
    case "ArrowLeft":
      return bridgeAt(bar.parent);
    case "End":
      return vfsOf(bar).at(-1);
    case "ArrowUp":
    case "PageUp":
      return nameOf(layout.bars[place - 1]);
    case "ArrowDown":
    case "PageDown":
      return nameOf(layout.bars[place + 1]);
    default:
      return undefined;
  }
}

function fromVf(layout: Layout, bar: PlacedBar, vf: VirtualFunctionObject, key: string): string | undefined {
  const { vfIndex } = vf.status;
  const { columns } = bar;
  const place = layout.bars.indexOf(bar);
  switch (key) {
    case "ArrowLeft":
      return beside(bar, vfIndex, -1) ?? nameOf(bar);
    case "ArrowRight":
      return beside(bar, vfIndex, 1) ?? guestOf(vf) ?? firstGuest(layout);
    case "ArrowUp":
      return at(bar, vfIndex - columns) ?? inBar(layout.bars[place - 1], vfIndex % columns, "last");
    case "ArrowDown":
      return at(bar, vfIndex + columns) ?? inBar(layout.bars[place + 1], vfIndex % columns, "first");
    case "Home":
      return vfsOf(bar)[0];
    case "End":
      return vfsOf(bar).at(-1);
    case "PageUp":
      return nameOf(layout.bars[place - 1]);
    case "PageDown":
      return nameOf(layout.bars[place + 1]);
    default:
      return undefined;
  }
}

function fromHolder({ holders, bars }: Layout, placed: PlacedHolder, key: string): string | undefined {
  const guests = holders.filter(({ holder }) => holder.isGuest);
  const place = guests.indexOf(placed);
  switch (key) {
    case "ArrowLeft":
      return placed.holder.vfs[0]?.metadata.name ?? nameOf(bars[0]);
    case "ArrowUp":
      return guests[place - 1]?.holder.key;
    case "ArrowDown":
      return guests[place + 1]?.holder.key;
    case "Home":
      return guests[0]?.holder.key;
    case "End":
      return guests.at(-1)?.holder.key;
    default:
      return undefined;
  }
}

function nameOf(bar: PlacedBar | undefined): string | undefined {
  return bar?.bar.pf.metadata.name;
}

function guestOf({ status }: VirtualFunctionObject): string | undefined {
  return status.guest ?? undefined;
}

function firstGuest({ holders }: Layout): string | undefined {
  return holders.find(({ holder }) => holder.isGuest)?.holder.key;
}

function vfsOf({ bar }: PlacedBar): readonly string[] {
  return bar.cells.flatMap((vf) => (vf ? [vf.metadata.name] : []));
}

/** The next VF in a direction, over places where there is none. */
function beside({ bar }: PlacedBar, from: number, step: 1 | -1): string | undefined {
  for (let index = from + step; index >= 0 && index < bar.cells.length; index += step) {
    const vf = bar.cells[index];
    if (vf !== undefined) return vf.metadata.name;
  }
  return undefined;
}

function at({ bar }: PlacedBar, index: number): string | undefined {
  return bar.cells[index]?.metadata.name;
}

/** Of another bar, the cell in the same column of its first or last row; the bar's PF where it has no VFs. */
function inBar(placed: PlacedBar | undefined, column: number, row: "first" | "last"): string | undefined {
  if (placed === undefined) return undefined;
  const { bar, columns } = placed;
  const lastVf = bar.cells.findLastIndex((vf) => vf !== undefined);
  if (lastVf < 0) return nameOf(placed);
  const first = row === "first" ? 0 : Math.floor(lastVf / columns) * columns;
  return at(placed, first + column) ?? at(placed, lastVf) ?? nameOf(placed);
}
