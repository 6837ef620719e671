import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { takeProcessLock } from "../../../process-lock/process-lock.ts";
import { CniError } from "./cni-error.ts";
import { INHERITED, shareWithPrograms } from "./run-program.ts";
import { wait } from "./wait.ts";

const PATIENCE_MS = 60_000;
const FIRST_MS = 2;
const LONGEST_MS = 50;

/**
 * Does one thing at a time with a device, whoever asks. The lock ends with its process, and what that process has started may go on: a
 * runtime kills a plugin that takes too long, and not the ip(8) that waits for the kernel. So a file says that work is under way, all
 * programs have it open, and whoever finds it left waits for them.
 * @throws CniError 11 where another keeps it for too long
 */
export function withDeviceLock<T>(folder: string, device: string, work: () => T): T {
  const locks = join(folder, "locks");
  mkdirSync(locks, { recursive: true, mode: 0o700 });
  const file = join(locks, device.replaceAll(":", "_"));
  const underWay = `${file}.under-way`;
  const end = performance.now() + PATIENCE_MS;
  const retry = (waitMs: number) => {
    if (performance.now() > end) throw new CniError("tryAgainLater", `${device} is being changed by another call`);
    wait(waitMs);
    return Math.min(waitMs * 2, LONGEST_MS);
  };
  for (let waitMs = FIRST_MS; ; waitMs = retry(waitMs)) {
    const lock = takeProcessLock(file);
    if (!lock) continue;
    try {
      if (existsSync(underWay)) for (let ms = FIRST_MS; hasPrograms(underWay); ) ms = retry(ms);
      return sharing(underWay, work);
    } finally {
      lock.release();
    }
  }
}

function sharing<T>(underWay: string, work: () => T): T {
  const fd = openSync(underWay, "a", 0o600);
  shareWithPrograms(fd);
  try {
    return work();
  } finally {
    shareWithPrograms(undefined);
    closeSync(fd);
    rmSync(underWay, { force: true });
  }
}

/** Whether a program that somebody else started has the file open still. */
function hasPrograms(underWay: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/fd/${INHERITED}`) === underWay;
    } catch {
      return false;
    }
  });
}
