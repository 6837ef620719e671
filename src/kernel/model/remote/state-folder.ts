import { createHash } from "node:crypto";
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { VfleetError } from "../../../errors/vfleet-error.ts";

/** In the folder of a machine. */
export const SOCKET = "socket";
export const LOCK = "lock";
export const LOG = "log";
/** Tells whose folder it is, also when the process was killed. */
export const IDENTITY = "machine.json";

/** Of `sun_path` (unix(7)), with its final zero. */
const SOCKET_PATH_BYTES = 108;
const KEY_DIGITS = 12;

const SOURCE = "model:";

/** The machine's file that a source of the model names: `model:FILE`. @returns undefined of other sources */
export function modelFile(source: string): string | undefined {
  return source.startsWith(SOURCE) ? source.slice(SOURCE.length) : undefined;
}

/** Where the machines of this user have their folders; `XDG_STATE_HOME` as the XDG base directory specification has it. */
export function modelsFolder(): string {
  const { XDG_STATE_HOME: state } = process.env;
  return join(state?.startsWith("/") ? state : join(homedir(), ".local/state"), "vfleet/models");
}

/** The folder of the machine of a file, by its real path. */
export function machineFolder(file: string, models: string): string {
  const digest = createHash("sha256").update(file).digest("hex").slice(0, KEY_DIGITS);
  return join(
    models,
    `${basename(file)
      .replace(/[^\w.-]/g, "_")
      .slice(0, 40)}-${digest}`,
  );
}

/** @throws VfleetError VFL-0002 where there is no such file */
export function realFile(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? "EIO";
    throw new VfleetError(errno === "ENOENT" ? "VFL-0002" : "VFL-0003", {
      message: `${path} cannot be read: ${errno}`,
      details: { path, errno },
      cause,
    });
  }
}

/**
 * Whether a path that was written down still means the machine that it meant: it is whole, and its file is there, or the machine has its
 * folder still.
 */
export function isKnownMachine(file: string): boolean {
  if (!isAbsolute(file)) return false;
  if ([...knownMachines(modelsFolder()).values()].includes(file)) return true;
  try {
    // Where a link has come in between, it is another's.
    return realpathSync(file) === file;
  } catch {
    return false;
  }
}

/** Makes a machine's folder, for its owner alone. @throws VfleetError VFL-0041 where somebody else could get in */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    if (stats.isDirectory() && (stats.mode & 0o077) === 0 && stats.uid === process.getuid?.()) return;
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? "EIO";
    throw new VfleetError("VFL-0041", {
      message: `the state folder ${folder} cannot be made: ${errno}`,
      remedy: "set XDG_STATE_HOME to a folder that you may write to",
      details: { path: folder, errno },
      cause,
    });
  }
  throw new VfleetError("VFL-0041", {
    message: `the state folder ${folder} is not yours alone`,
    remedy: `remove it, or set XDG_STATE_HOME to another folder`,
    details: { path: folder },
  });
}

/**
 * Where the socket in a folder is for connect(2) and bind(2), which take no long paths: then by way of an open folder, which is to be
 * closed afterwards.
 */
export function socketPath(folder: string): { readonly path: string; close(): void } {
  const path = join(folder, SOCKET);
  if (Buffer.byteLength(path) < SOCKET_PATH_BYTES) return { path, close: () => {} };
  const fd = openSync(folder, "r");
  return { path: `/proc/self/fd/${fd}/${SOCKET}`, close: () => closeSync(fd) };
}

/** The files of machines that have a folder, by their folders. */
export function knownMachines(models: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let names: string[];
  try {
    names = readdirSync(models).sort();
  } catch {
    // There has been none yet.
    return found;
  }
  for (const name of names) {
    try {
      const { file } = JSON.parse(readFileSync(join(models, name, IDENTITY), "utf8")) as { file?: unknown };
      if (typeof file === "string") found.set(join(models, name), file);
    } catch {
      // No machine's folder, or of one that is about to start.
    }
  }
  return found;
}
