import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readLines } from "./read-lines.ts";

test("readLines gives whole lines, and ends with the input", async () => {
  const input = new PassThrough();
  const lines: string[] = [];
  const read = readLines(input, (line) => lines.push(line));
  input.write("a\r\nb");
  input.end("c\nd");
  await read;
  assert.deepEqual(lines, ["a", "bc", "d"]);
});

test("readLines ends with an input that fails, and keeps what came before", async () => {
  const input = new PassThrough();
  input.on("error", () => {});
  const lines: string[] = [];
  const read = readLines(input, (line) => lines.push(line));
  input.write("a\n");
  setImmediate(() => input.destroy(new Error("read ECONNRESET")));
  await read;
  assert.deepEqual(lines, ["a"]);
});
