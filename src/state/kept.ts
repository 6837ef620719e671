import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { KeptPort } from "../host/apply/operation.ts";
import { keepAllocations, keepDocuments, readAllocations } from "./desired-folder.ts";
import { errnoOf, notWritten } from "./private-folder.ts";

/** One thing that is kept, before and after. */
interface Change {
  readonly from: unknown;
  readonly to: unknown;
}

/** What changes keep, in the folder of their records and in that of what is desired. */
export function openKept({ state, config }: { readonly state: string; readonly config: string }): KeptPort {
  const claimsNow = () => readAllocations(state);
  const textNow = (name: string) => textOf(join(config, name));
  return {
    async keep({ allocations, documents = [] }) {
      const claims =
        allocations && isLeft("which VFs claims have", allocations, await claimsNow()) ? allocations : null;
      const files: { label: string; text: string }[] = [];
      for (const document of documents) {
        const { name, to } = document;
        if (isLeft(join(config, name), document, await textNow(name))) files.push({ label: name, text: to });
      }
      if (claims) await keepAllocations(state, claims.to);
      try {
        if (files.length > 0) await keepDocuments(config, files);
      } catch (error) {
        if (claims) await keepAllocations(state, claims.from);
        throw error;
      }
    },

    async takeBack({ allocations, documents = [] }) {
      if (allocations && isWritten(allocations, await claimsNow())) await keepAllocations(state, allocations.from);
      for (const document of documents) {
        const { name, from } = document;
        if (!isWritten(document, await textNow(name))) continue;
        if (from === null) await remove(join(config, name));
        else await keepDocuments(config, [{ label: name, text: from }]);
      }
    },

    async isBegun({ allocations, documents = [] }) {
      if (allocations && isWritten(allocations, await claimsNow())) return true;
      for (const document of documents) if (isWritten(document, await textNow(document.name))) return true;
      return false;
    },
  };
}

/** Whether it is to be written yet. @throws VfleetError VFL-0308 where it is neither as before nor as after */
function isLeft(what: string, { from, to }: Change, now: unknown): boolean {
  if (isDeepStrictEqual(now, to)) return false;
  if (isDeepStrictEqual(now, from)) return true;
  throw new VfleetError("VFL-0308", { message: `${what} has changed since the operation was planned` });
}

/** Of what is the same before and after nobody can tell. */
function isWritten({ from, to }: Change, now: unknown): boolean {
  return !isDeepStrictEqual(from, to) && isDeepStrictEqual(now, to);
}

/** @returns null where there is no such file */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return null;
    throw new VfleetError("VFL-0003", {
      message: `${path} cannot be read: ${errnoOf(cause)}`,
      details: { path },
      cause,
    });
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw notWritten(path, cause);
  });
}
