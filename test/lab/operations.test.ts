/** Operations on the real kernel: guest/operations.ts does them in a lab machine, and tells what sysfs and ip(8) show. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { findImage } from "../../src/lab/image.ts";
import type { LabImage } from "../../src/lab/lab-image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { requireTool } from "../require-tool.ts";
import { runGuestScript } from "./guest-script.ts";

const BOOT_TIMEOUT_MS = 240_000;
/** With the time that machines wait for each other. */
const TEST_TIMEOUT_MS = 900_000;

interface Shown {
  readonly numVfs: string;
  readonly autoprobe: string;
  readonly drivers: readonly (string | null)[];
  readonly settings: readonly Readonly<Record<string, unknown>>[];
}

interface Stage {
  readonly stage: string;
  readonly state?: string;
  readonly signal?: string | null;
  readonly failure?: unknown;
  readonly refusals?: ReadonlyArray<{ readonly code: string; readonly summary: string }>;
  readonly shown: Shown;
}

describe("operations on the lab's Linux", { skip: requireTool("lab"), timeout: TEST_TIMEOUT_MS }, () => {
  let stages: readonly Stage[] = [];

  before(
    async ({ signal }) => {
      const machine = MACHINES.find(({ name }) => name === "igb");
      assert.ok(machine);
      let output = "";
      const result = await runGuestScript("operations.ts", {
        image: findImage() as LabImage,
        machine,
        timeoutMs: BOOT_TIMEOUT_MS,
        signal,
        onOutput: (text) => {
          output += text;
        },
      });
      assert.equal(result.exitCode, 0, output);
      stages = result.records as readonly unknown[] as readonly Stage[];
    },
    { timeout: TEST_TIMEOUT_MS },
  );

  const of = (name: string): Stage => {
    const found = stages.find(({ stage }) => stage === name);
    assert.ok(found, name);
    return found;
  };

  test("VFs are made with their settings and drivers, and one is changed alone", () => {
    const made = of("made");
    assert.equal(made.state, "settled", JSON.stringify(made.failure));
    assert.equal(made.shown.numVfs, "3");
    assert.equal(made.shown.autoprobe, of("before").shown.autoprobe);
    assert.deepEqual(made.shown.drivers, ["vfio-pci", "igbvf", null]);
    const { settings } = made.shown;
    assert.deepEqual(
      settings.map(({ address }) => address),
      ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"],
    );
    assert.deepEqual(settings[0]?.vlan_list, [{ vlan: 100, qos: 3 }]);
    assert.deepEqual([settings[1]?.spoofchk, settings[2]?.trust], [false, true]);
    const { settings: after } = of("one changed").shown;
    assert.deepEqual(after[1]?.vlan_list, [{ vlan: 300 }]);
    assert.deepEqual([after[0], after[2]], [settings[0], settings[2]]);
  });

  test("a VF that a process holds is not taken away; afterwards all are", () => {
    const held = of("held");
    assert.ok(
      held.refusals?.some(({ code }) => code === "VFL-0211"),
      JSON.stringify(held.refusals),
    );
    assert.equal(held.shown.numVfs, "3");
    assert.equal(of("released").state, "settled");
    assert.deepEqual(of("released").shown, of("before").shown);
  });

  test("whenever its process is killed, it is as before or as wished, and the record says which", () => {
    const killed = stages.filter(({ stage }) => stage === "killed");
    assert.ok(killed.length >= 5 && killed.every(({ signal }) => signal === "SIGKILL"), JSON.stringify(killed));
    for (const { state, shown, failure } of killed) {
      assert.ok(state === "settled" || state === "undone", JSON.stringify(failure));
      assert.deepEqual(shown, of(state === "settled" ? "made" : "before").shown);
    }
  });
});
