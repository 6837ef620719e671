import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { test } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { errnoOfMessage } from "./errno-text.ts";

/** Two names of one number; the first is the one that is given. */
const SAME: Readonly<Record<string, string>> = { EWOULDBLOCK: "EAGAIN", ENOTSUP: "EOPNOTSUPP" };

test("errnoOfMessage knows what this C library says of every errno", { skip: requireTool("perl") }, () => {
  const numbers = Object.entries(constants.errno);
  const script = '$! = $_, print "$!\\n" for @ARGV';
  const { stdout } = spawnSync("perl", ["-e", script, ...numbers.map(([, number]) => String(number))], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const texts = stdout.trimEnd().split("\n");
  assert.equal(texts.length, numbers.length);
  assert.ok(numbers.length > 70);
  for (const [index, [name, number]] of numbers.entries()) {
    const expected = SAME[name] ?? name;
    assert.equal(errnoOfMessage(`dd: error writing '/sys/a: b': ${texts[index]}`), expected, name);
    assert.equal(errnoOfMessage(`dd: x: whatever (os error ${number})\n`), expected);
  }
});

test("errnoOfMessage knows musl's texts, kernel-internal numbers, and a text alone", () => {
  assert.equal(errnoOfMessage("dd: error writing '/x': Resource busy"), "EBUSY");
  assert.equal(errnoOfMessage("dd: error writing '/x': Not supported"), "EOPNOTSUPP");
  assert.equal(errnoOfMessage("sh: write error: I/O error"), "EIO");
  assert.equal(errnoOfMessage("RTNETLINK answers: Unknown error 524"), "ENOTSUPP");
  assert.equal(errnoOfMessage("Too many references: cannot splice"), "ETOOMANYREFS");
});

test("errnoOfMessage gives none where a message ends with none", () => {
  for (const message of ["", "dd: invalid number: 'x'", "Permission denied, sort of", "x (os error 4000)", "a: busy"]) {
    assert.equal(errnoOfMessage(message), undefined, message);
  }
});
