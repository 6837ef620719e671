import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** More than a record has: PRINTKRB_RECORD_MAX of `kernel/printk/internal.h` is 1,024, a continued one 8,192. */
const RECORD_BYTES = 16 * 1024;
/** The largest log buffer, LOG_BUF_LEN_MAX, is 2 GiB; nobody reads that. */
const MAX_LINES = 1_000_000;

/**
 * The kernel log as `/dev/kmsg` holds it now, oldest first, without waiting for more. Synchronous: the reads cannot block.
 * @returns lines as dmesg writes them, or the error of a system call.
 */
export function readKmsg(path: string): string[] | NodeJS.ErrnoException {
  const lines: string[] = [];
  const buffer = Buffer.alloc(RECORD_BYTES);
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    // Elsewhere than on the running host it may be anything.
    if (!fstatSync(fd).isCharacterDevice()) return Object.assign(new Error("no device"), { code: "ENODEV" });
    while (lines.length < MAX_LINES) {
      const count = readRecord(fd, buffer);
      if (count === 0) break;
      if (count !== undefined) lines.push(...recordLines(buffer.toString("utf8", 0, count)));
    }
    return lines;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  } finally {
    if (fd !== undefined) closeSync(fd);
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
 * A record `priority,sequence,microseconds,flags[,...];text` as lines `[seconds.microseconds] text`. Lines behind the
 * first, which begin with a blank, are the record's properties (Documentation/ABI/testing/dev-kmsg).
 */
export function recordLines(record: string): string[] {
  const semicolon = record.indexOf(";");
  const microseconds = record.slice(0, Math.max(semicolon, 0)).split(",")[2];
  if (microseconds === undefined || !/^\d+$/.test(microseconds)) return [];
  const end = record.indexOf("\n", semicolon);
  const text = unescaped(record.slice(semicolon + 1, end < 0 ? record.length : end));
  const padded = microseconds.padStart(7, "0");
  const stamp = `[${padded.slice(0, -6).padStart(5)}.${padded.slice(-6)}]`;
  return text.split("\n").map((line) => `${stamp} ${line}`);
}

/** The kernel writes a byte that is not printable ASCII, and the backslash, as `\xNN`. */
function unescaped(text: string): string {
  if (!text.includes("\\x")) return text;
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
