import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Observed, type Unread, unread } from "../port.ts";
import type { Uevent } from "../port-uevent.ts";
import { ENVIRONMENT, type Programs } from "./program.ts";

const SOURCE = "udevadm monitor --kernel --property";
/** `udevadm` says this when its socket is bound (systemd's udevadm-monitor.c): what happens from then on is told. */
const LISTENING = /^KERNEL - /;
const START_MS = 5000;

/**
 * Kernel events by `udevadm`, since Node has no netlink sockets. It needs no udevd. A pipe's worth of events is read ahead;
 * more wait in the socket's buffer, of 128 MiB.
 */
export async function uevents(
  programs: Programs,
  signal: AbortSignal,
): Promise<Observed<AsyncIterable<Observed<Uevent>>>> {
  signal.throwIfAborted();
  const udevadm = programs.pathOf("udevadm");
  if (udevadm === undefined) return unread(SOURCE, "ENODATA");
  const child = spawn(udevadm, SOURCE.split(" ").slice(1), { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT });
  function stop(): void {
    child.kill();
    signal.removeEventListener("abort", stop);
    process.off("exit", stop);
  }
  signal.addEventListener("abort", stop);
  process.on("exit", stop);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < 4096) stderr += text;
  });
  const ended = new Promise<string>((settle) => {
    child.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? "EIO"));
    child.on("close", () => settle("EIO"));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const timer = setTimeout(stop, START_MS);
  const ready = await Promise.race([listening(lines), ended.then(() => false)]);
  clearTimeout(timer);
  if (ready) return { [Symbol.asyncIterator]: () => events(lines, discard, signal, end) };
  stop();
  return end();

  /** What was not taken would keep the pipe, and with it this process. */
  function discard(): void {
    stop();
    child.stdout.destroy();
  }

  /** Why it ended, once it has. */
  async function end(): Promise<Unread> {
    const errno = await ended;
    if (errno === "ENOENT") return unread(SOURCE, errno, "udev (udevadm) is not installed");
    return unread(SOURCE, errno, `udevadm ended: ${stderr.trim() || "it said nothing"}`);
  }
}

/** True when events come from now on. */
async function listening(lines: AsyncIterator<string>): Promise<boolean> {
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    if (LISTENING.test(line.value)) return true;
  }
  return false;
}

async function* events(
  lines: AsyncIterator<string>,
  discard: () => void,
  signal: AbortSignal,
  end: () => Promise<Unread>,
): AsyncGenerator<Observed<Uevent>, void, undefined> {
  let block: string[] = [];
  try {
    for (let line = await lines.next(); !line.done && !signal.aborted; line = await lines.next()) {
      if (line.value !== "") {
        block.push(line.value);
        continue;
      }
      const event = parseUevent(block);
      block = [];
      if (event !== undefined) yield event;
    }
    if (!signal.aborted) yield end();
  } finally {
    discard();
  }
}

/** One event: `KERNEL[seconds] action devpath (subsystem)`, then its properties, a line each. */
function parseUevent(lines: readonly string[]): Uevent | undefined {
  const properties: Record<string, string> = {};
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals > 0 && !line.startsWith("KERNEL[")) properties[line.slice(0, equals)] = line.slice(equals + 1);
  }
  const { ACTION: action, DEVPATH: devpath, SUBSYSTEM: subsystem } = properties;
  if (action === undefined || devpath === undefined || subsystem === undefined) return undefined;
  return { action, devpath, subsystem, properties };
}
