import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readPolicies } from "../../../src/host/desired/read-documents.ts";
import { EMPTY_POOL, type PolicyForm, policyForm, policyText } from "./policy-form.ts";

const POLICY: PolicyForm = {
  name: "tenant-net",
  pf: "0000:01:00.0",
  numVfs: "7",
  onShrink: "refuse",
  up: "on",
  pools: [
    { ...EMPTY_POOL, range: "0-3", pool: "fast", driver: "vfio-pci", mac: "auto", vlan: "100", trust: "off" },
    { ...EMPTY_POOL, range: "4", driver: "default" },
  ],
};

const TEXT = `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: tenant-net}
spec:
  select: {bdf: 0000:01:00.0}
  numVfs: 7
  onShrink: refuse
  pf: {up: true}
  vfs:
    - range: 0-3
      pool: fast
      driver: vfio-pci
      network: {mac: auto, vlan: 100, trust: false}
    - range: 4
      driver: default
`;

const word = fc.constantFrom("fast", "a b", "10", "on", "x: y", "#", "'", "true", "null", "0x10");
const whole = fc.oneof(fc.constant(""), fc.nat(4094).map(String), fc.constantFrom("max", "50%", "1e3", "-1"));
const onOff = fc.constantFrom("", "on", "off") as fc.Arbitrary<"" | "on" | "off">;
const pool = fc.record(
  {
    range: fc.constantFrom("", "3", "0-3", "0-1,4", "4-"),
    pool: fc.oneof(fc.constant(""), word),
    driver: fc.constantFrom("", "default", "none", "vfio", "igbvf"),
    mac: fc.constantFrom("" as const, "auto" as const, "random" as const, "keep" as const),
    vlan: whole,
    spoofCheck: onOff,
    trust: onOff,
    minTxRateMbps: whole,
    maxTxRateMbps: whole,
  },
  { noNullPrototype: true },
);
const form: fc.Arbitrary<PolicyForm> = fc.record(
  {
    name: word,
    pf: fc.constantFrom("0000:01:00.0", "netdevsim10"),
    numVfs: whole,
    onShrink: fc.constantFrom("" as const, "refuse" as const, "drain" as const),
    up: onOff,
    pools: fc.array(pool, { maxLength: 3 }),
  },
  { noNullPrototype: true },
);

describe("the form of a policy", () => {
  test("is written as a person writes YAML", () => {
    assert.equal(policyText(POLICY), TEXT);
  });

  test("is what the schema takes", () => {
    const { policies } = readPolicies([{ label: "x", text: policyText(POLICY) }]);
    assert.equal(policies[0]?.spec.vfs?.[0]?.range.text, "0-3");
  });

  test("comes back from its YAML, whatever was typed", () => {
    fc.assert(fc.property(form, (each) => assert.deepEqual(policyForm(policyText(each)), each)));
  });
});

describe("YAML that the form cannot show", () => {
  const why = (text: string) => {
    const read = policyForm(text);
    return "why" in read ? read.why : undefined;
  };

  test("says what it is that the form does not have", () => {
    assert.match(why(TEXT.replace("numVfs: 7", "eswitchMode: legacy")) ?? "", /spec\.eswitchMode/);
    assert.match(why(TEXT.replace("mac: auto", "qos: 3")) ?? "", /spec\.vfs\[0\]\.network\.qos/);
    assert.match(why(TEXT.replace("mac: auto", 'mac: "02:00:00:00:00:01"')) ?? "", /network\.mac/);
  });

  test("keeps its comments, and its other documents", () => {
    assert.match(why(TEXT.replace("numVfs: 7", "numVfs: 7 # all")) ?? "", /comments/);
    assert.match(why(readFileSync("examples/policies/igb-two-pools.yaml", "utf8")) ?? "", /comments/);
    assert.match(why(`${TEXT}---\n${TEXT}`) ?? "", /several/);
  });

  test("may be wrong, or no policy at all", () => {
    assert.match(why("a: [") ?? "", /cannot be read/);
    assert.match(why("") ?? "", /empty/);
    assert.match(why("- 1") ?? "", /no policy/);
    assert.match(why(TEXT.replace("VfPolicy", "VfClaim")) ?? "", /no VfPolicy/);
  });
});
