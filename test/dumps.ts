import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Real dumps, one or several for each capability, which lie beside the repository where it is developed. */
const SHARED_DUMPS = join(ROOT, "../shared/data");

export interface Dump {
  readonly name: string;
  readonly path: string;
}

/** The dumps that lie beside the repository; none elsewhere. */
export const sharedDumps: readonly Dump[] = dumpsOf(`${SHARED_DUMPS}/*.txt`);
/** For node:test's `skip`. */
export const withoutSharedDumps: false | string = existsSync(SHARED_DUMPS) ? false : `no ${SHARED_DUMPS}`;
/** What `lspci -xxxx -D` says on the project's captured hosts. */
export const capturedDumps: readonly Dump[] = dumpsOf(join(ROOT, "fixtures/hosts/*.lspci.txt"));

function dumpsOf(pattern: string): Dump[] {
  return globSync(pattern)
    .sort()
    .map((path) => ({ name: basename(path), path }));
}
