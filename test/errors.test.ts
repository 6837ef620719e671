import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { errorDocs } from "../scripts/write-error-docs.ts";
import { CATALOGUE, catalogueEntry } from "../src/errors/catalogue.ts";
import { VfleetError } from "../src/errors/vfleet-error.ts";

test("docs/errors.md and the catalogue of errors are the same", () => {
  const docs = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
  assert.equal(docs, errorDocs(), "run: npm run docs");
  assert.deepEqual(docs.match(/(?<=^## ).*$/gm), Object.keys(CATALOGUE));
});

test("every code has its number, and something to say", () => {
  for (const [code, { title, explanation, remedy }] of Object.entries(CATALOGUE)) {
    assert.match(code, /^VFL-\d{4}$/);
    assert.match(title, /[^.]$/);
    assert.match(explanation, /\.$/);
    assert.match(remedy, /[^.]$/);
  }
});

test("catalogueEntry finds a code in upper and lower case, and nothing else", () => {
  assert.deepEqual(catalogueEntry("vfl-0001"), { code: "VFL-0001", ...CATALOGUE["VFL-0001"] });
  assert.equal(catalogueEntry("VFL-9999"), undefined);
  assert.equal(catalogueEntry("toString"), undefined);
});

test("VfleetError takes from the catalogue what it is not given", () => {
  const error = new VfleetError("VFL-0002");
  const { code, message, remedy, details, exitCode, cause } = error;
  assert.deepEqual(
    { code, message, remedy, details, exitCode, cause },
    {
      code: "VFL-0002",
      message: CATALOGUE["VFL-0002"].title,
      remedy: CATALOGUE["VFL-0002"].remedy,
      details: {},
      exitCode: 2,
      cause: undefined,
    },
  );
  assert.ok(error instanceof Error);
});

test("VfleetError carries what it is given", () => {
  const cause = new Error("EACCES");
  const error = new VfleetError("VFL-0003", { message: "m", remedy: "r", details: { path: "/x" }, cause });
  const { message, remedy, details } = error;
  assert.deepEqual({ message, remedy, details }, { message: "m", remedy: "r", details: { path: "/x" } });
  assert.equal(error.cause, cause);
});
