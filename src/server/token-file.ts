import { join } from "node:path";

/** Where a server keeps the token of its first start, in its own folder. */
export function tokenFile(folder: string): string {
  return join(folder, "token");
}
