import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Waiting, Within } from "../port-outcome.ts";

/** In the C locale messages are those of errno-text.ts. */
export const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } as const;

const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
const DEADLINE_MS = 5000;

/** What a program did that ended by itself. */
interface Ended {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly tookMs: number;
}

/** No program ran to its end: there was none, or, reading, it was late. */
interface NotStarted {
  /** The errno's name. */
  readonly notStarted: string;
  readonly reason: string;
}

type Command = readonly [program: string, ...args: string[]];

/** How the kernel is reached by other programs. */
export interface Programs {
  /**
   * Has a program make a change in the kernel. When the deadline has passed it is left to itself, since what is under way
   * in the kernel has its effect anyway; neither it nor its output keeps this process alive then.
   *
   * It has a session of its own: Ctrl-C at the terminal ends who waits, not a change halfway.
   */
  change<T>(
    target: string,
    command: Command,
    input: string,
    waiting: Waiting | undefined,
    answer: (end: Ended | NotStarted) => T,
  ): Promise<Within<T>>;
  /** Has a program read. One that does not end in time is killed, by its own id, and left behind if even that waits. */
  read(command: Command): Promise<Ended | NotStarted>;
  /** The path of a program that is started otherwise; undefined where none is to be. */
  pathOf(program: string): string | undefined;
}

/** @param paths of programs that are not to be looked for in the usual folders, by name. */
export function systemPrograms(paths: Readonly<Record<string, string>> = {}): Programs {
  const pathOf = (program: string) => paths[program] ?? program;
  return {
    pathOf,
    change: (target, command, input, waiting = {}, answer) => change(target, command, pathOf, input, waiting, answer),
    read: (command) => read(command, pathOf),
  };
}

/** Of a file system that is mounted elsewhere: programs would reach this process's host and network, not those. */
export const NO_PROGRAMS: Programs = {
  pathOf: () => undefined,
  change: async (_target, _command, _input, _waiting, answer) => answer(ELSEWHERE),
  read: async () => ELSEWHERE,
};
const ELSEWHERE: NotStarted = { notStarted: "ENODATA", reason: "of a file system elsewhere there are only files" };

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly end: Promise<Ended | NotStarted>;
}

async function change<T>(
  target: string,
  command: Command,
  pathOf: (program: string) => string,
  input: string,
  { deadlineMs = DEADLINE_MS, signal }: Waiting,
  answer: (end: Ended | NotStarted) => T,
): Promise<Within<T>> {
  signal?.throwIfAborted();
  const { child, end } = start(command, pathOf, input, true);
  const answered = end.then(answer);
  const tooLate = Symbol("too late");
  const waited = Promise.withResolvers<typeof tooLate>();
  const stopWaiting = () => waited.resolve(tooLate);
  // The timer keeps this process alive until there is an answer.
  const timer = setTimeout(stopWaiting, deadlineMs);
  signal?.addEventListener("abort", stopWaiting, { once: true });
  const first = await Promise.race([answered, waited.promise]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", stopWaiting);
  if (first !== tooLate) return first;
  return {
    kind: "pending",
    target,
    finished() {
      child.ref();
      for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).ref();
      return answered;
    },
  };
}

async function read(command: Command, pathOf: (program: string) => string): Promise<Ended | NotStarted> {
  const { child, end } = start(command, pathOf, "", false);
  const late = Promise.withResolvers<NotStarted>();
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
    late.resolve({ notStarted: "ETIMEDOUT", reason: "the kernel did not answer in time" });
  }, DEADLINE_MS);
  const first = await Promise.race([end, late.promise]);
  clearTimeout(timer);
  return first;
}

function start(
  [program, ...args]: Command,
  pathOf: (program: string) => string,
  input: string,
  detached: boolean,
): Running {
  const begin = performance.now();
  const child = spawn(pathOf(program), args, { stdio: ["pipe", "pipe", "pipe"], env: ENVIRONMENT, detached });
  const out: Buffer[] = [];
  let size = 0;
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT_BYTES) out.push(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < OUTPUT_LIMIT_BYTES) stderr += text;
  });
  // A program that ends before it has read says why by itself.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref();
  const end = new Promise<Ended | NotStarted>((settle) => {
    child.on("error", ({ code = "EIO" }: NodeJS.ErrnoException) => {
      const reason = code === "ENOENT" ? `${program} is not installed` : `${program} could not be started (${code})`;
      settle({ notStarted: code, reason });
    });
    child.on("close", (exitCode) => {
      settle({ exitCode, stdout: Buffer.concat(out), stderr, tookMs: performance.now() - begin });
    });
  });
  return { child, end };
}
