import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorDocs } from "../scripts/write-error-docs.ts";
import { CATALOGUE, catalogueEntry } from "../src/errors/catalogue.ts";
import { VfleetError } from "../src/errors/vfleet-error.ts";
import { ROOT } from "./dumps.ts";

/** Codes that no test names, and why. */
const NAMED_BY_NO_TEST: Readonly<Record<string, string>> = {
  "VFL-0031": "the lab's image would have to be built, on a machine without the programs for it",
  "VFL-0226": "wants a guest of QEMU whose monitor is gone",
  "VFL-0402": "wants QEMU on a host without an IOMMU",
  "VFL-0404": "wants a guest of QEMU whose memory may not be locked",
  "VFL-0405": "wants a QEMU that was built without vfio-pci",
  "VFL-0406": "wants a QEMU whose monitor dies while it is spoken to",
  "VFL-0461": "wants network namespaces with a real VF",
  "VFL-0462": "wants network namespaces with a real VF",
  "VFL-0463": "wants network namespaces with a real VF",
  "VFL-0507": "a mistake in the server itself: none is known",
};

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

test("every code is raised in a test, or it is said why not", () => {
  const tests = globSync("{src,test}/**/{*.test.ts,testing/*.ts,cases/*.yml}", { cwd: ROOT });
  const text = tests
    .filter((path) => path !== "test/errors.test.ts")
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");
  const unnamed = Object.entries(CATALOGUE).flatMap(([code, { title }]) => {
    // Tests of preflight have its checks by their names.
    const check = /^preflight: (.*)$/.exec(title)?.[1];
    const name = check === undefined ? code : `"${check.replaceAll(" ", "-").toLowerCase().replace("msi-x", "msix")}"`;
    return text.includes(name) ? [] : [code];
  });
  assert.deepEqual(unnamed.toSorted(), Object.keys(NAMED_BY_NO_TEST));
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
