import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { takeProcessLock } from "../../../process-lock/process-lock.ts";
import { CniError } from "./cni-error.ts";
import { wait } from "./wait.ts";

const PATIENCE_MS = 60_000;
const FIRST_MS = 2;
const LONGEST_MS = 50;

/**
 * Does one thing at a time with a device, whoever asks. The lock ends with its process.
 * @throws CniError 11 where another keeps it for too long
 */
export function withDeviceLock<T>(folder: string, device: string, work: () => T): T {
  const locks = join(folder, "locks");
  mkdirSync(locks, { recursive: true, mode: 0o700 });
  const file = join(locks, device.replaceAll(":", "_"));
  const end = performance.now() + PATIENCE_MS;
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_MS)) {
    const lock = takeProcessLock(file);
    if (lock) {
      try {
        return work();
      } finally {
        lock.release();
      }
    }
    if (performance.now() > end) throw new CniError("tryAgainLater", `${device} is being changed by another call`);
    wait(waitMs);
  }
}
