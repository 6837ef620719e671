import { fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { PolicyFile } from "../host/desired/read-documents.ts";
import { errnoOf } from "./private-folder.ts";

/** Of a file with policies: thousands of VFs, one by one, stay far below it. */
const LIMIT_BYTES = 4 * 2 ** 20;
const STANDARD_INPUT = 0;

/** A file with policies and claims; `-` is standard input. @throws VfleetError VFL-0002 to VFL-0005 */
export async function readPolicyFile(path: string): Promise<PolicyFile> {
  if (path === "-") return { label: "standard input", text: await readAll(STANDARD_INPUT, "standard input") };
  try {
    const handle = await open(path, "r");
    try {
      if (fstatSync(handle.fd).isDirectory()) {
        throw new VfleetError("VFL-0004", { message: `${path} is a folder`, details: { path } });
      }
      return { label: path, text: await readAll(handle.fd, path) };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof VfleetError) throw cause;
    const errno = errnoOf(cause);
    throw new VfleetError(errno === "ENOENT" ? "VFL-0002" : "VFL-0003", {
      message: `${path} cannot be read: ${errno}`,
      details: { path, errno },
      cause,
    });
  }
}

/** Files that a command line names. @returns undefined where it names none */
export async function readPolicyFiles(
  paths: readonly string[] | undefined,
): Promise<readonly PolicyFile[] | undefined> {
  return paths && Promise.all(paths.map(readPolicyFile));
}

async function readAll(descriptor: number, label: string): Promise<string> {
  const { createReadStream } = await import("node:fs");
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of createReadStream("", { fd: descriptor, autoClose: false })) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length > LIMIT_BYTES) {
      throw new VfleetError("VFL-0005", {
        message: `${label} has more than ${LIMIT_BYTES / 2 ** 20} MiB`,
        details: { path: label },
      });
    }
  }
  return Buffer.concat(pieces).toString();
}
