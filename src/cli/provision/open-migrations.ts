import type { MigrationPort } from "../../host/migrate/migration-port.ts";
import type { Kernel } from "../../kernel/port.ts";

const MODEL = "model:";

/** How guests of a host move; undefined where they cannot. */
export async function openMigrations(kernel: Kernel): Promise<MigrationPort | undefined> {
  const { kind, name } = kernel.source;
  if (kind === "model") {
    const { modelMigrations } = await import("../../guests/model/model-migrations.ts");
    return modelMigrations(name.slice(MODEL.length));
  }
  if (kind !== "linux") return undefined;
  const { qemuMigrations } = await import("../../guests/qemu/qemu-migrations.ts");
  return qemuMigrations(kernel);
}
