import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPolicies } from "../../../src/host/desired/read-documents.ts";
import { claimText, EMPTY_CLAIM, whyNotClaimed } from "./claim-form.ts";

describe("a claim by form", () => {
  test("is written as a person writes YAML", () => {
    const text = claimText({ ...EMPTY_CLAIM, name: "web", guest: "web-1", pool: "fast", count: "2", vlan: "100" });
    assert.equal(
      text,
      `apiVersion: vfleet.dev/v1alpha1
kind: VfClaim
metadata: {name: web}
spec:
  guest: web-1
  pool: fast
  count: 2
  network: {vlan: 100}
`,
    );
  });

  test("is what the schema takes, with a time as well", () => {
    const form = {
      ...EMPTY_CLAIM,
      name: "web",
      guest: "web-1",
      pf: "0000:01:00.0",
      lifetime: "time",
      until: "2030-01-02T03:04",
    } as const;
    const { claims } = readPolicies([{ label: "x", text: claimText(form) }]);
    assert.equal(claims[0]?.spec.lifetime, new Date("2030-01-02T03:04").toISOString());
  });

  test("what is no number is left to the schema", () => {
    const text = claimText({ ...EMPTY_CLAIM, name: "web", guest: "web-1", pool: "fast", count: "many" });
    assert.throws(() => readPolicies([{ label: "x", text }]), /spec\.count/);
  });

  test("does not take the place of a document that is kept", () => {
    const form = { ...EMPTY_CLAIM, name: "tenants", guest: "web" };
    assert.match(whyNotClaimed(form, undefined, undefined) ?? "", /is being read/);
    assert.match(whyNotClaimed(form, [{ name: "tenants" }], undefined) ?? "", /tenants is kept already: take another/);
    assert.equal(whyNotClaimed(form, [{ name: "other" }], undefined), undefined);
    assert.equal(whyNotClaimed(form, [], "wrong"), "wrong");
  });
});
