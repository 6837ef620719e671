import { statSync } from "node:fs";

/** A namespace is a file that can be opened; one that was deleted leaves an empty file, or none. */
export function isNamespace(path: string): boolean {
  try {
    return statSync(path, { bigint: true }).dev === statSync("/proc/self/ns/net", { bigint: true }).dev;
  } catch {
    return false;
  }
}
