import type { MigrationPort } from "../../host/migrate/migration-port.ts";
import type { Kernel } from "../../kernel/port.ts";

/** How guests of a host move; undefined where they cannot. */
export async function openMigrations(kernel: Kernel): Promise<MigrationPort | undefined> {
  if (kernel.source.kind !== "linux") return undefined;
  const { qemuMigrations } = await import("../../guests/qemu/qemu-migrations.ts");
  return qemuMigrations(kernel);
}
