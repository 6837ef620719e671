/**
 * What preflight forecasts, held to what the real kernel then does: in the lab's machines, for every PF, for every number
 * of VFs from 1 to one more than its registers have. No answer of the kernel is written down here: the guest asks preflight,
 * then the kernel (guest/forecast.ts).
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { after, before, describe, test } from "node:test";
import { findImage } from "../../src/lab/image.ts";
import type { LabImage } from "../../src/lab/lab-image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { runScript } from "../../src/lab/run-script.ts";
import { requireTool } from "../require-tool.ts";
import type { ForecastRecord, GroupsRecord, Trial } from "./forecast-record.ts";
import { type GuestScript, makeGuestScript } from "./guest-script.ts";

const BOOT_TIMEOUT_MS = 600_000;
/** With the time that machines wait for each other. */
const TEST_TIMEOUT_MS = 900_000;

/**
 * The machines, and the states in which each is asked; where "ends" is among them, only of the numbers where the answer
 * changes: the PFs are those of other machines, and each number that works takes two seconds.
 */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  "igb-nvme": ["no driver", "own driver"],
  mixed: ["own driver"],
  "small-window": ["own driver"],
  "no-ari": ["own driver"],
  igb: ["ends", "own driver", "vfio-pci", "vfio-pci with enable_sriov"],
  "no-iommu": ["ends", "own driver"],
  "no-remapping": ["ends", "own driver"],
  switch: ["ends", "own driver"],
  "switch-acs": ["ends", "own driver"],
  "narrow-bus": ["own driver"],
  "no-msi": ["own driver"],
};

describe("preflight forecasts what the kernel does", {
  skip: requireTool("lab"),
  // With one processor each, which waits for devices a part of the time.
  concurrency: availableParallelism() + 1,
  timeout: TEST_TIMEOUT_MS,
}, () => {
  let image: LabImage;
  let script: GuestScript;
  before(async () => {
    image = findImage() as LabImage;
    script = await makeGuestScript("forecast.ts");
  });
  after(() => script?.remove());

  for (const [name, args] of Object.entries(RUNS)) {
    const stages = args.filter((arg) => arg !== "ends");
    const machine = MACHINES.find((candidate) => candidate.name === name);
    test(`on ${name}: ${machine?.description}`, { timeout: TEST_TIMEOUT_MS }, async (t) => {
      assert.ok(machine);
      let output = "";
      const { exitCode, records } = await runScript({
        image,
        machine,
        script: script.path,
        args,
        timeoutMs: BOOT_TIMEOUT_MS,
        cpus: 1,
        signal: t.signal,
        onOutput: (text) => {
          output += text;
        },
      });
      assert.equal(exitCode, 0, output);
      const forecasts = records.filter(
        (record): record is ForecastRecord & typeof record => record.kind === "forecast",
      );
      const groups = records.filter((record): record is GroupsRecord & typeof record => record.kind === "groups");
      assert.deepEqual(
        groups.map(({ stage }) => stage),
        stages,
      );
      for (const stage of stages) assert.ok(forecasts.some((forecast) => forecast.stage === stage));
      const iommu = machine.iommu !== undefined;
      let compared = 0;
      for (const forecast of forecasts) {
        await t.test(`${forecast.stage}: ${forecast.bdf} (${forecast.driver})`, () => assertForecast(forecast, iommu));
        compared += forecast.trials.length + (forecast.full?.trials.length ?? 0);
      }
      for (const record of groups) {
        await t.test(`${record.stage}: IOMMU groups`, () => assertGroups(record, iommu));
      }
      t.diagnostic(`${compared} numbers compared`);
    });
  }
});

/** Every number's forecast and outcome, the largest number, the word in a scan. */
function assertForecast(forecast: ForecastRecord, iommu: boolean): void {
  const { totalVfs, offered, largest, ready, unanswered, trials, full } = forecast;
  assert.deepEqual(unanswered, [], "nothing on a live host is unknown");
  for (const trial of [...trials, ...(full?.trials ?? [])]) assertTrial(trial);
  const tried = trials.map(({ vfs }) => vfs);
  for (const vfs of [1, largest ?? 0, (largest ?? 0) + 1, totalVfs, totalVfs + 1]) {
    assert.ok(vfs === 0 || tried.includes(vfs), `${vfs} was tried`);
  }
  const worked = trials.filter(({ outcome }) => outcome.errno === null).map(({ vfs }) => vfs);
  assert.equal(largest, Math.max(0, ...worked));
  assert.equal(full?.vfs ?? 0, largest);
  for (const { vfs, outcome } of trials)
    assert.equal(outcome.errno === "ERANGE", vfs > offered, `${vfs} of ${offered}`);
  assert.equal(ready, worked.length === 0 ? "no" : Math.max(...worked) < offered ? "limited" : "yes");
  if (full) {
    assert.equal(full.ready, "full");
    if (iommu) assert.equal(full.isolation === "pass", full.alone === full.vfs, `isolation: ${full.isolation}`);
  }
}

function assertTrial({ vfs, present, forecast, outcome }: Trial): void {
  const what = `${vfs} VFs where there are ${present}: ${outcome.log.join(" | ")}`;
  assert.equal(forecast.refused, outcome.errno !== null, what);
  assert.equal(forecast.errno, outcome.errno, what);
  if (forecast.log !== null) assert.ok(outcome.log.join("\n").includes(forecast.log), `${forecast.log} in: ${what}`);
  assert.equal(outcome.vfs, outcome.errno === null ? vfs : present, what);
}

function assertGroups({ kernel, computed, vfs }: GroupsRecord, iommu: boolean): void {
  // Without an IOMMU the kernel forms none.
  assert.deepEqual(iommu ? computed : [], kernel);
  if (!iommu) return;
  for (const { bdf, kernel: group, foreseen } of vfs) assert.equal(foreseen, group, bdf);
}
