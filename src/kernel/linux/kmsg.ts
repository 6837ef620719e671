import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { LogPart } from "../port-change.ts";

/** More than a record has: PRINTKRB_RECORD_MAX of `kernel/printk/internal.h` is 1,024, a continued one 8,192. */
const RECORD_BYTES = 16 * 1024;
/** The largest log buffer, LOG_BUF_LEN_MAX, is 2 GiB; nobody reads that. */
const MAX_RECORDS = 1_000_000;
/** What a follower keeps: a driver that resets a card with 256 VFs writes some thousand lines. */
const KEPT_RECORDS = 20_000;

export interface KmsgRecord {
  readonly sequence: number;
  /** As dmesg writes them. */
  readonly lines: readonly string[];
}

/**
 * The records that `/dev/kmsg` holds now, oldest first, without waiting for more. Synchronous: the reads cannot block.
 * @returns the error of a system call where one fails.
 */
export function readKmsg(path: string): KmsgRecord[] | NodeJS.ErrnoException {
  const records: KmsgRecord[] = [];
  const buffer = Buffer.alloc(RECORD_BYTES);
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    // Elsewhere than on the running host it may be anything.
    if (!fstatSync(fd).isCharacterDevice()) return Object.assign(new Error("no device"), { code: "ENODEV" });
    for (const text of readTexts(fd, buffer)) {
      const record = parseRecord(text);
      if (record !== undefined) records.push(record);
      if (records.length >= MAX_RECORDS) break;
    }
    return records;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Follows the log: what was read once is not read again, of which there may be thousands of records before each mark.
 * Synchronous: the reads cannot block.
 */
export class KmsgFollower {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(RECORD_BYTES);
  #fd: number | undefined;
  /** The latest ones: `logSince` is asked soon after its mark. */
  #records: KmsgRecord[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** The sequence number of the record that is to come. @throws the error of a system call */
  mark(): number {
    this.#read();
    return kmsgEnd(this.#records);
  }

  /** What came from number `mark` on. @throws the error of a system call */
  since(mark: number): LogPart {
    this.#read();
    return kmsgSince(this.#records, mark);
  }

  #read(): void {
    if (this.#fd === undefined) {
      const fd = openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      if (!fstatSync(fd).isCharacterDevice()) {
        closeSync(fd);
        throw Object.assign(new Error("no device"), { code: "ENODEV" });
      }
      this.#fd = fd;
    }
    for (const text of readTexts(this.#fd, this.#buffer)) {
      const sequence = /^\d+,(\d+),/.exec(text)?.[1];
      if (sequence === undefined) continue;
      this.#records.push({
        sequence: Number(sequence),
        // Of most records nobody wants the text.
        get lines() {
          return parseRecord(text)?.lines ?? [];
        },
      });
    }
    if (this.#records.length > KEPT_RECORDS) this.#records = this.#records.slice(-KEPT_RECORDS);
  }
}

/** The sequence number of the record that is to come. */
export function kmsgEnd(records: readonly KmsgRecord[]): number {
  return (records.at(-1)?.sequence ?? -1) + 1;
}

/**
 * The records from number `mark` on. Records are numbered without gaps, and the buffer loses the oldest first.
 */
export function kmsgSince(records: readonly KmsgRecord[], mark: number): LogPart {
  const since = records.filter(({ sequence }) => sequence >= mark);
  const found = since.length;
  const end = kmsgEnd(records);
  return { lines: since.flatMap(({ lines }) => lines), lost: Math.max(end - mark, 0) - found, end };
}

/** The records that are there and were not read by this file yet, as the kernel writes them. */
function* readTexts(fd: number, buffer: Buffer): Generator<string> {
  for (let count = readRecord(fd, buffer); count !== 0; count = readRecord(fd, buffer)) {
    if (count !== undefined) yield buffer.toString("utf8", 0, count);
  }
}

/** The length of the next record, 0 where there is none now, undefined where one was overwritten before it was read. */
function readRecord(fd: number, buffer: Buffer): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN") return 0;
    if (code === "EPIPE") return undefined;
    throw error;
  }
}

/**
 * A record `priority,sequence,microseconds,flags[,...];text`, its text as lines `[seconds.microseconds] text`. Lines
 * behind the first, which begin with a blank, are the record's properties (Documentation/ABI/testing/dev-kmsg).
 */
export function parseRecord(record: string): KmsgRecord | undefined {
  const [, sequence, microseconds = ""] = /^\d+,(\d+),(\d+),[^;\n]*;/.exec(record) ?? [];
  if (sequence === undefined) return undefined;
  const semicolon = record.indexOf(";");
  const end = record.indexOf("\n", semicolon);
  const text = unescaped(record.slice(semicolon + 1, end < 0 ? record.length : end));
  const padded = microseconds.padStart(7, "0");
  const stamp = `[${padded.slice(0, -6).padStart(5)}.${padded.slice(-6)}]`;
  return { sequence: Number(sequence), lines: text.split("\n").map((line) => `${stamp} ${line}`) };
}

/** The kernel writes a byte that is not printable ASCII, and the backslash, as `\xNN`. */
function unescaped(text: string): string {
  if (!text.includes("\\x")) return text;
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
