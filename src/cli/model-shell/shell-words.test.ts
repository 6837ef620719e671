import assert from "node:assert/strict";
import { test } from "node:test";
import { globExpression, isPattern, parseLine } from "./shell-words.ts";

function words(text: string): string[] | string {
  const parsed = parseLine(text);
  if ("error" in parsed) return parsed.error;
  const { words: found, target } = parsed.line;
  return [...found.map((word) => word.text), ...(target === undefined ? [] : [`> ${target.text}`])];
}

test("parseLine cuts words as bash does", () => {
  assert.deepEqual(words("  echo  3 >a/b # and so on"), ["echo", "3", "> a/b"]);
  assert.deepEqual(words("echo 'a  b' \"c d\"e\\ f>'g h'"), ["echo", "a  b", "c de f", "> g h"]);
  assert.deepEqual(words("echo ''"), ["echo", ""]);
  assert.deepEqual(words("# nothing"), []);
});

test("parseLine says what it does not understand", () => {
  assert.match(words("cat a | grep b") as string, /^\| is not understood here/);
  assert.match(words("echo $(id)") as string, /^\$ is not understood here/);
  assert.equal(words("echo 'a"), "unexpected EOF while looking for matching `''");
  assert.equal(words("echo a >"), "syntax error near unexpected token `newline'");
  assert.match(words("echo a >> b") as string, /only one >/);
});

test("patterns are those of glob(7); what is quoted stands for itself", () => {
  const pattern = (text: string) => {
    const parsed = parseLine(text);
    return "line" in parsed ? (parsed.line.words[0]?.pattern ?? "") : "";
  };
  assert.ok(isPattern(pattern("a*")) && isPattern(pattern("a?")) && isPattern(pattern("[ab]")));
  assert.ok(!isPattern(pattern("'a*'")) && !isPattern(pattern("a\\*")) && !isPattern(pattern("0000:01:00.0")));
  const matches = (text: string, name: string) => globExpression(pattern(text)).test(name);
  assert.ok(
    matches("virtfn*", "virtfn12") && matches("*.0", "0000:01:00.0") && matches("0000:0[12]:*", "0000:02:00.0"),
  );
  assert.ok(
    !matches("*.0", "0000:01:00x0") && !matches("*", ".hidden") && !matches("[!a]b", "ab") && matches("[!a]b", "cb"),
  );
  assert.ok(matches("a'*'*", "a*b") && !matches("a'*'*", "ab"));
});
