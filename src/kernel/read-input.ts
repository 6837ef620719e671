import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { VfleetError } from "../errors/vfleet-error.ts";

export interface InputOptions {
  /** Larger inputs are refused; 256 MiB when left out. */
  readonly limitBytes?: number;
  /** How long a FIFO may be silent; 10 s when left out. */
  readonly fifoIdleMs?: number;
  /** How long standard input may be silent, unless a person types it; 60 s when left out. */
  readonly stdinIdleMs?: number;
  /** Where hints for a person go; standard error when left out. */
  readonly hint?: (text: string) => void;
}

export const INPUT_LIMIT_BYTES = 256 * 1024 * 1024;
/** A writer that waited for a reader needs a moment to wake before it is seen. */
const WRITER_GRACE_MS = 300;
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads an input that a user named, to its end. It never waits for ever: a FIFO that nobody writes to, or whose writer
 * is silent, is an error.
 * @param path a regular file, a FIFO (also `/dev/fd/63` of a process substitution), or `-` for standard input.
 * @throws VfleetError VFL-0002 not there, VFL-0003 not readable, VFL-0004 no file, VFL-0005 too large.
 */
export async function readInput(path: string, options: InputOptions = {}): Promise<Uint8Array> {
  const limit = options.limitBytes ?? INPUT_LIMIT_BYTES;
  if (path === "-") return readStdin(limit, options);
  const named = attempt(path, () => statSync(path));
  requireReadable(path, named);
  requireSize(path, named.size, limit);
  const fd = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
  try {
    // Once more: the name may have come to mean another file.
    const opened = attempt(path, () => fstatSync(fd));
    requireReadable(path, opened);
    requireSize(path, opened.size, limit);
    if (opened.isFIFO()) return await readFifo(fd, path, limit, options.fifoIdleMs ?? 10_000);
    return readRegular(fd, path, opened.size, limit);
  } finally {
    closeSync(fd);
  }
}

/** Reads a regular file into one buffer of its size; one that grows meanwhile, or has no size (in /proc), in pieces. */
function readRegular(fd: number, path: string, size: number, limit: number): Uint8Array {
  const whole = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const count = attempt(path, () => readSync(fd, whole, filled, size - filled, null));
    if (count === 0) return whole.subarray(0, filled);
    filled += count;
  }
  const buffer = new Uint8Array(CHUNK_BYTES);
  let count = attempt(path, () => readSync(fd, buffer));
  if (count === 0) return whole;
  const chunks = new Chunks(path, limit);
  chunks.add(whole);
  while (count > 0) {
    chunks.add(buffer.subarray(0, count));
    count = attempt(path, () => readSync(fd, buffer));
  }
  return chunks.all();
}

/** Reads a FIFO that is open with O_NONBLOCK. */
async function readFifo(fd: number, path: string, limit: number, idleMs: number): Promise<Uint8Array> {
  const chunks = new Chunks(path, limit);
  const buffer = new Uint8Array(CHUNK_BYTES);
  let writerSeen = false;
  let lastData = performance.now();
  while (true) {
    const count = attempt(path, () => readNow(fd, buffer));
    if (count !== undefined && count > 0) {
      chunks.add(buffer.subarray(0, count));
      writerSeen = true;
      lastData = performance.now();
      continue;
    }
    // No bytes and no "try again": there is no writer, any more or yet.
    const silentMs = performance.now() - lastData;
    if (count === undefined) writerSeen = true;
    else if (writerSeen) return chunks.all();
    else if (silentMs > WRITER_GRACE_MS) {
      throw new VfleetError("VFL-0003", {
        message: `${path} is a FIFO that no process writes to`,
        remedy: "start the writer first",
        details: { path },
      });
    }
    if (silentMs > idleMs) throw silent(path, idleMs);
    await delay(silentMs < 20 ? 1 : 10);
  }
}

async function readStdin(limit: number, options: InputOptions): Promise<Uint8Array> {
  const name = "standard input";
  const stats = attempt(name, () => fstatSync(0));
  if (stats.isDirectory()) throw wrongKind(name, "a folder");
  if (stats.isFile()) requireSize(name, stats.size, limit);
  const { stdin } = process;
  if (stdin.isTTY) {
    const hint = options.hint ?? ((text: string) => process.stderr.write(text));
    hint("vfleet reads from the terminal; end the input with Ctrl-D\n");
  }
  const idleMs = options.stdinIdleMs ?? 60_000;
  const timer = stdin.isTTY ? undefined : setTimeout(() => stdin.destroy(silent(name, idleMs)), idleMs);
  const chunks = new Chunks(name, limit);
  try {
    for await (const chunk of stdin) {
      chunks.add(chunk as Uint8Array);
      timer?.refresh();
    }
  } catch (error) {
    throw error instanceof VfleetError ? error : unreadable(name, error);
  } finally {
    clearTimeout(timer);
  }
  return chunks.all();
}

/** What was read so far, of a bounded size. */
class Chunks {
  readonly #name: string;
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(name: string, limit: number) {
    this.#name = name;
    this.#limit = limit;
  }

  /** Copies `chunk`. */
  add(chunk: Uint8Array): void {
    this.#size += chunk.length;
    requireSize(this.#name, this.#size, this.#limit, "more than ");
    this.#chunks.push(new Uint8Array(chunk));
  }

  all(): Uint8Array {
    const [only] = this.#chunks;
    if (only && this.#chunks.length === 1) return only;
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
}

/** As `read`; undefined where there is nothing now and may be later. */
function readNow(fd: number, buffer: Uint8Array): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

function requireReadable(path: string, stats: Stats): void {
  if (stats.isFile() || stats.isFIFO()) return;
  const kind = stats.isDirectory()
    ? "a folder"
    : stats.isSocket()
      ? "a socket"
      : stats.isBlockDevice()
        ? "a block device"
        : "a character device";
  throw wrongKind(path, kind);
}

function requireSize(path: string, size: number, limit: number, prefix = ""): void {
  if (size <= limit) return;
  const over = prefix === "" ? bytesText(size) : `${prefix}${bytesText(limit)}`;
  throw new VfleetError("VFL-0005", {
    message: `${path} has ${over}; the limit is ${bytesText(limit)}`,
    details: { path, sizeBytes: size, limitBytes: limit },
  });
}

function wrongKind(path: string, kind: string): VfleetError {
  return new VfleetError("VFL-0004", { message: `${path} is ${kind}, not a file`, details: { path } });
}

function silent(path: string, idleMs: number): VfleetError {
  return new VfleetError("VFL-0003", {
    message: `${path} gave nothing for ${idleMs / 1000} s`,
    remedy: "see what the process that writes to it waits for",
    details: { path, errno: "ETIMEDOUT" },
  });
}

function unreadable(path: string, error: unknown): VfleetError {
  const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return new VfleetError("VFL-0002", { message: `there is no ${path}`, details: { path, errno }, cause: error });
  }
  const why = errno === "EACCES" || errno === "EPERM" ? "permission denied" : errno;
  return new VfleetError("VFL-0003", {
    message: `${path} cannot be read: ${why}`,
    details: { path, errno },
    cause: error,
  });
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof VfleetError ? error : unreadable(path, error);
  }
}

function bytesText(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return bytes < 1024 * 1024 ? `${bytes} bytes` : `${mebibytes.toFixed(mebibytes % 1 === 0 ? 0 : 1)} MiB`;
}
