import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Qmp } from "../../qmp/qmp.ts";

const MIGRATION = z.object({
  status: z.string().optional(),
  downtime: z.number().optional(),
  "error-desc": z.string().optional(),
});
const RUN = z.object({ running: z.boolean(), status: z.string() });
/** Of `query-migrate` (qapi/migration.json): from these it does not go on. */
const FAILED: readonly (string | undefined)[] = ["failed", "cancelled"];
const OVER: readonly (string | undefined)[] = [undefined, "none", "completed", ...FAILED];
/** The source has stopped the guest and sends the last of it: called back now, it might run at both ends. */
const SWITCHING = "device";
/** What QEMU is while, and after, a guest has left it. One that runs, or was paused by somebody, has not given its guest away. */
const LEFT: readonly string[] = ["finish-migrate", "postmigrate"];
/** Beyond the wait for the guest, whatever comes of it. */
const UNPLUGGED: readonly unknown[] = ["active", "device", "completed", ...FAILED];
const POLL_MS = 50;
const FIRST_POLL_MS = 5;
/** For a guest to let go of its VF; for a move that was cancelled to end. */
const UNPLUG_MS = 60_000;
/** For a destination that has all of a guest to let it run. */
const RUN_MS = 30_000;

/** Begins to move a guest; ends when its memory moves, and the VF of a failover pair is out of it. */
export async function beginMove(
  source: Qmp,
  uri: string,
  signal: AbortSignal,
  onAsked: () => Promise<void>,
): Promise<void> {
  // Without return-path: with it a source whose destination died gave the guest its VF again so soon after it was unplugged that the guest
  // hung, in two of seven runs of test/lab/failover. So `completed` says that all is sent, and the destination is asked itself.
  await source.execute("migrate-set-capabilities", { capabilities: [{ capability: "events", state: true }] });
  // A primary is kept for the case that it is wanted back, so no DEVICE_DELETED tells of it: the migration goes on from
  // `wait-unplug` once the guest has let go of it (`qemu_savevm_wait_unplug`).
  const begun = source.event(({ event, data }) => event === "MIGRATION" && UNPLUGGED.includes(data.status), UNPLUG_MS);
  // Where migrate itself is refused nobody waits for it.
  begun.catch(() => {});
  requireWanted(signal);
  await source.execute("migrate", { uri });
  await onAsked();
  await orAborted(begun, signal);
}

/** @returns the downtime in milliseconds, as the source's QEMU has it */
export async function completeMove(source: Qmp, limitMs: number, signal: AbortSignal): Promise<number | undefined> {
  const end = performance.now() + limitMs;
  for (;;) {
    const { status, downtime, "error-desc": why } = await migrationOf(source);
    if (status === "completed") return downtime;
    if (FAILED.includes(status)) throw notMoved(`the migration ${status}${why ? `: ${why}` : ""}`);
    requireWanted(signal);
    if (performance.now() > end) throw notMoved(`it did not end in ${limitMs / 1000} s`);
    await sleep(POLL_MS);
  }
}

/**
 * Ends a move that may be under way, and lets the guest go on here. QEMU gives it the VF of its failover pair again by itself
 * (`failover_replug_primary`).
 * @returns false where it had gone over already: then it does not go on here, since it would run twice
 */
export async function staysHere(source: Qmp): Promise<boolean> {
  const end = performance.now() + UNPLUG_MS;
  let { status } = await migrationOf(source);
  if (!OVER.includes(status)) {
    if (status !== SWITCHING) await source.execute("migrate_cancel");
    while (performance.now() < end && !OVER.includes(status)) {
      await sleep(POLL_MS);
      ({ status } = await migrationOf(source));
    }
    if (!OVER.includes(status)) throw notMoved(`the migration is ${status}, though it was cancelled`);
  }
  const run = await runStateOf(source);
  // A QEMU that its guest came to some time ago says `completed` of that, too.
  if (status === "completed" && LEFT.includes(run.status)) return false;
  if (!run.running) await source.execute("cont");
  return true;
}

/**
 * Waits until the destination runs the guest that it has. One that was started paused (`-S`) lets it run now, as it ran before.
 * @throws VfleetError where it does not
 */
export async function runsThere(destination: Qmp): Promise<void> {
  const end = performance.now() + RUN_MS;
  for (;;) {
    const { running, status } = await runStateOf(destination);
    if (running) return;
    if (performance.now() > end) throw notMoved(`the destination has the guest, and is ${status}`);
    if (status === "paused") await destination.execute("cont");
    // Until vfleet knows, nobody makes the network's way there.
    await sleep(FIRST_POLL_MS);
  }
}

/** What a QEMU runs. */
export async function runStateOf(qmp: Qmp): Promise<z.infer<typeof RUN>> {
  return RUN.parse(await qmp.execute("query-status"));
}

async function migrationOf(qmp: Qmp): Promise<z.infer<typeof MIGRATION>> {
  return MIGRATION.parse(await qmp.execute("query-migrate"));
}

async function orAborted(wanted: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(interrupted());
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([wanted, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    aborted.promise.catch(() => {});
  }
}

/** @throws VfleetError VFL-0312 where the move was called back */
export function requireWanted(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

function interrupted(): VfleetError {
  return new VfleetError("VFL-0312", { message: "the move was interrupted" });
}

function notMoved(message: string): VfleetError {
  return new VfleetError("VFL-0411", { message });
}
