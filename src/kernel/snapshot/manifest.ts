import { VfleetError } from "../../errors/vfleet-error.ts";
import { type CaptureManifest, MANIFEST_FORMAT, MANIFEST_NAME } from "../port-capture.ts";
import { resolvePath, type Tree } from "./tree.ts";

const MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024;

/** What a reader of a capture needs of its manifest. */
export type ReadManifest = Partial<Pick<CaptureManifest, "complete" | "scopes">> & Pick<CaptureManifest, "unread">;

/**
 * The manifest at the root of a tree, or undefined where there is none.
 * @param name of the snapshot, for messages.
 * @throws VfleetError VFL-0008 where there is one that cannot be understood.
 */
export function readManifest(tree: Tree, name: string): ReadManifest | undefined {
  const found = resolvePath(tree, `/${MANIFEST_NAME}`, true);
  if ("errno" in found) return undefined;
  const bytes = tree.read(found.path, MANIFEST_LIMIT_BYTES);
  if (typeof bytes === "string") throw misunderstood(name, bytes);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw misunderstood(name, (error as Error).message);
  }
  const { format, complete, scopes, unread } = (value ?? {}) as Record<string, unknown>;
  if (format !== MANIFEST_FORMAT) {
    throw new VfleetError("VFL-0008", {
      message: `${name} has the capture format ${JSON.stringify(format)}; this vfleet knows ${MANIFEST_FORMAT}`,
      remedy: "use the vfleet that made it, or a newer one",
    });
  }
  if (unread !== undefined && !isUnreadList(unread)) throw misunderstood(name, "unread is no list of path and errno");
  if (scopes !== undefined && !isTextList(scopes)) throw misunderstood(name, "scopes is no list of paths");
  return {
    unread: unread ?? [],
    ...(scopes === undefined ? {} : { scopes }),
    ...(typeof complete === "boolean" ? { complete } : {}),
  };
}

function isUnreadList(value: unknown): value is CaptureManifest["unread"] {
  return (
    Array.isArray(value) && value.every((entry) => typeof entry?.path === "string" && typeof entry.errno === "string")
  );
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function misunderstood(name: string, why: string): VfleetError {
  return new VfleetError("VFL-0008", { message: `${name}: ${MANIFEST_NAME} cannot be understood: ${why}` });
}
