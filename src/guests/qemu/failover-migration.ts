import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Qmp } from "../../qmp/qmp.ts";

/** A guest that is to move from a QEMU to another that waits for it (`-incoming defer`). */
export interface FailoverMigration {
  readonly source: Qmp;
  readonly destination: Qmp;
  /** Where the destination listens, as `unix:/run/web.mig` or `tcp:10.0.0.2:4444`. */
  readonly uri: string;
  /** The virtio interface with `failover=on`, in both. */
  readonly standbyId: string;
  /** The VF that it gets, as device_add has it. */
  readonly replacement: { readonly id: string; readonly host: string; readonly bus: string };
  /** What the hosts do to the VFs meanwhile: one MAC address is at one place only. */
  readonly hosts: {
    /** The source's card is to bring frames for the address to the standby, too: the VF goes at any moment. */
    beforeUnplug(): Promise<void>;
    /** The source's VF has gone, and is to have the address no longer. */
    onUnplugged(): Promise<void>;
    /** The destination's VF is to have it. */
    beforePlug(): Promise<void>;
    /** All is as it was: the source's VF is to have it again. */
    onRolledBack(): Promise<void>;
  };
  readonly onPhase?: (phase: MigrationPhase) => void;
  readonly timeouts?: Partial<MigrationTimeouts>;
}

interface MigrationTimeouts {
  /** For the guest to let go of its VF. */
  readonly unplugMs: number;
  /** For its memory to move. */
  readonly moveMs: number;
  /** For the VF at the destination. */
  readonly plugMs: number;
}

/** Where a migration is, with the time since it began. */
interface MigrationPhase {
  readonly phase: "checked" | "unplugging" | "moving" | "moved" | "plugged" | "rollingBack" | "rolledBack";
  readonly atMs: number;
}

export interface MigrationResult {
  readonly phases: readonly MigrationPhase[];
  /** While no processor of the guest ran, as the source's QEMU has it. */
  readonly downtimeMs: number;
  /** Why the guest has no VF at the destination, though it runs there; null where it has one. */
  readonly withoutVf: string | null;
}

const TIMEOUTS: MigrationTimeouts = { unplugMs: 60_000, moveMs: 600_000, plugMs: 60_000 };
const STATUS = z.object({
  status: z.string().optional(),
  downtime: z.number().optional(),
  "error-desc": z.string().optional(),
});
/** Of `query-migrate` (qapi/migration.json): from these it does not go on. */
const FAILED: readonly (string | undefined)[] = ["failed", "cancelled"];
/** Beyond the wait for the guest, whatever comes of it. */
const UNPLUGGED: readonly unknown[] = ["active", "device", "completed", "failed", "cancelled"];
const POLL_MS = 50;

/**
 * Moves a guest that has a VF and a virtio interface of the same MAC address: QEMU takes the VF from it as it begins
 * (`failover_unplug_primary`), its traffic goes by the standby, and at the other end it gets another VF. Until the guest runs there, any
 * failure leaves it where it was, with its VF; from then on it stays there, and a VF that cannot be given is told.
 * @throws VfleetError VFL-0411 where it was rolled back
 */
export async function migrateByFailover(migration: FailoverMigration): Promise<MigrationResult> {
  const { source, destination, uri, replacement, hosts, standbyId } = migration;
  const limits = { ...TIMEOUTS, ...migration.timeouts };
  const began = performance.now();
  const phases: MigrationPhase[] = [];
  const enter = (phase: MigrationPhase["phase"]): void => {
    const entered = { phase, atMs: Math.round(performance.now() - began) };
    phases.push(entered);
    migration.onPhase?.(entered);
  };

  let prepared = false;
  let downtimeMs = 0;
  try {
    await destination.execute("migrate-incoming", { uri });
    enter("checked");
    await hosts.beforeUnplug();
    prepared = true;
    await source.execute("migrate-set-capabilities", { capabilities: [{ capability: "events", state: true }] });
    // A primary is kept for the case that it is wanted back, so no DEVICE_DELETED tells of it: the migration goes on from
    // `wait-unplug` once the guest has let go of it (`qemu_savevm_wait_unplug`).
    const begun = source.event(
      ({ event, data }) => event === "MIGRATION" && UNPLUGGED.includes(data.status),
      limits.unplugMs,
    );
    // Where migrate itself is refused nobody waits for it.
    begun.catch(() => {});
    await source.execute("migrate", { uri });
    enter("unplugging");
    await begun;
    await hosts.onUnplugged();
    enter("moving");
    downtimeMs = await completed(source, limits.moveMs);
  } catch (cause) {
    enter("rollingBack");
    await rollBack(source, limits.unplugMs);
    if (prepared) await hosts.onRolledBack();
    enter("rolledBack");
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VfleetError("VFL-0411", { message: `the guest was not moved, and is where it was: ${why}`, cause });
  }
  enter("moved");
  try {
    await hosts.beforePlug();
    const device = { driver: "vfio-pci", failover_pair_id: standbyId, ...replacement };
    await destination.execute("device_add", device, limits.plugMs);
  } catch (cause) {
    if (!(cause instanceof VfleetError)) throw cause;
    return { phases, downtimeMs, withoutVf: cause.message };
  }
  enter("plugged");
  return { phases, downtimeMs, withoutVf: null };
}

/** @returns the downtime in milliseconds */
async function completed(qmp: Qmp, limitMs: number): Promise<number> {
  const end = performance.now() + limitMs;
  for (;;) {
    const { status, downtime = 0, "error-desc": why } = await statusOf(qmp);
    if (status === "completed") return downtime;
    if (FAILED.includes(status))
      throw new VfleetError("VFL-0411", { message: `the migration ${status}${why ? `: ${why}` : ""}` });
    if (performance.now() > end)
      throw new VfleetError("VFL-0411", { message: `it did not end in ${limitMs / 1000} s` });
    await sleep(POLL_MS);
  }
}

/** The source's QEMU gives the guest its VF again by itself (`failover_replug_primary`). */
async function rollBack(source: Qmp, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  const { status } = await statusOf(source);
  if (status !== undefined && ![...FAILED, "completed", "none"].includes(status)) {
    await source.execute("migrate_cancel");
    while (performance.now() < end && !FAILED.includes((await statusOf(source)).status)) {
      await sleep(POLL_MS);
    }
  }
  const run = z.object({ running: z.boolean() }).safeParse(await source.execute("query-status"));
  if (run.success && !run.data.running) await source.execute("cont");
}

async function statusOf(qmp: Qmp): Promise<z.infer<typeof STATUS>> {
  return STATUS.parse(await qmp.execute("query-migrate"));
}
