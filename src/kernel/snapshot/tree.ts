/** What stands at a path. `other` is what nobody reads: a device, a FIFO, a socket. */
export type Entry =
  | { readonly kind: "file" }
  | { readonly kind: "folder" }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "other" };

/** An errno's name, as ENOENT. */
export type Errno = `E${string}`;

/**
 * A captured tree of files. Paths are canonical: absolute, without `.`, `..`, doubled or closing slashes, and no folder
 * in them is a link; the root is "". {@link resolvePath} makes them.
 */
export interface Tree {
  entry(path: string): Entry | Errno;
  /** `limitBytes` of a file at the most. */
  read(path: string, limitBytes: number): Uint8Array | Errno;
  /** The names in a folder, sorted. */
  names(path: string): readonly string[] | Errno;
}

export interface Resolved {
  readonly path: string;
  readonly entry: Entry;
}

/** Why a path leads nowhere, and where it ended. */
export interface Unresolved {
  readonly errno: Errno;
  /** Canonical; the part that could not be followed. */
  readonly at: string;
}

/** As Linux: MAXSYMLINKS of `include/linux/namei.h`, PATH_MAX of `include/uapi/linux/limits.h`. */
const MAX_LINKS = 40;
const MAX_PATH = 4096;

/**
 * Follows `path` through the tree as `chroot` would: absolute links begin at the tree's root, and `..` of the root is the
 * root, so that no path leaves the tree.
 * @param follow whether a link at the very end is followed.
 */
export function resolvePath(tree: Tree, path: string, follow: boolean): Resolved | Unresolved {
  if (path.length > MAX_PATH) return { errno: "ENAMETOOLONG", at: path.slice(0, MAX_PATH) };
  const pending = path.split("/").reverse();
  let here = "";
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      here = here.slice(0, Math.max(0, here.lastIndexOf("/")));
      continue;
    }
    const next = `${here}/${name}`;
    const entry = tree.entry(next);
    if (typeof entry === "string") return { errno: entry, at: next };
    if (entry.kind === "link") {
      if (!follow && pending.every((rest) => rest === "")) return { path: next, entry };
      if (++links > MAX_LINKS) return { errno: "ELOOP", at: next };
      if (entry.target.length > MAX_PATH) return { errno: "ENAMETOOLONG", at: next };
      if (entry.target.startsWith("/")) here = "";
      pending.push(...entry.target.split("/").reverse());
    } else if (entry.kind === "folder") {
      here = next;
    } else {
      return pending.length === 0 ? { path: next, entry } : { errno: "ENOTDIR", at: next };
    }
  }
  const entry = tree.entry(here);
  return typeof entry === "string" ? { errno: entry, at: here } : { path: here, entry };
}
