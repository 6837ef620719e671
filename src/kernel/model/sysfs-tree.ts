import { KernelError } from "./kernel-error.ts";

/** What a file gives: text, or bytes of a binary attribute. */
export type Content = string | Uint8Array;

/** A file as its owner has it: `show` and `store` of a sysfs attribute. */
export interface FileOperations {
  /** Permission bits. A file without a bit for it is not opened, by root neither (`kernfs_fop_open`). */
  readonly mode: number;
  show?(limitBytes: number): Content | Promise<Content>;
  store?(written: Uint8Array): void | Promise<void>;
  /** Of a device file that is kept open. @throws KernelError */
  open?(): void;
  release?(): void;
  /** Of the node of a block device: `major:minor`. */
  readonly device?: string;
}

/** Files of a folder that are not kept as nodes: the attributes that all objects of a kind have. */
export interface FileTable {
  names(): string[];
  file(name: string): FileOperations | undefined;
}

export type TreeNode = Folder | FileNode | LinkNode;

class Node {
  name: string;
  parent: Folder | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Absolute. */
  get path(): string {
    const above = this.parent?.path ?? "";
    return this.parent === undefined ? "" : `${above}/${this.name}`;
  }

  /** `kernfs_rename` */
  rename(name: string): void {
    const { parent } = this;
    parent?.children.delete(this.name);
    this.name = name;
    parent?.children.set(name, this as unknown as TreeNode);
  }

  /** Takes the node, and all below it, out of the tree (`kernfs_remove`). */
  remove(): void {
    this.parent?.children.delete(this.name);
    this.parent = undefined;
  }
}

export class FileNode extends Node {
  readonly kind = "file";
  readonly operations: FileOperations;

  constructor(name: string, operations: FileOperations) {
    super(name);
    this.operations = operations;
  }
}

/** A symbolic link to another node, by a path relative to its own folder (`sysfs_create_link`). */
export class LinkNode extends Node {
  readonly kind = "link";
  readonly to: Folder;

  constructor(name: string, to: Folder) {
    super(name);
    this.to = to;
  }

  get target(): string {
    const here = (this.parent?.path ?? "").split("/");
    const there = this.to.path.split("/");
    let same = 0;
    // kernfs_get_target_path looks for a folder that holds the target, even where that is above the link.
    while (same < here.length && same < there.length - 1 && here[same] === there[same]) same++;
    return [...here.slice(same).map(() => ".."), ...there.slice(same)].join("/");
  }
}

export class Folder extends Node {
  readonly kind = "folder";
  readonly children = new Map<string, TreeNode>();
  readonly tables: FileTable[] = [];

  folder(name: string): Folder {
    const there = this.children.get(name);
    if (there instanceof Folder) return there;
    return this.#add(new Folder(name));
  }

  /** The folder at a path below this one; made where it is missing. */
  folders(path: string): Folder {
    return path.split("/").reduce((at: Folder, name) => at.folder(name), this);
  }

  file(name: string, operations: FileOperations): FileNode {
    return this.#add(new FileNode(name, operations));
  }

  /** A file that only shows. */
  shows(name: string, show: () => string): FileNode {
    return this.file(name, { mode: 0o444, show: () => `${show()}\n` });
  }

  link(name: string, to: Folder): LinkNode {
    return this.#add(new LinkNode(name, to));
  }

  removeChild(name: string): void {
    this.children.get(name)?.remove();
  }

  names(): string[] {
    return [...this.children.keys(), ...this.tables.flatMap((table) => table.names())].sort();
  }

  child(name: string): TreeNode | undefined {
    const child = this.children.get(name);
    if (child !== undefined) return child;
    for (const table of this.tables) {
      const operations = table.file(name);
      if (operations === undefined) continue;
      const file = new FileNode(name, operations);
      file.parent = this;
      return file;
    }
    return undefined;
  }

  #add<T extends TreeNode>(node: T): T {
    node.parent = this;
    this.children.set(node.name, node);
    return node;
  }
}

/** MAXSYMLINKS of include/linux/namei.h; PATH_MAX of include/uapi/linux/limits.h. */
const MAX_LINKS = 40;
const MAX_PATH = 4096;

/**
 * Follows a path from the root, as `path_lookupat` does.
 * @param follow whether a link at the very end is followed
 * @throws KernelError
 */
export function lookUp(root: Folder, path: string, follow: boolean): TreeNode {
  if (path.length >= MAX_PATH) throw new KernelError("ENAMETOOLONG");
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  let at: TreeNode = root;
  let links = 0;
  for (const [index, name] of names.entries()) {
    if (!(at instanceof Folder)) throw new KernelError("ENOTDIR");
    if (name === "..") {
      at = at.parent ?? root;
      continue;
    }
    let next: TreeNode | undefined = at.child(name);
    const last = index === names.length - 1;
    while (next instanceof LinkNode && (follow || !last || path.endsWith("/"))) {
      if (++links > MAX_LINKS) throw new KernelError("ELOOP");
      // What it points to may be gone from the tree.
      next = next.to.parent === undefined && next.to !== root ? undefined : next.to;
    }
    if (next === undefined) throw new KernelError("ENOENT");
    at = next;
  }
  return at;
}
