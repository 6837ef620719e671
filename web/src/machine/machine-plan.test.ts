import assert from "node:assert/strict";
import { test } from "node:test";
import { isBar, type PfBar, planMachine, type TreeNode } from "./machine-plan.ts";
import { threePfs } from "./testing/machines.ts";
import { pfObject, vfObject } from "./testing/objects.ts";

function outline(node: TreeNode | PfBar): unknown {
  return isBar(node) ? node.pf.metadata.name : { [node.label]: node.children.map(outline) };
}

test("PFs hang below the ports that lead to them, those without any in the root complex", () => {
  assert.deepEqual(threePfs().roots.map(outline), [
    {
      "NUMA node 0": [
        {
          "root port 0000:00:01.0": [
            {
              "switch 0000:01:00.0": [
                { "switch port 0000:02:00.0": ["0000:03:00.0"] },
                { "switch port 0000:02:01.0": ["0000:04:00.0"] },
              ],
            },
          ],
        },
      ],
    },
    { "root complex": ["0000:0a:00.0"] },
  ]);
});

test("without a topology PFs are in their NUMA nodes, by address", () => {
  const plan = planMachine(
    [
      pfObject("0000:0a:00.0", { numaNode: 1 }),
      pfObject("0000:1c:00.0", { numaNode: 1 }),
      pfObject("0000:3b:00.0", { numaNode: 0 }),
    ],
    [],
    [],
    [],
  );
  assert.deepEqual(plan.roots.map(outline), [
    { "NUMA node 0": ["0000:3b:00.0"] },
    { "NUMA node 1": ["0000:0a:00.0", "0000:1c:00.0"] },
  ]);
});

test("a bar has a place for each VF that the driver allows, and for each that is there", () => {
  const [first, second, third] = threePfs().bars;
  assert.deepEqual(
    second?.cells.map((vf) => vf?.status.vfIndex),
    [0, 1, undefined, undefined, undefined, 5, undefined],
  );
  assert.equal(first?.cells.length, 7);
  assert.deepEqual(third?.cells, [undefined, undefined, undefined, undefined]);
  const unknown = planMachine(
    [pfObject("0000:01:00.0", { driverLimit: null })],
    [vfObject("0000:01:00.0", 2, {})],
    [],
    [],
  );
  assert.equal(unknown.bars[0]?.cells.length, 3);
});

test("holders are who has VFs, then guests that have none", () => {
  assert.deepEqual(
    threePfs().holders.map(({ key, vfs }) => [key, vfs.length]),
    [
      ["model:web", 2],
      ["model:db", 1],
      ["model:idle", 0],
    ],
  );
});

test("a group has its PF and its VFs", () => {
  const { groups } = threePfs();
  assert.deepEqual(groups.get(9), ["0000:04:00.0", "0000:04:00.0-vf0", "0000:04:00.0-vf1", "0000:04:00.0-vf5"]);
  assert.deepEqual(groups.get(20), ["0000:03:00.0-vf0"]);
});
