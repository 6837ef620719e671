import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { errnoOfMessage } from "./errno-text.ts";
import { ENVIRONMENT } from "./program.ts";

export interface DeadlineReaderOptions {
  /** For one read; 2 s when left out. */
  readonly deadlineMs?: number;
  /** The programs that read, for tests. */
  readonly programs?: { readonly head: string; readonly cat: string };
}

interface Request {
  readonly path: string;
  readonly limitBytes: number;
  readonly settle: (answer: Uint8Array | string) => void;
}

interface Output {
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** A command line has room for these. */
const BATCH = 512;
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Reads attributes that may wait for a lock in the kernel, where not even SIGKILL reaches the reader. So another process
 * reads, which is left behind when the deadline has passed; it does not keep this one alive.
 *
 * Requests of one turn of the event loop go to one `head` (2 ms instead of 2 ms each). Where one of them blocks, the
 * rest of the deadline is for a `cat` each, so that the others get their answers. While such a `cat` still waits, its
 * path is ETIMEDOUT at once: who asks every second leaves one process behind, not one a second.
 */
export class DeadlineReader {
  readonly #deadlineMs: number;
  readonly #programs: { readonly head: string; readonly cat: string };
  #queue: Request[] = [];
  /** Paths whose reader still waits, long after its deadline. */
  readonly #stuck = new Set<string>();

  constructor({ deadlineMs = 2000, programs = { head: "head", cat: "cat" } }: DeadlineReaderOptions = {}) {
    this.#deadlineMs = deadlineMs;
    this.#programs = programs;
  }

  /**
   * @param path of a regular file that may be opened: opening never waits for these locks.
   * @returns `limitBytes` of the file at the most, or an errno's name.
   */
  read(path: string, limitBytes: number): Promise<Uint8Array | string> {
    return new Promise((settle) => {
      if (this.#queue.push({ path, limitBytes, settle }) === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const requests = this.#queue;
    this.#queue = [];
    for (let at = 0; at < requests.length; at += BATCH) void this.#readBatch(requests.slice(at, at + BATCH));
  }

  async #readBatch(requests: readonly Request[]): Promise<void> {
    const asked = [...new Set(requests.map(({ path }) => path))];
    const answers = new Map<string, Uint8Array | string>();
    for (const path of asked) if (this.#stuck.has(path)) answers.set(path, "ETIMEDOUT");
    const paths = asked.filter((path) => !answers.has(path));
    let leftMs = this.#deadlineMs;
    if (paths.length > 1) {
      const shareMs = leftMs / 4;
      const limit = Math.max(...requests.map(({ limitBytes }) => limitBytes));
      const output = await run(this.#programs.head, ["-v", "-c", String(limit), "--", ...paths], shareMs);
      if (output === "ETIMEDOUT") leftMs -= shareMs;
      else if (typeof output !== "string") splitOutput(output, paths, answers);
    }
    const single = paths.map(async (path) => {
      if (!answers.has(path)) answers.set(path, await this.#readOne(path, leftMs));
    });
    await Promise.all(single);
    for (const { path, limitBytes, settle } of requests) {
      const answer = answers.get(path) ?? "EIO";
      settle(typeof answer === "string" ? answer : answer.slice(0, limitBytes));
    }
  }

  async #readOne(path: string, deadlineMs: number): Promise<Uint8Array | string> {
    const output = await run(this.#programs.cat, ["--", path], deadlineMs, () => this.#stuck.delete(path));
    if (output === "ETIMEDOUT") this.#stuck.add(path);
    if (output === "ENOENT") return readInThreadPool(path, deadlineMs);
    if (typeof output === "string") return output;
    return output.stderr === "" ? output.stdout : (errnoOfMessage(output.stderr) ?? "EIO");
  }
}

/**
 * Takes `==> path <==` and content apart. Only what is certain gets an answer: an empty content may be an error that this
 * `head` does not tell.
 */
function splitOutput(
  { stdout, stderr }: Output,
  paths: readonly string[],
  answers: Map<string, Uint8Array | string>,
): void {
  const bytes = Buffer.from(stdout.buffer, stdout.byteOffset, stdout.length);
  const errors = stderr.split("\n");
  let at = 0;
  let open: { path: string; from: number } | undefined;
  function close(end: number): void {
    if (open && end > open.from) answers.set(open.path, new Uint8Array(bytes.subarray(open.from, end)));
  }
  for (const path of paths) {
    const error = errors.find((line) => line.includes(`'${path}'`) || line.includes(` ${path}:`));
    if (error !== undefined) answers.set(path, errnoOfMessage(error) ?? "EIO");
    const title = `${at === 0 ? "" : "\n"}==> ${path} <==\n`;
    const found = bytes.indexOf(title, at);
    if (found < 0) continue;
    close(found);
    at = found + Buffer.byteLength(title);
    open = error === undefined ? { path, from: at } : undefined;
  }
  close(bytes.length);
}

/**
 * Runs a program; gives ETIMEDOUT where it does not end in time, and the errno where it cannot be started.
 * @param onLateEnd called when a program that did not end in time has ended.
 */
function run(
  program: string,
  args: readonly string[],
  deadlineMs: number,
  onLateEnd?: () => void,
): Promise<Output | string> {
  return new Promise((settle) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT });
    const out: Uint8Array[] = [];
    let size = 0;
    let stderr = "";
    child.stdout.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= OUTPUT_LIMIT_BYTES) out.push(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < OUTPUT_LIMIT_BYTES) stderr += text;
    });
    // The timer keeps this process alive until there is an answer; the child never does.
    child.unref();
    for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).unref();
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      if (onLateEnd) child.once("exit", onLateEnd);
      settle("ETIMEDOUT");
    }, deadlineMs);
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      settle(error.code ?? "EIO");
    });
    child.on("close", () => {
      clearTimeout(timer);
      settle({ stdout: new Uint8Array(Buffer.concat(out)), stderr });
    });
  });
}

/** For a system without `cat`. A read that blocks here delays the end of this process until the lock is free. */
async function readInThreadPool(path: string, deadlineMs: number): Promise<Uint8Array | string> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const late = new Promise<string>((settle) => deadline.addEventListener("abort", () => settle("ETIMEDOUT")));
  const read = readFile(path)
    .then((bytes) => new Uint8Array(bytes))
    .catch((error: NodeJS.ErrnoException) => error.code ?? "EIO");
  return Promise.race([read, late]);
}
