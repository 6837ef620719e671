import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { readFile } from "../read-file.ts";
import type { Entry, Errno, Tree } from "./tree.ts";

/** Bounds the memory of what was looked up; a host with 4,096 VFs has some 50,000 entries. */
const MAX_REMEMBERED = 200_000;

/**
 * A captured tree in a folder of the file system, which nobody else changes meanwhile. Only regular files are opened, and
 * none outside the folder: links are followed by `resolvePath`, not by the file system.
 */
export class DiskTree implements Tree {
  readonly #folder: string;
  readonly #mount: string;
  readonly #entries = new Map<string, Entry | Errno>();

  /**
   * @param folder an absolute path.
   * @param mount the canonical path at which the folder appears in the tree; "" for the root.
   * @throws the errors of `realpath`.
   */
  constructor(folder: string, mount = "") {
    this.#folder = realpathSync.native(folder);
    this.#mount = mount;
  }

  entry(path: string): Entry | Errno {
    const known = this.#entries.get(path);
    if (known !== undefined) return known;
    const entry = this.#lookUp(path);
    if (this.#entries.size >= MAX_REMEMBERED) this.#entries.clear();
    this.#entries.set(path, entry);
    return entry;
  }

  read(path: string, limitBytes: number): Uint8Array | Errno {
    const at = this.#place(path);
    if (at === undefined) return "EISDIR";
    return attempt(() => {
      // The path holds no link, unless somebody has put one there since it was looked up.
      if (realpathSync.native(at) !== at) return "EXDEV";
      const fd = openSync(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        return fstatSync(fd).isFile() ? readFile(fd, limitBytes) : "EINVAL";
      } finally {
        closeSync(fd);
      }
    });
  }

  names(path: string): readonly string[] | Errno {
    const at = this.#place(path);
    if (at === undefined) return [this.#mount.slice(path.length + 1).split("/")[0] as string];
    return attempt(() => readdirSync(at).sort());
  }

  #lookUp(path: string): Entry | Errno {
    const at = this.#place(path);
    if (at === undefined) return `${this.#mount}/`.startsWith(`${path}/`) ? { kind: "folder" } : "ENOENT";
    return attempt(() => {
      const stats = lstatSync(at);
      if (stats.isSymbolicLink()) return { kind: "link", target: readlinkSync(at) };
      return { kind: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other" };
    });
  }

  /** Where a path lies on disk; undefined outside the mount. */
  #place(path: string): string | undefined {
    if (path === this.#mount) return this.#folder;
    return path.startsWith(`${this.#mount}/`) ? join(this.#folder, path.slice(this.#mount.length)) : undefined;
  }
}

function attempt<T>(act: () => T): T | Errno {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    // A NUL in a path.
    return code.startsWith("ERR_") ? "ENOENT" : (code as Errno);
  }
}
