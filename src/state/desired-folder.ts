import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { Allocation } from "../host/desired/allocation.ts";
import type { PolicyFile } from "../host/desired/read-documents.ts";
import { errnoOf, makePrivateFolder, notWritten, syncFolder } from "./private-folder.ts";
import { readPolicyFile } from "./read-policy-file.ts";

const DOCUMENT = /^[^.].*\.ya?ml$/;
/** Of a file's name, less what is put around it while it is written. */
const MOST_NAME_BYTES = 255 - ".".length - ".new".length;
const ALLOCATIONS = "allocations.json";
const ALLOCATION_SCHEMA = z.array(
  z.strictObject({
    claim: z.string(),
    guest: z.string().optional(),
    lifetime: z.string().optional(),
    guestSeen: z.boolean().optional(),
    left: z.boolean().optional(),
    pfKey: z.string(),
    vfIndex: z.int().min(0),
    mac: z.string().nullable(),
  }),
);

/** The documents in a folder, as /etc/vfleet, in order of their names; none where there is no such folder. */
export async function readDesiredFolder(folder: string): Promise<readonly PolicyFile[]> {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return [];
    throw new VfleetError("VFL-0003", {
      message: `${folder} cannot be read: ${errnoOf(cause)}`,
      details: { path: folder, errno: errnoOf(cause) },
      cause,
    });
  }
  const paths = names.filter((name) => DOCUMENT.test(name)).sort();
  return Promise.all(paths.map((name) => readPolicyFile(join(folder, name))));
}

/**
 * Keeps documents in a folder, each under its own name: all of them, or the folder is as it was. All are on the disk before the first
 * takes its place, so that a disk that is full costs nothing.
 * @throws VfleetError VFL-0307
 */
export async function keepDocuments(folder: string, files: readonly PolicyFile[]): Promise<void> {
  makePrivateFolder(folder);
  const names = files.map(documentFile);
  const before = await Promise.all(names.map((name) => bytesOf(join(folder, name))));
  const replaced: number[] = [];
  try {
    for (const [index, { text }] of files.entries()) await writeFresh(folder, names[index] ?? "", text);
    for (const [index, name] of names.entries()) {
      await takePlace(folder, name);
      replaced.push(index);
    }
    await syncFolder(folder);
  } catch (error) {
    for (const name of names) await forgetFresh(folder, name);
    for (const index of replaced) {
      const [name = "", bytes] = [names[index], before[index]];
      if (bytes === undefined) await rm(join(folder, name), { force: true });
      else await replaceFile(folder, name, bytes);
    }
    throw error;
  }
}

/**
 * Refuses names under which documents would not be kept, or not be found again.
 * @throws VfleetError VFL-0001
 */
export function checkNames(files: readonly PolicyFile[]): void {
  const labels = new Map<string, string>();
  for (const { label } of files) {
    const name = documentFile({ label });
    const other = labels.get(name);
    if (other !== undefined) {
      throw new VfleetError("VFL-0001", {
        message: `${other} and ${label} would both be kept as ${name}`,
        remedy: "give one of the files another name, or put both into one file, with --- between them",
      });
    }
    labels.set(name, label);
    const why = whyNotKept(name);
    if (why === undefined) continue;
    throw new VfleetError("VFL-0001", {
      message: `${label.slice(0, 80)} cannot be kept as a file: ${why}`,
      remedy: "give the file another name",
    });
  }
}

function whyNotKept(name: string): string | undefined {
  if (name.startsWith(".")) return "its name begins with a dot, and such files are not read";
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) return `its name has more than ${MOST_NAME_BYTES} bytes`;
  return DOCUMENT.test(name) && !name.includes("\0") ? undefined : "its name has a line break or a NUL in it";
}

/** What a document is called: its file's name without the ending. */
export function documentName({ label }: Pick<PolicyFile, "label">): string {
  return basename(label).replace(/\.ya?ml$/, "");
}

/** Of its text: another where the document has changed. */
export function documentVersion({ text }: Pick<PolicyFile, "text">): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The name of the file that a document is kept in. */
export function documentFile({ label }: Pick<PolicyFile, "label">): string {
  return /\.ya?ml$/.test(label) ? basename(label) : `${basename(label)}.yaml`;
}

/** Takes a document away, by its name without the ending. */
export async function removeDocument(folder: string, name: string): Promise<void> {
  for (const ending of ["yaml", "yml"]) {
    const path = join(folder, `${name}.${ending}`);
    try {
      await rm(path, { force: true });
    } catch (cause) {
      throw notWritten(path, cause);
    }
  }
  await syncFolder(folder);
}

/** Which VFs claims have. @throws VfleetError VFL-0309 where the file is no such thing */
export async function readAllocations(folder: string): Promise<readonly Allocation[]> {
  const path = join(folder, ALLOCATIONS);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return [];
    throw damaged(path, errnoOf(cause), cause);
  }
  try {
    const kept = ALLOCATION_SCHEMA.parse(JSON.parse(text));
    return kept.map(({ guest, lifetime, guestSeen, left, ...rest }) => ({
      ...rest,
      ...(guest !== undefined && { guest }),
      ...(lifetime !== undefined && { lifetime }),
      ...(guestSeen !== undefined && { guestSeen }),
      ...(left !== undefined && { left }),
    }));
  } catch (cause) {
    throw damaged(path, "it holds something else than allocations", cause);
  }
}

export async function keepAllocations(folder: string, allocations: readonly Allocation[]): Promise<void> {
  makePrivateFolder(folder);
  await replaceFile(folder, ALLOCATIONS, `${JSON.stringify(allocations, null, 2)}\n`);
}

/** Write, fsync, rename, fsync the folder: after a power loss there is the old text or the new one. */
async function replaceFile(folder: string, name: string, text: string | Uint8Array): Promise<void> {
  await writeFresh(folder, name, text);
  await takePlace(folder, name);
  await syncFolder(folder);
}

async function writeFresh(folder: string, name: string, text: string | Uint8Array): Promise<void> {
  try {
    const handle = await open(freshPath(folder, name), "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    await forgetFresh(folder, name);
    throw notWritten(join(folder, name), cause);
  }
}

async function takePlace(folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  try {
    await rename(freshPath(folder, name), path);
  } catch (cause) {
    await forgetFresh(folder, name);
    throw notWritten(path, cause);
  }
}

function freshPath(folder: string, name: string): string {
  return join(folder, `.${name}.new`);
}

/** Nobody reads it; what stood in the way before is what is told. */
async function forgetFresh(folder: string, name: string): Promise<void> {
  await rm(freshPath(folder, name), { force: true }).catch(() => {});
}

/** @returns undefined where there is no such file @throws VfleetError VFL-0307: what cannot be read could not be put back */
async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw notWritten(path, cause);
  }
}

function damaged(path: string, why: string, cause: unknown): VfleetError {
  return new VfleetError("VFL-0309", { message: `${path}: ${why}`, details: { path }, cause });
}
