import type { FlowReport } from "../flow-report.ts";
import type { sendTraffic } from "../traffic.ts";

/**
 * What goes over a machine's socket: one JSON value a line. A client asks by `Request`s, which are worked on side by side
 * and answered in the order in which they end; a stream's items bear the id of its request.
 */
export interface Request {
  readonly id: number;
  /** As `read`, `devlink.eswitch`, `machine.about`. */
  readonly call: string;
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  /** A fault of the machine's own code, or a call that it does not know. */
  | { readonly id: number; readonly error: string }
  /** Of a stream. */
  | { readonly id: number; readonly item: unknown };

/** Raised when an older vfleet would misunderstand a newer one. */
export const PROTOCOL_VERSION = 3;
/** Of a request; a write has a page at the most. */
export const REQUEST_LIMIT_BYTES = 4 * 1024 * 1024;
/** Of a reply: a file of 1 MiB in base64, a kernel log of some thousand lines. */
export const REPLY_LIMIT_BYTES = 64 * 1024 * 1024;

/** What a machine says of itself. */
export interface MachineInfo {
  readonly protocol: number;
  readonly pid: number;
  /** `metadata.name` of its file. */
  readonly name: string;
  /** Its file's real path. */
  readonly file: string;
  /** SHA-256 of the file as it was at power-on. */
  readonly digest: string;
  /** ISO 8601. */
  readonly poweredOn: string;
}

/** A place of a machine that a fault can be put upon. */
export interface MachinePart {
  readonly name: string;
  readonly bdf: string;
  /** A port has a link, and what is below it. */
  readonly kind: "function" | "port";
  readonly vfs: number;
}

/** What stat(2) tells of a path, and where it really is (realpath(3)). */
export interface FileStatus {
  readonly kind: "file" | "folder" | "link";
  /** Permission bits. */
  readonly mode: number;
  readonly realPath: string;
}

export type Traffic = Parameters<typeof sendTraffic>[2];
export type { FlowReport };
export type TrafficReport = ReturnType<typeof sendTraffic>;

/** Why a fault could not be put upon the machine; null where it could. */
export type FaultRefusal = string | null;

const BYTES = "$bytes";
const MAP = "$map";

/** One line. Bytes and maps are kept. */
export function encode(value: Request | Reply): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Uint8Array) return { [BYTES]: Buffer.from(item).toString("base64") };
    return item instanceof Map ? { [MAP]: [...item] } : item;
  });
  return `${text}\n`;
}

/** @throws SyntaxError where the line is no JSON */
export function decode(line: string): unknown {
  return JSON.parse(line, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null) return item;
    const { [BYTES]: bytes, [MAP]: entries } = item as Record<string, unknown>;
    if (typeof bytes === "string") return new Uint8Array(Buffer.from(bytes, "base64"));
    return Array.isArray(entries) ? new Map(entries as [unknown, unknown][]) : item;
  });
}
