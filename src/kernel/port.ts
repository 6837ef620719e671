import type { Bdf } from "../pci/bdf.ts";
import type { ConfigSpace } from "../pci/config-space.ts";

/**
 * What a kernel offers an SR-IOV manager. Paths are absolute and as Linux has them (`/sys/...`, `/proc/...`), whatever
 * stands behind the port: this host, a captured tree, a dump of registers.
 */
export interface Kernel {
  readonly source: KernelSource;
  /** The bytes of a file, `limitBytes` at the most (default 1 MiB: more than any attribute has). */
  read(path: string, limitBytes?: number): Promise<Uint8Array | Unread>;
  /** Where a symbolic link points, as it is written there. */
  readLink(path: string): Promise<string | Unread>;
  /** The names in a folder, sorted. */
  list(path: string): Promise<readonly string[] | Unread>;
  /**
   * What `ip -json -details -statistics link show dev NETDEV` prints of a network interface; of a PF's, with the settings
   * and counters of its VFs (IFLA_VFINFO_LIST; port-vf-info.ts reads it).
   */
  ipLink(netdev: string): Promise<Observed<string>>;
  /** The kernel log, oldest line first, as far back as it reaches. */
  log(): Promise<readonly string[] | Unread>;
  /**
   * The configuration space of a function, from a source whose bytes have holes, which no file can show. Others have no
   * such method; `configSpaceOf` serves both.
   */
  config?(bdf: Bdf): Observed<ConfigSpace>;
}

export interface KernelSource {
  readonly kind: "linux" | "snapshot" | "lspci" | "model";
  /** As the user may write it after `--source`. */
  readonly name: string;
  /**
   * Whether what is absent here is absent on the host. An `lspci` dump says nothing about drivers, so their absence from
   * it means nothing.
   */
  readonly complete: boolean;
}

/** An observation that could not be made. Never replaced by a default. */
export interface Unread {
  readonly kind: "unread";
  readonly path: string;
  /** The errno's name, as ENOENT; for a source that does not hold such facts, ENODATA. */
  readonly errno: string;
  /** One sentence for a person. */
  readonly reason: string;
}

export type Observed<T> = T | Unread;

export function unread(path: string, errno: string, reason: string = errnoReason(errno)): Unread {
  return { kind: "unread", path, errno, reason };
}

export function isUnread(value: unknown): value is Unread {
  if (typeof value !== "object" || value === null) return false;
  const { kind, errno } = value as { kind?: unknown; errno?: unknown };
  // A problem of configuration space has the kind, too.
  return kind === "unread" && typeof errno === "string";
}

/** The value, or undefined where it was not observed. */
export function known<T>(value: Observed<T>): T | undefined {
  return isUnread(value) ? undefined : value;
}

function errnoReason(errno: string): string {
  switch (errno) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied; run as root";
    case "ENODATA":
      return "the source does not hold it";
    case "ETIMEDOUT":
      return "the kernel did not answer in time";
    default:
      return `the kernel answered ${errno}`;
  }
}
