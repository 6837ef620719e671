import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { POWER_BUDGETING } from "./power-budgeting.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("Power Budgeting decodes an entry (PCIe 6.0 §7.8.1.4)", () => {
  // 155 * 0.1 W, D0, sustained, 12 V.
  const values = decodeDwords(POWER_BUDGETING, [3, 155 | (1 << 8) | (3 << 15), 1]);
  assert.deepEqual(values, {
    dataSelect: 3,
    basePower: 155,
    dataScale: 0.1,
    pmSubState: 0,
    pmState: "D0",
    operatingCondition: "sustained",
    powerRail: "12 V",
    systemAllocated: true,
    powerMilliwatts: 15_500,
  });
});

test("Power Budgeting takes base powers from F0h on as codes", () => {
  assert.equal(decodeDwords(POWER_BUDGETING, [0, 0xef]).powerMilliwatts, 239_000);
  assert.equal(decodeDwords(POWER_BUDGETING, [0, 0xf0]).powerMilliwatts, 250_000);
  assert.equal(decodeDwords(POWER_BUDGETING, [0, 0xf2]).powerMilliwatts, 300_000);
  assert.equal(decodeDwords(POWER_BUDGETING, [0, 0xff]).powerMilliwatts, null);
  assert.equal(decodeDwords(POWER_BUDGETING, [0, 0x3f0]).powerMilliwatts, 240, "not where the scale is another");
  assert.deepEqual(decodeDwords(POWER_BUDGETING, [0, 6 << 15]).operatingCondition, { kind: "unknown", id: 6 });
});

test("Power Budgeting lies where lspci sees it", { skip: dumpIsMissing("cap-multicast.txt") }, () => {
  assert.equal(decodeDump("cap-multicast.txt", "07:00.0", POWER_BUDGETING, 0x138).systemAllocated, true);
});
