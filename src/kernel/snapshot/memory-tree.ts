import type { Entry, Errno, Tree } from "./tree.ts";

type Node =
  | { readonly kind: "folder"; readonly names: Set<string> }
  | { readonly kind: "file"; readonly content: Uint8Array }
  | { readonly kind: "link"; readonly target: string };

const ENCODER = new TextEncoder();

/** A tree of files that is held in memory. Every operation takes constant time, or linear in the names it gives. */
export class MemoryTree implements Tree {
  readonly #nodes = new Map<string, Node>([["", { kind: "folder", names: new Set() }]]);
  readonly #maxNodes: number;

  /** @param maxNodes folders, files and links that it may have; more throw RangeError. */
  constructor(maxNodes = 1_000_000) {
    this.#maxNodes = maxNodes;
  }

  /** Folders, files and links, the root included. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * Puts a file at `path`, in place of a file or link that was there; the folders above come into being.
   * @returns false, and changes nothing, where a folder is at `path` or something else than a folder is above it.
   */
  addFile(path: string, content: Uint8Array | string): boolean {
    return this.#put(path, { kind: "file", content: typeof content === "string" ? ENCODER.encode(content) : content });
  }

  /** As {@link addFile}, a symbolic link. */
  addLink(path: string, target: string): boolean {
    return this.#put(path, { kind: "link", target });
  }

  /** @returns false where something else than a folder is at `path` or above it. */
  addFolder(path: string): boolean {
    return this.#folder(canonical(path)) !== undefined;
  }

  entry(path: string): Entry | Errno {
    return this.#nodes.get(path) ?? "ENOENT";
  }

  read(path: string, limitBytes: number): Uint8Array | Errno {
    const node = this.#nodes.get(path);
    if (!node) return "ENOENT";
    return node.kind === "file" ? node.content.subarray(0, limitBytes) : "EISDIR";
  }

  names(path: string): readonly string[] | Errno {
    const node = this.#nodes.get(path);
    if (!node) return "ENOENT";
    return node.kind === "folder" ? [...node.names].sort() : "ENOTDIR";
  }

  /** Moves the folder at `from` to `to`, which must not be there yet; what else the tree held is gone. */
  graft(from: string, to: string): void {
    const moved = [...this.#nodes].filter(([path]) => path === from || path.startsWith(`${from}/`));
    const root = this.#nodes.get(from);
    if (root?.kind !== "folder") throw new RangeError(`no folder ${from}`);
    this.#nodes.clear();
    this.#nodes.set("", { kind: "folder", names: new Set() });
    this.#folder(to);
    for (const [path, node] of moved) this.#nodes.set(to + path.slice(from.length), node);
  }

  #put(path: string, node: Node): boolean {
    const at = canonical(path);
    const there = this.#nodes.get(at);
    if (there) {
      if (there.kind === "folder") return false;
      this.#nodes.set(at, node);
      return true;
    }
    const slash = at.lastIndexOf("/");
    const folder = this.#folder(at.slice(0, slash));
    if (!folder) return false;
    this.#insert(at, node, folder);
    return true;
  }

  /** The names in the folder at a canonical path, made where it is missing. */
  #folder(path: string): Set<string> | undefined {
    let above = this.#nodes.get(path);
    let at = path;
    const missing: string[] = [];
    while (above === undefined) {
      const slash = at.lastIndexOf("/");
      missing.push(at.slice(slash + 1));
      at = at.slice(0, slash);
      above = this.#nodes.get(at);
    }
    if (above.kind !== "folder") return undefined;
    let names = above.names;
    for (let name = missing.pop(); name !== undefined; name = missing.pop()) {
      const made = new Set<string>();
      at = `${at}/${name}`;
      this.#insert(at, { kind: "folder", names: made }, names);
      names = made;
    }
    return names;
  }

  #insert(path: string, node: Node, names: Set<string>): void {
    if (this.#nodes.size >= this.#maxNodes) throw new RangeError(`more than ${this.#maxNodes} files and folders`);
    this.#nodes.set(path, node);
    names.add(path.slice(path.lastIndexOf("/") + 1));
  }
}

/** Without `.`, empty names and, by the text alone, `..`. */
function canonical(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.length === 0 ? "" : `/${names.join("/")}`;
}
