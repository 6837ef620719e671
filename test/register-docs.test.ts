import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { registerDocs } from "../scripts/write-register-docs.ts";

test("docs/registers.md says what the register tables say (npm run docs writes it)", () => {
  const page = readFileSync(new URL("../docs/registers.md", import.meta.url), "utf8");
  assert.ok(page.includes("PCI_SRIOV_CTRL"));
  assert.ok(page === registerDocs(), "docs/registers.md is not what `npm run docs` writes");
});
