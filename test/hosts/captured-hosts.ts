import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Where the lab's captured machines are (scripts/capture-lab-hosts.ts). */
export const HOSTS = join(import.meta.dirname, "../../fixtures/hosts");

/** Each machine's name, and with -vfs behind it where it was captured with VFs too. */
export const capturedHosts: readonly string[] = readdirSync(HOSTS).flatMap((file) => {
  return /^(.*)\.tar\.gz$/.exec(file)?.[1] ?? [];
});
