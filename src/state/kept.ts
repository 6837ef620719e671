import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { Kept, KeptPort } from "../host/apply/operation.ts";
import { keepAllocations, keepDocuments, readAllocations } from "./desired-folder.ts";
import { errnoOf, notWritten } from "./private-folder.ts";

/** One thing that is kept, as a file. */
interface Part {
  readonly what: string;
  readonly from: unknown;
  readonly to: unknown;
  read(): Promise<unknown>;
  write(when: "from" | "to"): Promise<void>;
}

/** What operations keep, in the folder of their records and in that of what is desired. */
export function openKept(folders: { readonly state: string; readonly config: string }): KeptPort {
  return {
    async keep(kept) {
      const left: Part[] = [];
      for (const part of partsOf(kept, folders)) {
        const now = await part.read();
        if (isDeepStrictEqual(now, part.to)) continue;
        if (!isDeepStrictEqual(now, part.from)) {
          throw new VfleetError("VFL-0308", { message: `${part.what} has changed since the operation was planned` });
        }
        left.push(part);
      }
      const written: Part[] = [];
      try {
        for (const part of left) {
          await part.write("to");
          written.push(part);
        }
      } catch (error) {
        for (const part of written) await part.write("from");
        throw error;
      }
    },

    async takeBack(kept) {
      for (const part of partsOf(kept, folders)) if (await isWritten(part)) await part.write("from");
    },

    async isBegun(kept) {
      for (const part of partsOf(kept, folders)) if (await isWritten(part)) return true;
      return false;
    },
  };
}

/** Of what is the same before and after nobody can tell. */
async function isWritten({ from, to, read }: Part): Promise<boolean> {
  return !isDeepStrictEqual(from, to) && isDeepStrictEqual(await read(), to);
}

function partsOf({ allocations, documents = [] }: Kept, { state, config }: Parameters<typeof openKept>[0]): Part[] {
  const ofClaims: Part[] = allocations
    ? [
        {
          ...allocations,
          what: "which VFs claims have",
          read: () => readAllocations(state),
          write: (when) => keepAllocations(state, allocations[when]),
        },
      ]
    : [];
  return [
    ...ofClaims,
    ...documents.map(({ name, from, to }): Part => {
      const path = join(config, name);
      return {
        ...{ from, to },
        what: path,
        read: () => textOf(path),
        write: (when) => writeDocument(config, name, when === "from" ? from : to),
      };
    }),
  ];
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

async function writeDocument(config: string, name: string, text: string | null): Promise<void> {
  if (text !== null) return keepDocuments(config, [{ label: name, text }]);
  const path = join(config, name);
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw notWritten(path, cause);
  });
}
