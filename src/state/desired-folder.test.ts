import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkNames, keepDocuments, readDesiredFolder } from "./desired-folder.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-desired-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const file = (label: string, text = `text of ${label}`) => ({ label, text });

test("documents are kept under their own names, and read back in order", async (t) => {
  const folder = folderOf(t);
  await keepDocuments(folder, [file("/elsewhere/b.yml"), file("a")]);
  assert.deepEqual(await readDesiredFolder(folder), [
    file(join(folder, "a.yaml"), "text of a"),
    file(join(folder, "b.yml"), "text of /elsewhere/b.yml"),
  ]);
});

test("where one of several documents cannot be kept, the folder is as it was", async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, "a.yaml"), "old");
  const there = () => readdirSync(folder).map((name) => [name, name === "a.yaml" ? read("a.yaml") : null]);
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const files = [file("a.yaml"), file("b.yaml"), file("c.yaml")];
  // What is written before it takes its place cannot be written, nor taken away.
  mkdirSync(join(folder, ".c.yaml.new"));
  const written = there();
  await assert.rejects(keepDocuments(folder, files), { code: "VFL-0307" });
  assert.deepEqual(there(), written);
  rmSync(join(folder, ".c.yaml.new"), { recursive: true });
  // The place is taken by a folder, which is seen before anything is written.
  mkdirSync(join(folder, "c.yaml", "x"), { recursive: true });
  const taken = there();
  await assert.rejects(keepDocuments(folder, files), { code: "VFL-0307" });
  assert.deepEqual(there(), taken);
  rmSync(join(folder, "c.yaml"), { recursive: true });
  // Two places of one name: the second has nothing left to take.
  await assert.rejects(keepDocuments(folder, [...files, file("c.yaml")]), { code: "VFL-0307" });
  assert.deepEqual(there(), [["a.yaml", "old"]]);
  await keepDocuments(folder, files);
  assert.deepEqual(
    there().map(([name]) => name),
    ["a.yaml", "b.yaml", "c.yaml"],
  );
});

test("names are refused under which a document would replace another, not be read again, or not fit", () => {
  const refused = (...labels: string[]) =>
    assert.throws(() => checkNames(labels.map((label) => file(label))), { code: "VFL-0001" });
  refused("x/net.yaml", "y/net.yaml");
  refused("net", "net.yaml");
  for (const label of [".net.yaml", "/", "x/..", "a\nb.yaml", "a\0b", "\u{fc}".repeat(123), "n".repeat(246)])
    refused(label);
  checkNames(
    ["x/net.yaml", "y/net.yml", "standard input", "n".repeat(245), `${"n".repeat(245)}.yml`].map((label) =>
      file(label),
    ),
  );
});
