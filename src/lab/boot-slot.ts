import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { labCacheFolder } from "./cache.ts";

const POLL_MS = 100;
let made = 0;

/**
 * Waits until no more machines run for this user than the host has processors: so there is one more than those, since each waits for
 * devices a part of its time. More are slower than one after another, and a kernel that gets no time takes its timer for broken.
 * First come, first served.
 * @param signal ends the waiting, by its reason.
 * @returns what gives the slot back; a process that dies gives its own back, too.
 */
export async function takeBootSlot(signal: AbortSignal): Promise<() => void> {
  signal.throwIfAborted();
  const folder = join(labCacheFolder(), "slots");
  mkdirSync(folder, { recursive: true });
  // A ticket: names sort by the time of coming, in milliseconds of 13 digits until the year 2286.
  const ticket = `${Date.now()}-${process.pid}-${made++}`;
  const path = join(folder, ticket);
  writeFileSync(path, "");
  const giveBack = () => rmSync(path, { force: true });
  try {
    while (tickets(folder).indexOf(ticket) > availableParallelism()) await sleep(POLL_MS, undefined, { signal });
    return giveBack;
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** Of those who run a machine or wait to, in the order of their coming; what the dead left is swept. */
function tickets(folder: string): readonly string[] {
  return readdirSync(folder)
    .sort()
    .filter((ticket) => {
      if (isAlive(Number(ticket.split("-")[1]))) return true;
      rmSync(join(folder, ticket), { force: true });
      return false;
    });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is one, too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
