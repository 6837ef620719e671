import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, notWritten } from "./private-folder.ts";

/** Makes a folder for the socket of one move, for its owner alone: what goes through it is a guest's whole memory. */
export function makeMoveFolder(parent: string): string {
  makePrivateFolder(parent);
  try {
    return mkdtempSync(join(parent, "move-"));
  } catch (cause) {
    throw notWritten(parent, cause);
  }
}
