import type { Operation } from "../host/apply/operation.ts";
import { type RecoverRequest, recoverOperations } from "../host/apply/recover.ts";
import { recoverMigration } from "../host/migrate/recover-migration.ts";
import { openKept } from "../state/kept.ts";
import { type HostSetting, operationSetting, settingOf } from "./host-setting.ts";
import { openMigrations } from "./open-migrations.ts";

/**
 * Ends what a crash or a power loss has cut off on a host, moves of guests too, by what the hardware shows.
 * @returns the operations that were looked at, as they are now
 */
export async function recoverHost(
  host: HostSetting,
  how: Pick<RecoverRequest, "stuck" | "onDamage" | "onEvent">,
): Promise<readonly Operation[]> {
  const setting = operationSetting(host);
  let { planning } = host;
  return recoverOperations({
    ...setting,
    kept: openKept(host.folders),
    planning: {
      // Which VFs claims have changes as operations are ended.
      async observe() {
        ({ planning } = await settingOf(host));
        return planning.observe();
      },
      plan: (state, desired) => planning.plan(state, desired),
      desiredOf: planning.desiredOf,
    },
    endMove: async (operation, state, journal) =>
      recoverMigration(operation, state, journal, setting, await openMigrations(host.kernel)),
    ...how,
  });
}
