import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";

/**
 * Makes a folder for its owner alone.
 * @throws VfleetError VFL-0307 where it cannot be made, or others may write to it
 */
export function makePrivateFolder(folder: string): void {
  try {
    makeFolders(resolve(folder));
    const stats = lstatSync(folder);
    if (stats.isDirectory() && (stats.mode & 0o022) === 0 && stats.uid === process.geteuid?.()) return;
  } catch (cause) {
    throw notWritten(folder, cause);
  }
  throw new VfleetError("VFL-0307", {
    message: `${folder} is another user's, or others may write to it`,
    remedy: "take it away, or name another folder",
    details: { path: folder },
  });
}

/** Not by `recursive`: Node 26 tries for ever where the kernel answers ENOENT to mkdir(2) itself, as in /proc. */
function makeFolders(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST") return;
    if (errno !== "ENOENT" || existsSync(dirname(folder))) throw error;
    makeFolders(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

/** What was renamed or made in a folder survives a power loss once the folder itself is on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (cause) {
    throw notWritten(folder, cause);
  } finally {
    await handle?.close();
  }
}

export function notWritten(path: string, cause: unknown): VfleetError {
  const errno = errnoOf(cause);
  const why = errno === "ENOSPC" || errno === "EDQUOT" ? `: no space is left (${errno})` : `: ${errno}`;
  return new VfleetError("VFL-0307", {
    message: `${path} cannot be written${why}`,
    details: { path, errno },
    cause,
  });
}

export function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "EIO";
}
