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
const ALLOCATIONS = "allocations.json";
const ALLOCATION_SCHEMA = z.array(
  z.strictObject({
    claim: z.string(),
    guest: z.string().optional(),
    lifetime: z.string().optional(),
    guestSeen: z.boolean().optional(),
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

/** Keeps a document in a folder, under its own name: whole, or not at all. */
export async function keepDocument(folder: string, file: PolicyFile): Promise<void> {
  makePrivateFolder(folder);
  await replaceFile(folder, documentFile(file), file.text);
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
    return kept.map(({ guest, lifetime, guestSeen, ...rest }) => ({
      ...rest,
      ...(guest !== undefined && { guest }),
      ...(lifetime !== undefined && { lifetime }),
      ...(guestSeen !== undefined && { guestSeen }),
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
async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  const fresh = join(folder, `.${name}.new`);
  try {
    const handle = await open(fresh, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, path);
  } catch (cause) {
    await rm(fresh, { force: true });
    throw notWritten(path, cause);
  }
  await syncFolder(folder);
}

function damaged(path: string, why: string, cause: unknown): VfleetError {
  return new VfleetError("VFL-0309", { message: `${path}: ${why}`, details: { path }, cause });
}
