import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { labCacheFolder } from "./cache.ts";

const POLL_MS = 100;
let made = 0;

/**
 * Waits until fewer machines run for this user than the host has processors: emulated side by side on fewer they are
 * slower than one after another, and a kernel that gets no time takes its timer for broken.
 * @param signal ends the waiting, by its reason.
 * @returns what gives the slot back; a process that dies gives its own back, too.
 */
export async function takeBootSlot(signal: AbortSignal): Promise<() => void> {
  const folder = join(labCacheFolder(), "slots");
  mkdirSync(folder, { recursive: true });
  const name = `${process.pid}-${made++}`;
  const path = join(folder, name);
  const giveBack = () => rmSync(path, { force: true });
  while (true) {
    signal.throwIfAborted();
    // First in, then counted: of two that come at once both may go out again, never both stay.
    writeFileSync(path, "");
    if (holders(folder) <= availableParallelism()) return giveBack;
    giveBack();
    await sleep(POLL_MS * (0.5 + Math.random()), undefined, { signal });
  }
}

/** How many hold or want a slot; what the dead left is swept. */
function holders(folder: string): number {
  return readdirSync(folder).filter((name) => {
    if (isAlive(Number.parseInt(name, 10))) return true;
    rmSync(join(folder, name), { force: true });
    return false;
  }).length;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is one, too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
