import { isUnread, type Kernel, type KernelSource, type Observed, type Unread, unread } from "../port.ts";
import { ipLinkPath } from "../port-capture.ts";
import { type Errno, type Resolved, resolvePath, type Tree } from "./tree.ts";

export interface TreeKernelOptions {
  /**
   * Why a path is not in the tree; undefined where that is because the host did not have it. Gets the path as it was
   * asked for and as it was followed.
   */
  readonly absence?: (path: string, followed: string) => Unread | undefined;
  /** The kernel log's file; `/kernel.log` when left out. */
  readonly logPath?: string;
  readonly config?: Kernel["config"];
}

const DEFAULT_LIMIT_BYTES = 1024 * 1024;
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;

/** The reading half of the port over a captured tree. */
export function treeKernel(tree: Tree, source: KernelSource, options: TreeKernelOptions = {}): Kernel {
  const { absence, config, logPath = "/kernel.log" } = options;

  function at<T extends object>(path: string, follow: boolean, open: (found: Resolved) => T | Errno): Observed<T> {
    const resolved = resolvePath(tree, path, follow);
    const result = "errno" in resolved ? resolved.errno : open(resolved);
    if (typeof result !== "string") return result;
    const absent = result === "ENOENT" ? absence?.(path, "errno" in resolved ? resolved.at : resolved.path) : undefined;
    return absent ?? unread(path, result, treeReason(result));
  }

  async function read(path: string, limitBytes: number = DEFAULT_LIMIT_BYTES): Promise<Observed<Uint8Array>> {
    return at(path, true, ({ path: canonical, entry }) => {
      if (entry.kind === "file") return withoutPadding(canonical, tree.read(canonical, limitBytes));
      return entry.kind === "folder" ? "EISDIR" : "EINVAL";
    });
  }

  return {
    source,
    read,
    async readLink(path) {
      const link = at<{ readonly target: string }>(path, false, ({ entry }) =>
        entry.kind === "link" ? { target: entry.target } : "EINVAL",
      );
      return isUnread(link) ? link : link.target;
    },
    async list(path) {
      return at(path, true, ({ path: canonical, entry }) =>
        entry.kind === "folder" ? tree.names(canonical) : "ENOTDIR",
      );
    },
    async ipLink(netdev) {
      const path = ipLinkPath(netdev);
      const content = await read(path);
      if (isUnread(content)) return unread(path, content.errno, "the source holds no VF settings");
      return new TextDecoder().decode(content);
    },
    async log() {
      const content = await read(logPath, LOG_LIMIT_BYTES);
      if (isUnread(content)) return unread(logPath, content.errno, "the source holds no kernel log");
      return new TextDecoder()
        .decode(content)
        .split(/\r?\n/)
        .filter((line) => line !== "");
    },
    ...(config === undefined ? {} : { config }),
  };
}

/**
 * tar pads an attribute with NUL up to the 4096 bytes that sysfs pretends it has. Registers may end in zeros; text does
 * not.
 */
function withoutPadding(path: string, content: Uint8Array | Errno): Uint8Array | Errno {
  if (typeof content === "string" || content.at(-1) !== 0 || path.endsWith("/config")) return content;
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return content.subarray(0, end);
}

function treeReason(errno: Errno): string | undefined {
  if (errno === "ELOOP") return "its symbolic links lead in a circle";
  return errno === "EINVAL" ? "it is not of the kind that was asked for" : undefined;
}
