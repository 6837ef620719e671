import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allFields, explainField } from "./explain-field.ts";
import { readPolicies } from "./read-documents.ts";

describe("explainField", () => {
  test("tells type, values, default, kernel and example of a field", () => {
    assert.deepEqual(explainField("VfPolicy.spec.vfs.network.vlan"), {
      field: "VfPolicy.spec.vfs.network.vlan",
      type: "whole number, 0 to 4094",
      required: false,
      default: null,
      allowed: null,
      description:
        "The VLAN ID that the card puts on the VF's frames and takes off again, unseen by the VF. 0: none, and no priority where qos is left out.",
      kernel: "IFLA_VF_VLAN_LIST, ndo_set_vf_vlan, together with qos and protocol",
      example: "vlan: 100",
      fields: [],
    });
    const shrink = explainField("VfPolicy.spec.onShrink");
    assert.ok("field" in shrink);
    assert.deepEqual([shrink.allowed, shrink.default], [["refuse", "drain"], "refuse"]);
  });

  test("lists the fields of a kind, and passes over numbers of list entries", () => {
    const policy = explainField("VfPolicy");
    assert.ok("field" in policy);
    assert.deepEqual(
      policy.fields.map(({ name }) => name),
      ["apiVersion", "kind", "metadata", "spec"],
    );
    assert.deepEqual(explainField("VfPolicy.spec.vfs[0].pool"), explainField("VfPolicy.spec.vfs.pool"));
  });

  test("suggests what may be meant", () => {
    assert.deepEqual(explainField("VfPolicy.spec.vfs.network.vlna"), {
      unknown: "VfPolicy.spec.vfs.network.vlna",
      meant: ["VfPolicy.spec.vfs.network.vlan"],
      known: Object.keys(fieldNames("VfPolicy.spec.vfs.network")),
    });
    const short = explainField("network.vlan");
    assert.ok("unknown" in short);
    assert.deepEqual(short.meant, ["VfPolicy.spec.vfs.network.vlan", "VfClaim.spec.network.vlan"]);
    const kind = explainField("vfpolicy.spec.numVfs");
    assert.ok("unknown" in kind);
    assert.deepEqual(kind.meant, ["VfPolicy.spec.numVfs"]);
    assert.deepEqual(explainField("VfPolicy.constructor"), {
      unknown: "VfPolicy.constructor",
      meant: [],
      known: ["apiVersion", "kind", "metadata", "spec"],
    });
  });

  test("every field is described, with an example that is valid where it stands", () => {
    for (const { field, description, example, type } of allFields()) {
      assert.match(description, /^\S.*[.:]?$/, field);
      assert.ok(type.length > 0 && !type.includes("null") && !type.includes("9007199254740991"), `${field}: ${type}`);
      if (field.includes(".")) {
        assert.equal(example.split(":")[0], field.split(".").at(-1), field);
        assertValid(field, example);
      }
    }
  });
});

function fieldNames(path: string): Record<string, true> {
  const found = explainField(path);
  assert.ok("field" in found);
  return Object.fromEntries(found.fields.map(({ name }) => [name, true]));
}

/** Whatever is missing around the example, nothing may be said against the example itself. */
function assertValid(field: string, example: string): void {
  const [kind = "", ...path] = field.split(".").slice(0, -1);
  let text = `{${example}}`;
  let line = example;
  for (const key of path.toReversed()) {
    line = key === "vfs" ? `${key}: [{${line}}]` : `${key}: {${line}}`;
    text = `{${line}}`;
  }
  if (!/^kind:/.test(line)) text = `{kind: ${kind}, ${text.slice(1)}`;
  try {
    readPolicies([{ label: "example", text }]);
  } catch (error) {
    const complaints = String(error)
      .split("\n")
      .filter((each) => each.includes("example:") && !each.includes(" lacks "));
    assert.deepEqual(
      complaints.filter((each) => !/spec: pool or select was expected|says which PFs/.test(each)),
      [],
      text,
    );
  }
}
