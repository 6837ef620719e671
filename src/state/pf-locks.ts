import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";
import { DESIRED, type PfLocks } from "../host/apply/operation.ts";
import type { PfAddress } from "../host/pf-address.ts";
import { type ProcessLock, takeProcessLock } from "../process-lock/process-lock.ts";
import { makePrivateFolder, notWritten } from "./private-folder.ts";

/** Who has a lock. Beside it, for a person: the lock is what counts. */
interface Owner {
  readonly pid: number;
  readonly command: string;
  readonly since: string;
}

/** Of a command line that is told to others. */
const COMMAND_LIMIT = 200;

/**
 * Locks of PFs as files in a folder, which belongs to the machine that has the PFs, whoever works at it.
 * @throws VfleetError VFL-0307 where the folder cannot be written
 */
export function openLocks(folder: string): PfLocks {
  return {
    async acquire(pfs) {
      makePrivateFolder(folder);
      const held: Held[] = [];
      const release = () => {
        for (const { lock, owner } of held.splice(0)) {
          rmSync(owner, { force: true });
          lock.release();
        }
      };
      try {
        // In one order, so that two who want the same ones do not hold each other up.
        for (const pf of [...new Set(pfs)].sort()) held.push(take(folder, pf));
      } catch (error) {
        release();
        throw error;
      }
      return { release };
    },
  };
}

interface Held {
  readonly lock: ProcessLock;
  readonly owner: string;
}

function take(folder: string, pf: PfAddress | typeof DESIRED): Held {
  const path = join(folder, `${pf}.lock`);
  const owner = join(folder, `${pf}.owner`);
  let lock: ProcessLock | undefined;
  try {
    lock = takeProcessLock(path);
  } catch (cause) {
    throw notWritten(path, cause);
  }
  if (lock === undefined) throw taken(pf, readOwner(owner));
  try {
    const mine: Owner = { pid: process.pid, command: ownCommand(), since: new Date().toISOString() };
    writeFileSync(owner, `${JSON.stringify(mine)}\n`, { mode: 0o600 });
  } catch (cause) {
    lock.release();
    throw notWritten(owner, cause);
  }
  return { lock, owner };
}

function taken(pf: PfAddress | typeof DESIRED, owner: Owner | undefined): VfleetError {
  const by = owner ? `process ${owner.pid} (${owner.command}), since ${owner.since}` : "another process";
  return new VfleetError("VFL-0306", {
    message: `${pf === DESIRED ? "what is desired" : pf} is being changed by ${by}`,
    details: { pf, pid: owner?.pid ?? null, command: owner?.command ?? null, since: owner?.since ?? null },
  });
}

function readOwner(path: string): Owner | undefined {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(path, "utf8")) as Partial<Owner>;
    if (typeof pid !== "number" || typeof command !== "string" || typeof since !== "string") return undefined;
    return { pid, command, since };
  } catch {
    // It has the lock, and has not written yet who it is.
    return undefined;
  }
}

function ownCommand(): string {
  const [, script = "", ...rest] = process.argv;
  return [basename(script), ...rest].join(" ").slice(0, COMMAND_LIMIT);
}
