import assert from "node:assert/strict";
import { test } from "node:test";
import { unread } from "../kernel/port.ts";
import { toJson } from "./output.ts";

test("toJson keeps integers exact above 2^53", () => {
  assert.equal(toJson({ address: 0xffff_ffff_ffff_f000n }, 0), '{"address":18446744073709547520}');
});

test("toJson gives null for what was not observed, and keeps problems that say so", () => {
  const problem = { kind: "unread", offset: 256, message: "a header was not read" };
  assert.equal(
    toJson({ driver: unread("/sys/x", "EACCES"), problems: [problem] }, 0),
    `{"driver":null,"problems":[${JSON.stringify(problem)}]}`,
  );
});
