import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { MemoryTree } from "./memory-tree.ts";

export interface ArchiveLimits {
  /** Of the archive when it is no longer compressed; 256 MiB when left out. */
  readonly unpackedBytes?: number;
  /** Of files, folders and links; 1 million when left out. */
  readonly entries?: number;
}

/** PATH_MAX. */
const MAX_NAME = 4096;
const BLOCK_BYTES = 512;

/** True where the bytes begin as a gzip or tar file does. */
export function isArchive(bytes: Uint8Array): boolean {
  return isGzip(bytes) || (bytes.length >= BLOCK_BYTES && hasTarMagic(bytes));
}

/**
 * Reads a tar archive, compressed by gzip or not, into a tree in memory; nothing is written anywhere. Devices, FIFOs and
 * the like in it are left out. Absolute names become relative; the links may point anywhere, for they are followed
 * within the tree only.
 * @param name for messages.
 * @throws VfleetError VFL-0009 where the archive is broken, cut off, or has a name with `..`; VFL-0005 where it is
 * larger than the limits.
 */
export async function readArchive(
  bytes: Uint8Array,
  name: string,
  { unpackedBytes = 256 * 1024 * 1024, entries = 1_000_000 }: ArchiveLimits = {},
): Promise<MemoryTree> {
  const tar = isGzip(bytes) ? await unzip(bytes, name, unpackedBytes) : bytes;
  if (tar.length > unpackedBytes) throw tooLarge(name, unpackedBytes);
  if (tar.length < BLOCK_BYTES || !hasTarMagic(tar)) throw broken(name, "it is no tar archive");
  if (tar.subarray(-2 * BLOCK_BYTES).some((byte) => byte !== 0))
    throw broken(name, "it is cut off: its end mark is missing");
  const tree = new MemoryTree(entries);
  let count = 0;
  const unpacking = extract();
  unpacking.end(tar);
  try {
    for await (const entry of unpacking) {
      if (++count > entries) throw tooMany(name, entries);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      add(tree, entry.header, new Uint8Array(Buffer.concat(chunks)), name);
    }
  } catch (error) {
    if (error instanceof VfleetError) throw error;
    if (error instanceof RangeError) throw tooMany(name, entries);
    throw broken(name, (error as Error).message, error);
  }
  return tree;
}

function add(tree: MemoryTree, { name, type, linkname }: Header, content: Uint8Array, archive: string): void {
  if (name.length > MAX_NAME || (linkname?.length ?? 0) > MAX_NAME) throw broken(archive, "it has an endless name");
  if (name.split("/").includes("..")) throw broken(archive, `the name ${JSON.stringify(name)} leads out of it`);
  let added = true;
  switch (type) {
    case "file":
    case "contiguous-file":
      added = tree.addFile(name, content);
      break;
    case "symlink":
      added = tree.addLink(name, linkname ?? "");
      break;
    case "directory":
      added = tree.addFolder(name);
      break;
    case "link": {
      const original = tree.read(`/${(linkname ?? "").replace(/^(\.?\/)+/, "")}`, Number.POSITIVE_INFINITY);
      added = typeof original !== "string" && tree.addFile(name, original);
      break;
    }
    default:
  }
  if (!added) throw broken(archive, `the entry ${JSON.stringify(name)} contradicts an earlier one`);
}

async function unzip(bytes: Uint8Array, name: string, maxOutputLength: number): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(name, maxOutputLength);
    throw broken(name, code === "Z_BUF_ERROR" ? "it is cut off" : message, error);
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** `ustar` at 257 of the first header (POSIX.1-2017, pax Interchange Format). */
function hasTarMagic(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(257, 262)) === "ustar";
}

function broken(name: string, why: string, cause?: unknown): VfleetError {
  return new VfleetError("VFL-0009", { message: `${name} cannot be unpacked: ${why}`, cause });
}

function tooLarge(name: string, limit: number): VfleetError {
  return new VfleetError("VFL-0005", {
    message: `${name} holds more than ${limit / (1024 * 1024)} MiB when unpacked`,
    remedy: "capture one host only, with: vfleet capture OUT.tar.gz",
    details: { limitBytes: limit },
  });
}

function tooMany(name: string, limit: number): VfleetError {
  return new VfleetError("VFL-0005", {
    message: `${name} holds more than ${limit} files and folders`,
    remedy: "capture one host only, with: vfleet capture OUT.tar.gz",
  });
}
