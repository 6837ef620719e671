import type { MigrationPort } from "../host/migrate/migration-port.ts";
import { modelFile } from "../kernel/model/remote/state-folder.ts";
import type { Kernel } from "../kernel/port.ts";
import type { ChangeableKernel } from "../kernel/port-change.ts";

/** How guests of a host move; undefined where they cannot. */
export async function openMigrations(kernel: Kernel | ChangeableKernel): Promise<MigrationPort | undefined> {
  const { kind, name } = kernel.source;
  const file = modelFile(name);
  if (file !== undefined) {
    const { modelMigrations } = await import("../guests/model/model-migrations.ts");
    return modelMigrations(file);
  }
  if (kind !== "linux" || !("write" in kernel)) return undefined;
  const { qemuMigrations } = await import("../guests/qemu/qemu-migrations.ts");
  return qemuMigrations(kernel);
}
