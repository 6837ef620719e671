import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { Journal } from "./journal.ts";
import type { OperationHeader, OperationWriter } from "./operation.ts";

test("whoever looks on and fails keeps nothing from going on, and is told of what follows", async () => {
  const header = { number: 1, steps: [], pfs: [] } as unknown as OperationHeader;
  const written: string[] = [];
  const writer: OperationWriter = {
    header,
    append: async ({ event }) => void written.push(event),
    close: async () => {},
  };
  const told: string[] = [];
  const journal = new Journal(writer, systemClock, (progress) => {
    told.push(progress.kind);
    throw Object.assign(new Error("write EIO"), { code: "EIO" });
  });
  await journal.write({ event: "stepBegun", step: 0 });
  journal.waiting({ kind: "loadModule", module: "vfio-pci" }, "module");
  await journal.write({ event: "ended", state: "settled" });
  assert.deepEqual(written, ["stepBegun", "ended"]);
  assert.deepEqual(told, ["event", "waiting", "event"]);
  assert.equal(journal.broken, undefined);
});
