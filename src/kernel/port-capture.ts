/** One entry of a captured host; the path is absolute, as on the host. */
export type CaptureEntry =
  | { readonly path: string; readonly kind: "file"; readonly content: Uint8Array }
  | { readonly path: string; readonly kind: "link"; readonly target: string }
  | { readonly path: string; readonly kind: "folder" };

/** At the root of what `vfleet capture` wrote. */
export const MANIFEST_NAME = "vfleet-capture.json";
/** Raised when an older vfleet would misunderstand a capture. */
export const MANIFEST_FORMAT = 1;

/** What a capture says of itself. */
export interface CaptureManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly vfleetVersion: string;
  /** As `uname -r` and `uname -m`; null where unknown. */
  readonly kernelRelease: string | null;
  readonly machine: string | null;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly anonymised: boolean;
  /** Of the source it was made from: whether what was absent there was absent on the host. */
  readonly complete: boolean;
  /** Where it was looked: paths, which stand for all below them too. What is absent elsewhere says nothing. */
  readonly scopes: readonly string[];
  /** What was there and could not be read. */
  readonly unread: ReadonlyArray<{ readonly path: string; readonly errno: string }>;
  /** Files that are empty here because only their being there was looked at. */
  readonly presenceOnly: readonly string[];
}

/** Where a capture keeps what `ip` printed of an interface. */
export function ipLinkPath(netdev: string): string {
  return `/ip-link/${netdev}.json`;
}
