import assert from "node:assert/strict";
import { test } from "node:test";
import { kmsgEnd, kmsgSince, parseRecord } from "./kmsg.ts";

test("parseRecord gives a record of /dev/kmsg as dmesg does", () => {
  assert.deepEqual(parseRecord("6,339,5140900,-;NET: Registered PF_INET\n SUBSYSTEM=net\n DEVICE=+net\n"), {
    sequence: 339,
    lines: ["[    5.140900] NET: Registered PF_INET"],
  });
  assert.deepEqual(parseRecord("4,1,0,-;a\\x0ab \\xc3\\xa9\\x5c")?.lines, ["[    0.000000] a", "[    0.000000] b é\\"]);
  assert.deepEqual(parseRecord("30,7,1234567890123,-,caller=T1;late")?.lines, ["[1234567.890123] late"]);
  for (const text of ["damaged", "", "6,x,1,-;text", "no;thing"]) assert.equal(parseRecord(text), undefined);
});

test("kmsgSince gives what came after a mark, and counts what was overwritten", () => {
  const records = [4, 5, 6].map((sequence) => ({ sequence, lines: [`${sequence}`] }));
  assert.equal(kmsgEnd(records), 7);
  assert.deepEqual(kmsgSince(records, 5), { lines: ["5", "6"], lost: 0, end: 7 });
  assert.deepEqual(kmsgSince(records, 7), { lines: [], lost: 0, end: 7 });
  assert.deepEqual(kmsgSince(records, 1), { lines: ["4", "5", "6"], lost: 3, end: 7 });
  // One in the middle was overwritten while it was to be read.
  assert.deepEqual(kmsgSince(records.toSpliced(1, 1), 4), { lines: ["4", "6"], lost: 1, end: 7 });
  assert.equal(kmsgEnd([]), 0);
  assert.deepEqual(kmsgSince([], 0), { lines: [], lost: 0, end: 0 });
});
