import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { readPolicies } from "./read-documents.ts";

/** What is said of a policy's spec, without the lines of the file. */
function problems(spec: string, kind = "VfPolicy"): string[] {
  return problemsOf(`apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: x}\nspec:\n${spec}`);
}

function problemsOf(...texts: string[]): string[] {
  try {
    readPolicies(texts.map((text, index) => ({ label: `f${index}`, text })));
  } catch (error) {
    assert.ok(error instanceof VfleetError && error.code === "VFL-0016", String(error));
    return error.message.split("\n").filter((line) => /^f\d:/.test(line));
  }
  return [];
}

const POLICY = "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: x}\nspec: {select: {driver: igb}}\n";
const NAMED = (name: string) => POLICY.replace("name: x", `name: ${name}`);

describe("readPolicies", () => {
  test("reads policies and claims out of several documents and files", () => {
    const { policies, claims } = readPolicies([
      {
        label: "a",
        text: `${POLICY}---
apiVersion: vfleet.dev/v1alpha1
kind: VfClaim
metadata: {name: web}
spec: {guest: web-1, pool: fast, network: {mac: 52-54-00-AA-00-01}}
`,
      },
      {
        label: "b",
        text: NAMED("y").replace(
          "{driver: igb}",
          `{vendor: "0x8086:10C9", bdf: 3b:00.*}, numVfs: 50%, vfs: [{range: "0-1,4"}, {range: 5-}]`,
        ),
      },
    ]);
    assert.deepEqual(
      policies.map(({ metadata }) => metadata.name),
      ["x", "y"],
    );
    assert.equal(claims[0]?.spec.network?.mac, "52:54:00:aa:00:01");
    const { select, numVfs, vfs } = policies[1]?.spec ?? {};
    assert.deepEqual(select, { vendor: { vendor: 0x8086, device: 0x10c9 }, bdf: "0000:3b:00.*" });
    assert.deepEqual(numVfs, { percent: 50 });
    assert.deepEqual(
      vfs?.map(({ range }) => range.parts),
      [
        [
          { from: 0, to: 1 },
          { from: 4, to: 4 },
        ],
        [{ from: 5 }],
      ],
    );
  });

  test("tells traps of YAML at their place", () => {
    assert.deepEqual(problems("  select: {device: 10e9}\n"), [
      'f0:5:20 spec.select.device: text was expected; without quotes 10e9 is a number to YAML: write "10e9"',
    ]);
    assert.match(problems("  select: {vendor: 8086}\n")[0] ?? "", /^f0:5:20 .*write "8086"$/);
    assert.match(
      problems("  select: {driver: igb}\n  vfs: [{range: 0, network: {vlan: 010}}]\n")[0] ?? "",
      /^f0:6:36 010 is 10 to YAML 1\.2 and octal/,
    );
    assert.deepEqual(problems("  select: {driver: igb}\n  vfs: [{range: 0, network: {trust: on}}]\n"), [
      "f0:6:37 spec.vfs[0].network.trust: true or false was expected; on is text in YAML 1.2: write true",
    ]);
    assert.deepEqual(problems("  select: {driver: igb}\n  vfs: [{range: 0,4}]\n"), [
      "f0:6:19 4 is not known in spec.vfs[0]; a comma ends a value in braces: put the value in quotes",
    ]);
    assert.deepEqual(problems("  select: {driver: igb}\n  vfs: [{range: 0, network: {mac: 02:00:00:00:00:10}}]\n"), []);
  });

  test("tells what was expected and what is likely meant", () => {
    assert.deepEqual(problems("  selct: {driver: igb}\n"), [
      "f0:5:3 spec lacks select: a mapping (key: value) was expected",
      "f0:5:3 selct is not known in spec; did you mean select?",
    ]);
    assert.deepEqual(problemsOf("kind: VfPolcy\napiVersion: vfleet.dev/v1alpha1\n"), [
      "f0:1:7 kind: one of VfPolicy, VfClaim was expected; did you mean VfPolicy?",
    ]);
    assert.deepEqual(problems("  select: {class: netwrok}\n"), [
      "f0:5:19 spec.select.class: one of storage, network, display, accelerator, crypto was expected; did you mean network?",
    ]);
    assert.deepEqual(problems("  select: {driver: igb}\n  numVfs: maximum\n"), [
      "f0:6:11 spec.numVfs: a whole number, max, or a share as 50% was expected",
    ]);
    assert.deepEqual(problems("  select: {driver: igb}\n  numVfs: 0%\n"), [
      "f0:6:11 spec.numVfs: a share goes from 1% to 100%",
    ]);
    assert.deepEqual(problems("  select: {driver: igb}\n  vfs: [{range: 3-1}, {range: 1, driver: vfio_pci}]\n"), [
      "f0:6:17 spec.vfs[0].range: 3-1 ends before it begins",
      "f0:6:42 spec.vfs[1].driver: no driver is called vfio_pci; did you mean vfio-pci?",
    ]);
    for (const value of ["tomorrow", "5", "2026-12-31"]) {
      assert.deepEqual(problems(`  guest: g\n  pool: p\n  lifetime: ${value}\n`, "VfClaim"), [
        "f0:7:13 spec.lifetime: permanent, guest, or a time as 2026-12-31T18:00:00Z was expected",
      ]);
    }
    assert.deepEqual(problems("  guest: g\n  pool: p\n  constraints: {numaNode: here}\n", "VfClaim"), [
      "f0:7:27 spec.constraints.numaNode: guest, or the number of a NUMA node was expected",
    ]);
    assert.deepEqual(problems("  select: {match: 2}\n"), [
      "f0:5:11 spec.select: a key that says which PFs was expected, as driver: igb or class: network",
    ]);
  });

  test("refuses what cannot be: an address for several VFs, a multicast address, rates upside down", () => {
    const vfs = (entry: string) =>
      problems(`  select: {driver: igb}\n  vfs: [{${entry}}]\n`).map((line) => line.slice(3));
    assert.deepEqual(vfs('range: 0-1, network: {mac: "52:54:00:00:00:01"}'), [
      "6:37 spec.vfs[0].network.mac: one address for VFs 0-1; use auto, or an entry for each VF",
    ]);
    assert.deepEqual(vfs('range: 0-1, network: {mac: "00:00:00:00:00:00"}'), []);
    assert.deepEqual(vfs('range: 0, network: {mac: "52:54:00:00:00:01"}'), []);
    assert.match(vfs('range: 0, network: {mac: "01:00:5e:00:00:01"}')[0] ?? "", /multicast/);
    assert.deepEqual(vfs("range: 0, network: {minTxRateMbps: 9, maxTxRateMbps: 5}"), [
      "6:45 spec.vfs[0].network.minTxRateMbps: 9 Mbit/s at least and 5 at most contradict each other",
    ]);
    assert.match(
      problems('  guest: g\n  pool: p\n  count: 2\n  network: {mac: "52:54:00:00:00:01"}\n', "VfClaim")[0] ?? "",
      /one address for 2 VFs/,
    );
    assert.match(problems("  guest: g\n", "VfClaim")[0] ?? "", /^f0:5:3 spec: pool or select was expected/);
  });

  test("a name twice is told with both places, whatever the files", () => {
    assert.deepEqual(problemsOf(`${NAMED("a")}---\n${NAMED("b")}`, NAMED("b")), [
      "f1:3:18 there is a VfPolicy b already, at f0:8:18",
    ]);
  });
});

/** YAML that is near to valid: lines of a valid file, dropped, doubled, and with pieces put in. */
const nearlyValid = fc
  .array(
    fc.constantFrom(
      ...POLICY.split("\n"),
      "  numVfs: 7",
      "spec:",
      "  select: {vendor: 10e9}",
      "  vfs:",
      "    - range: 0-3",
      "      network: {mac: auto, vlan: 010}",
      "    - &a {range: *a}",
      "---",
      "...",
      "%YAML 1.1",
      "? [a]",
      "!!binary x",
      "__proto__: {kind: VfPolicy}",
      "- x",
      "\t- y",
      "kind: VfClaim",
      "<<: {a: 1}",
      "spec: {guest: g, pool: p, count: .inf}",
      'metadata: {name: "\\uD800", labels: {__proto__: a}}',
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.join("\n"));

test("whatever a file holds, it is read, or refused by VFL-0016 at a line and column inside the file", () => {
  fc.assert(
    fc.property(fc.oneof(nearlyValid, fc.string({ unit: "binary", maxLength: 80 })), (text) => {
      try {
        readPolicies([{ label: "f", text }]);
      } catch (error) {
        assert.ok(error instanceof VfleetError && error.code === "VFL-0016", String(error));
        const lines = text.split("\n");
        const { line, column } = error.details;
        assert.ok(typeof line === "number" && line >= 1 && line <= lines.length, `line ${line}`);
        assert.ok(typeof column === "number" && column >= 1, `column ${column}`);
        assert.ok(
          column <= (lines[line - 1] ?? "").length + 1,
          `column ${column} of ${JSON.stringify(lines[line - 1])}`,
        );
      }
    }),
    { numRuns: 2000 },
  );
});
