import type { OperationSetting } from "../apply/apply-plan.ts";
import type { Journal } from "../apply/journal.ts";
import type { Operation } from "../apply/operation.ts";
import { operationFailure } from "../apply/step-outcome.ts";
import type { HostState } from "../state/host-state.ts";
import type { MigrationPort } from "./migration-port.ts";
import { endMigration, migrationCourse } from "./run-migration.ts";

/** For a move that goes on of itself, as QEMU's does, to be ended. */
const TIMEOUT_MS = 60_000;

/** Ends a move that a crash has cut off, by what both ends tell of the guest. */
export async function recoverMigration(
  { migration: move }: Operation,
  state: HostState,
  journal: Journal,
  setting: OperationSetting,
  port: MigrationPort | undefined,
): Promise<Operation> {
  if (move === undefined) return journal.operation;
  if (port === undefined) {
    const why = operationFailure("VFL-0413", `${move.guest} cannot be asked for here`);
    return endMigration(async () => ({ kind: "lost", why }), journal);
  }
  const { signal } = new AbortController();
  const course = migrationCourse(move, state, { ...setting, signal, timeoutMs: TIMEOUT_MS }, journal);
  return endMigration(() => port.recover(move, course), journal);
}
