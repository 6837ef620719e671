import assert from "node:assert/strict";
import { test } from "node:test";
import { cellRect, cellsWithin, fitOf, layoutMachine, type Rect, spotAt, touches } from "./layout.ts";
import { bigMachine, threePfs } from "./testing/machines.ts";

const VIEW = { width: 1240, height: 480 };
const BIG = layoutMachine(bigMachine(), VIEW);
const SMALL = layoutMachine(threePfs(), VIEW);

for (const [name, layout] of [
  ["a small machine", SMALL],
  ["4,096 VFs", BIG],
] as const) {
  test(`nothing of ${name} lies on anything else, or outside`, () => {
    const cells = layout.bars.flatMap((bar) => bar.bar.cells.map((_, index) => cellRect(bar, layout.cellsX, index)));
    const boxes: Rect[] = [...layout.bars, ...layout.holders, ...layout.nodes];
    for (const { x, y, width, height } of [...boxes, ...cells]) {
      assert.ok(x >= 0 && y >= 0 && x + width <= layout.width && y + height <= layout.height);
    }
    boxes.forEach((box, index) => {
      for (const other of boxes.slice(index + 1)) assert.ok(!touches(box, other));
    });
    for (const cell of cells.slice(0, 600)) assert.ok(!boxes.some((box) => touches(box, cell)));
  });

  test(`what is at the middle of a cell of ${name} is that cell`, () => {
    for (const bar of layout.bars) {
      bar.bar.cells.forEach((_, index) => {
        const { x, y, width, height } = cellRect(bar, layout.cellsX, index);
        const spot = spotAt(layout, x + width / 2, y + height / 2);
        assert.deepEqual(spot, { kind: "cell", placed: bar, index });
      });
    }
  });
}

test("a small machine has its bars in one row each, and is drawn nearly as large as it is", () => {
  assert.deepEqual(
    SMALL.bars.map(({ rowTops }) => rowTops.length),
    [1, 1, 1],
  );
  assert.ok(fitOf(SMALL, VIEW) > 0.65);
});

test("long bars are broken into rows, so that each of 4,096 cells has some pixels", () => {
  const zoom = fitOf(BIG, VIEW);
  const { width, height } = cellRect(BIG.bars[0] as never, BIG.cellsX, 0);
  assert.ok(width * zoom >= 5 && height * zoom >= 3, `${width * zoom} x ${height * zoom}`);
});

test("in a view of the other shape bars have more rows", () => {
  const tall = layoutMachine(bigMachine(), { width: 480, height: 1240 });
  assert.ok((tall.bars[0]?.columns ?? 0) < (BIG.bars[0]?.columns ?? 0));
});

test("tracks of a row do not cross: further to the left is further down", () => {
  const rows = Map.groupBy(BIG.lanes, ({ bar, row }) => `${bar.bar.pf.metadata.name} ${row}`);
  for (const lanes of rows.values()) {
    const byPlace = lanes.toSorted((a, b) => a.fromX - b.fromX);
    for (const [index, { trackY }] of byPlace.entries())
      assert.ok(index === 0 || trackY < (byPlace[index - 1]?.trackY ?? 0));
  }
});

test("each VF that somebody has is one lane, which ends at the holder's box", () => {
  assert.equal(BIG.lanes.length, 16 * 192);
  for (const { toX, toY, holder } of BIG.lanes) {
    assert.equal(toX, holder.x);
    assert.ok(toY > holder.y && toY < holder.y + holder.height);
  }
});

test("the cells within a part are those that touch it", () => {
  const part = { x: BIG.cellsX + 900, y: (BIG.bars[5]?.y ?? 0) + 40, width: 500, height: 300 };
  for (const bar of BIG.bars) {
    const expected = bar.bar.cells.flatMap((_, index) =>
      touches(cellRect(bar, BIG.cellsX, index), part) ? [index] : [],
    );
    assert.deepEqual(new Set(cellsWithin(bar, BIG.cellsX, part)), new Set(expected));
  }
});

test("a host without PFs has a layout, too", () => {
  const { bars, lanes, width } = layoutMachine({ roots: [], bars: [], holders: [], groups: new Map() }, VIEW);
  assert.deepEqual([bars.length, lanes.length, width > 0], [0, 0, true]);
});
