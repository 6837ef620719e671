import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { z } from "zod";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readYaml } from "./read-yaml.ts";

const SCHEMA = z.strictObject({
  name: z.string(),
  count: z.int().min(1).max(8).optional(),
  list: z.array(z.strictObject({ kind: z.literal(["a", "b"]) })).optional(),
});

/** What is said, without the line of the file. */
function problems(text: string): string[] {
  try {
    readYaml(text, "f.yaml", SCHEMA);
  } catch (error) {
    assert.ok(error instanceof VfleetError && error.code === "VFL-0016", String(error));
    return error.message.split("\n").filter((line) => line.startsWith("f.yaml:"));
  }
  return [];
}

describe("readYaml", () => {
  test("gives what the schema describes", () => {
    assert.deepEqual(readYaml("name: x\nlist: [{kind: a}]\n", "f.yaml", SCHEMA), { name: "x", list: [{ kind: "a" }] });
  });

  test("tells line, column, what was expected and what was meant", () => {
    assert.deepEqual(problems("name: x\ncuont: 3\n"), [
      "f.yaml:2:1 cuont is not known in the document; did you mean count?",
    ]);
    assert.deepEqual(problems("name: x\nzebra: 3\n"), [
      "f.yaml:2:1 zebra is not known in the document; known are name, count, list",
    ]);
    assert.deepEqual(problems("count: 3\n"), ["f.yaml:1:1 the document lacks name: text was expected"]);
    assert.deepEqual(problems("name: x\ncount: 9\n"), ["f.yaml:2:8 count: 8 is the most"]);
    assert.deepEqual(problems("name: x\ncount: many\n"), ["f.yaml:2:8 count: a number was expected"]);
    assert.deepEqual(problems("name: x\nlist:\n  - kind: a\n  - {kind: c}\n"), [
      "f.yaml:4:12 list[1].kind: one of a, b was expected",
    ]);
    assert.deepEqual(problems("name: x\nlist: [{kin: a}]\n"), [
      "f.yaml:2:8 list[0] lacks kind: one of a, b was expected",
      "f.yaml:2:9 kin is not known in list[0]; did you mean kind?",
    ]);
  });

  test("shows the line with a caret", () => {
    assert.throws(() => readYaml("name: x\ncount: 9\n", "f.yaml", SCHEMA), {
      message: "f.yaml:2:8 count: 8 is the most\n    count: 9\n           ^",
    });
  });

  test("tells errors of YAML itself: syntax, a key twice, two documents, a bomb of aliases", () => {
    assert.match(problems("name: [x\n")[0] ?? "", /^f\.yaml:2:1 /);
    assert.match(problems("name: x\nname: y\n")[0] ?? "", /^f\.yaml:2:1 .*unique/);
    assert.match(problems("name: x\n---\nname: y\n")[0] ?? "", /^f\.yaml:\d+:1 .*multiple documents/);
    const bomb = [
      "a: &a [x]",
      ..."bcdefghij".split("").map((c, i) => `${c}: &${c} [${`*${"abcdefghi"[i]},`.repeat(9)}]`),
    ];
    assert.match(problems(`${bomb.join("\n")}\n`)[0] ?? "", /^f\.yaml:1:1 .*alias/);
    assert.match(problems("")[0] ?? "", /^f\.yaml:1:1 /);
  });
});
