import { writeSync } from "node:fs";
import { CATALOGUE } from "../errors/catalogue.ts";
import { VfleetError } from "../errors/vfleet-error.ts";
import { jsonOfObserved } from "../kernel/port-json.ts";
import { paintError } from "./terminal.ts";

const PIECE_CHARACTERS = 256 * 1024;
/** What takes longer is not to look as if nothing went on. */
const AT_ONCE_MS = 150;
const ERASE_LINE = "\r\u001b[2K";

/** JSON as all commands print it. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, jsonOfObserved, indent);
}

/** Whether what is done goes on where standard output takes nothing any more. */
let isOutlived = false;
let isLost = false;

/**
 * From now on the command ends by what it has done, whoever reads of it: a change that is begun is not to be left half done because a
 * pager was closed, a terminal has gone or a disk is full.
 */
export function outliveOutput(): void {
  isOutlived = true;
}

/** Writes text to standard output whole, also into a pipe. A reader that has gone (`| head`) ends a command that reads quietly. */
export function print(text: string): void {
  endWaiting();
  if (isLost) return;
  try {
    writeAll(1, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isOutlived) {
      if (code === "EPIPE") process.exit(0);
      throw error;
    }
    isLost = true;
    // Whoever closes a pipe knows of it.
    if (code !== "EPIPE") note(`standard output takes nothing any more: ${code}; what is done goes on`);
  }
}

let waiting: { readonly timer: NodeJS.Timeout; shown: boolean } | undefined;

/** Says on a terminal what is waited for, once it takes a while; what is written next takes its place. */
export function sayWaiting(what: string): void {
  endWaiting();
  if (!process.stderr.isTTY) return;
  const timer = setTimeout(() => {
    if (waiting) waiting.shown = true;
    tell(`  ${what} ...`);
  }, AT_ONCE_MS);
  // A command that is done does not stay for it.
  timer.unref();
  waiting = { timer, shown: false };
}

export function endWaiting(): void {
  if (waiting === undefined) return;
  clearTimeout(waiting.timer);
  if (waiting.shown) tell(ERASE_LINE);
  waiting = undefined;
}

/** Prints texts one after another, a large piece at a time, so that neither system calls nor memory become many. */
export function printAll(texts: Iterable<() => string>): void {
  let pending = "";
  for (const text of texts) {
    pending += text();
    if (pending.length > PIECE_CHARACTERS) {
      print(pending);
      pending = "";
    }
  }
  print(pending);
}

/** Writes a line to standard error: progress, notes. */
export function note(text: string): void {
  endWaiting();
  tell(`${text}\n`);
}

/** Prints an error on standard error: what, why, what to do. @returns the exit code that it means. */
export function reportError(error: unknown, json: boolean): number {
  const known = error instanceof VfleetError ? error : internalError(error);
  if (json) {
    const { code, message, remedy, details } = known;
    note(toJson({ error: { code, title: CATALOGUE[code].title, message, remedy, details } }));
  } else {
    note(`vfleet: ${paintError("bad", known.code)} ${known.message}\n  ${known.remedy}`);
  }
  return known.exitCode;
}

function internalError(error: unknown): VfleetError {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new VfleetError("VFL-0015", { message, cause: error });
}

/** To standard error, which nothing depends on: where it is gone nobody can be told of that either. */
function tell(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // The exit code says what is left to say.
  }
}

function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // The pipe is full and was made non-blocking by someone else: wait a little.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
