import { parseBdf } from "../../pci/bdf.ts";
import { resolvePath, type Tree } from "./tree.ts";

/** Where in a tree a host's files are, and where they belong. */
export interface Layout {
  /** A folder of the tree. */
  readonly from: string;
  /** The path of that folder on the host. */
  readonly mount: "" | "/sys" | "/sys/bus/pci" | "/sys/bus/pci/devices";
}

/** Archives often hold everything in one folder. */
const MAX_WRAPPERS = 3;

/**
 * Recognises a root with `sys` in it, a sysfs, a folder as `lspci -O sysfs.path=` takes it, or just device folders; in a
 * folder on its own or not. Undefined where the tree is none of these.
 */
export function findLayout(tree: Tree): Layout | undefined {
  let from = "";
  for (let wrappers = 0; wrappers <= MAX_WRAPPERS; wrappers++) {
    if (isFolder(tree, `${from}/sys/bus/pci/devices`)) return { from, mount: "" };
    if (isFolder(tree, `${from}/bus/pci/devices`)) return { from, mount: "/sys" };
    if (holdsDevices(tree, `${from}/devices`)) return { from, mount: "/sys/bus/pci" };
    if (holdsDevices(tree, from)) return { from, mount: "/sys/bus/pci/devices" };
    const names = tree.names(from);
    const only = typeof names !== "string" && names.length === 1 ? `${from}/${names[0]}` : undefined;
    if (only === undefined || !isFolder(tree, only)) return undefined;
    const inside = resolvePath(tree, only, true);
    from = "errno" in inside ? only : inside.path;
  }
  return undefined;
}

function isFolder(tree: Tree, path: string): boolean {
  const resolved = resolvePath(tree, path, true);
  return "entry" in resolved && resolved.entry.kind === "folder";
}

function holdsDevices(tree: Tree, path: string): boolean {
  const resolved = resolvePath(tree, path, true);
  if ("errno" in resolved || resolved.entry.kind !== "folder") return false;
  const names = tree.names(resolved.path);
  return typeof names !== "string" && names.some((name) => parseBdf(name) === name);
}
