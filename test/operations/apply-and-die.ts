/**
 * Does what is wanted of a modelled machine, and dies of SIGKILL when so many records are on the disk.
 *
 *     node apply-and-die.ts MODEL MODELS STATE RECORDS DESIRED
 */
import { join } from "node:path";
import { applyPlan } from "../../src/host/apply/apply-plan.ts";
import { systemClock } from "../../src/host/apply/clock.ts";
import { planningOf } from "../../src/host/apply/testing/operation-host.ts";
import type { DesiredPf } from "../../src/host/desired/desired-pf.ts";
import { openMachine } from "../../src/kernel/model/remote/modelled-machine.ts";
import { openOperationStore } from "../../src/state/operation-store.ts";
import { openLocks } from "../../src/state/pf-locks.ts";

const [file = "", models = "", state = "", records = "", desired = ""] = process.argv.slice(2);
const { kernel } = await openMachine(file, models);
const planning = planningOf(kernel);
let left = Number(records);
await applyPlan({
  kernel,
  planning,
  plan: await planning.plan(await planning.observe(), [JSON.parse(desired) as DesiredPf]),
  kind: "apply",
  title: "test",
  store: openOperationStore(join(state, "operations")),
  locks: openLocks(join(state, "locks")),
  clock: systemClock,
  pid: process.pid,
  onEvent: ({ kind }) => {
    if (kind === "event" && left-- <= 0) process.kill(process.pid, "SIGKILL");
  },
});
