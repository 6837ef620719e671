import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { z } from "zod";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readYaml, readYamlDocuments } from "./read-yaml.ts";

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

describe("readYaml's traps", () => {
  test("says what YAML took a value for, and how to write what was meant", () => {
    assert.deepEqual(problems("name: 10e9\n"), [
      'f.yaml:1:7 name: text was expected; without quotes 10e9 is a number to YAML: write "10e9"',
    ]);
    assert.match(
      problems("name: x\ncount: 010\n")[0] ?? "",
      /^f\.yaml:2:8 010 is 10 to YAML 1\.2 and octal to YAML 1\.1/,
    );
    assert.deepEqual(problems("name: x\nlist: [{kind: A1}]\n"), ["f.yaml:2:15 list[0].kind: one of a, b was expected"]);
  });

  test("text that begins with a star is told to want quotes", () => {
    assert.match(problems("name: *x\n")[0] ?? "", /^f\.yaml:1:\d+ .*text that begins with \* wants quotes$/);
  });

  test("is YAML 1.2 whatever the directive says", () => {
    assert.deepEqual(readYaml("%YAML 1.1\n---\nname: on\n", "f.yaml", SCHEMA), { name: "on" });
  });

  test("tells nesting beyond the stack", () => {
    assert.match(problems("[".repeat(50_000))[0] ?? "", /nested too deeply/);
  });
});

describe("readYamlDocuments", () => {
  const read = (text: string) => readYamlDocuments(text, "f.yaml", () => SCHEMA);

  test("reads each document, passes over empty ones, and counts lines through the file", () => {
    const documents = read("# head\nname: x\n---\n---\n# only a comment\n---\nname: y\ncount: 2\n...\n");
    assert.deepEqual(
      documents.map(({ value }) => value.name),
      ["x", "y"],
    );
    assert.equal(documents[1]?.place(["count"]), "f.yaml:8:8");
    assert.throws(() => read("name: x\n---\nname: y\ncount: 9\n"), {
      message: "f.yaml:4:8 count: 8 is the most\n    count: 9\n           ^",
    });
    assert.match(documents[1]?.error(["name"], "taken")?.message ?? "", /^f\.yaml:7:7 taken\n {4}name: y\n {10}\^$/);
  });

  test("a file without a document is told so, and null is a document", () => {
    assert.throws(() => read("# nothing\n"), { message: /^f\.yaml:1:1 the file holds no document/ });
    assert.throws(() => read("---\n---\n"), { message: /^f\.yaml:1:1 the file holds no document/ });
    assert.throws(() => read("name: x\n---\n~\n"), { message: /^f\.yaml:3:1 the document: a mapping/ });
  });
});
