import assert from "node:assert/strict";
import { test } from "node:test";
import { globExpression, isPattern, parseLine } from "./shell-words.ts";

function words(text: string): string[] | string {
  const parsed = parseLine(text);
  if ("error" in parsed) return parsed.error;
  return parsed.list.flatMap(({ after, commands }, place) => [
    ...(place === 0 ? [] : [after]),
    ...commands.flatMap(({ words: found, target }, index) => [
      ...(index === 0 ? [] : ["|"]),
      ...found.map((word) => word.text),
      ...(target === undefined ? [] : [`> ${target.text}`]),
    ]),
  ]);
}

test("parseLine cuts words as bash does", () => {
  assert.deepEqual(words("  echo  3 >a/b # and so on"), ["echo", "3", "> a/b"]);
  assert.deepEqual(words("echo 'a  b' \"c d\"e\\ f>'g h'"), ["echo", "a  b", "c de f", "> g h"]);
  assert.deepEqual(words("echo ''"), ["echo", ""]);
  assert.deepEqual(words("# nothing"), []);
});

test("parseLine cuts commands at |, ;, && and ||", () => {
  assert.deepEqual(words("cat a|grep 'b|c' | wc -l"), ["cat", "a", "|", "grep", "b|c", "|", "wc", "-l"]);
  assert.deepEqual(words("a; b && c||d >e;"), ["a", ";", "b", "&&", "c", "||", "d", "> e"]);
  for (const [text, token] of [
    ["| a", "|"],
    ["a | | b", "|"],
    ["a ;; b", ";"],
    ["a > | b", "|"],
  ] as const) {
    assert.equal(words(text), `syntax error near unexpected token \`${token}'`);
  }
  assert.equal(words("a &&"), "syntax error: unexpected end of file");
});

test("parseLine says what it does not understand", () => {
  assert.match(words("sleep 1 & ls") as string, /^& is not understood here/);
  assert.match(words("echo $(id)") as string, /^\$ is not understood here/);
  assert.equal(words("echo 'a"), "unexpected EOF while looking for matching `''");
  assert.equal(words("echo a >"), "syntax error near unexpected token `newline'");
  assert.match(words("echo a >> b") as string, /only one >/);
});

test("patterns are those of glob(7); what is quoted stands for itself", () => {
  const pattern = (text: string) => {
    const parsed = parseLine(text);
    return "list" in parsed ? (parsed.list[0]?.commands[0]?.words[0]?.pattern ?? "") : "";
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
