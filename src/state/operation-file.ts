import { VfleetError } from "../errors/vfleet-error.ts";
import type { OperationEvent, OperationHeader } from "../host/apply/operation.ts";
import { writtenMove } from "../host/migrate/planned-move.ts";

/** What a file of records holds. */
export interface OperationFile {
  readonly header: OperationHeader;
  readonly events: readonly OperationEvent[];
  /** Where the next record goes: behind the last that is whole. */
  readonly end: number;
}

const NEWLINE = 0x0a;
const EVENTS: readonly unknown[] = [
  "stepBegun",
  "stepDone",
  "stepFailed",
  "undoBegun",
  "phase",
  "traffic",
  "resumed",
  "ended",
];
const LISTS: readonly (keyof OperationHeader)[] = ["pfs", "desired", "before", "steps"];

/**
 * Reads the records of one operation: a line each, the header first, blank lines behind them (the room that was taken for
 * more). Of a record that was cut off by a power loss there may be pieces at the end; nobody was told that it was written,
 * and it does not count.
 * @throws VfleetError VFL-0309
 */
export function parseOperationFile(bytes: Uint8Array, path: string, number: number): OperationFile {
  let header: OperationHeader | undefined;
  const events: OperationEvent[] = [];
  let end = 0;
  let broken: number | undefined;
  let line = 0;
  for (const { from, to } of linesOf(bytes)) {
    line++;
    if (to === from) continue;
    const record = to < bytes.length ? parseLine(bytes.subarray(from, to)) : undefined;
    if (header === undefined) {
      if (!isHeader(record, number)) throw damaged(path, `line ${line} is no header of operation ${number}`);
      header = record.migration ? { ...record, migration: writtenMove(record.migration) } : record;
    } else if (isEvent(record)) {
      if (broken !== undefined) throw damaged(path, `line ${broken} is no record, and others follow it`);
      events.push(record);
    } else {
      broken ??= line;
      continue;
    }
    end = to + 1;
  }
  if (header === undefined) throw damaged(path, "it has no header");
  return { header, events, end };
}

function* linesOf(bytes: Uint8Array): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, from);
    const to = found === -1 ? bytes.length : found;
    yield { from, to };
    from = to + 1;
  }
}

function parseLine(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown, number: number): value is OperationHeader {
  const header = value as Partial<OperationHeader> | undefined | null;
  if (typeof header !== "object" || header === null) return false;
  if (header.format !== 1 || header.number !== number) return false;
  return LISTS.every((key) => Array.isArray(header[key]));
}

function isEvent(value: unknown): value is OperationEvent {
  const event = value as Partial<OperationEvent> | undefined | null;
  return typeof event === "object" && event !== null && EVENTS.includes(event.event) && typeof event.at === "string";
}

export function damaged(path: string, why: string): VfleetError {
  return new VfleetError("VFL-0309", { message: `${path}: ${why}`, details: { path } });
}
