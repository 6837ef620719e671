/**
 * Runs in a lab machine: the conformance scripts for this machine, a record a step.
 *
 *     vfleet lab run test/lab/guest/conformance.ts [WORD...]      those whose name has one of the words
 */
import { appendFileSync, readFileSync } from "node:fs";
import { runScript, type StepResult } from "../../../src/kernel/conformance/run-script.ts";
import { CONFORMANCE_SCRIPTS } from "../../../src/kernel/conformance/scripts.ts";
import { openLinux } from "../../../src/kernel/linux/linux-kernel.ts";
import { holdFiles } from "./hold-files.ts";

const { LAB_MACHINE = "", LAB_RECORDS = "/dev/stdout" } = process.env;
const words = process.argv.slice(2);
const release = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
const kernel = openLinux();
for (const script of CONFORMANCE_SCRIPTS) {
  if (script.machine !== LAB_MACHINE) continue;
  if (words.length > 0 && !words.some((word) => script.name.includes(word))) continue;
  const tell = (result: StepResult) => {
    appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "step", ...result })}\n`);
  };
  await runScript(kernel, script, release, tell, holdFiles());
}
