import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { policyDocs } from "../scripts/write-policy-docs.ts";
import { readPolicies } from "../src/host/desired/read-documents.ts";

function page(name: string): string {
  return readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");
}

test("docs/policy-fields.md says what the schemas say (npm run docs writes it)", () => {
  const text = page("policy-fields.md");
  assert.ok(text.includes("## VfPolicy.spec.vfs.network"));
  assert.ok(text === policyDocs(), "docs/policy-fields.md is not what `npm run docs` writes");
});

test("each YAML of docs/policies.md is valid", () => {
  const blocks = [...page("policies.md").matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);
  assert.ok(blocks.length >= 8);
  for (const [index, text] of blocks.entries()) {
    const whole = /^apiVersion:/m.test(text) ? text : `${HEAD}spec:\n${text.replaceAll(/^/gm, "  ")}`;
    readPolicies([{ label: `block ${index + 1}`, text: whole.replaceAll(/\n\s+$/g, "\n") }]);
  }
});

const HEAD = "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: x}\n";
