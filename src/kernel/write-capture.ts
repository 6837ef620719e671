import { createWriteStream } from "node:fs";
import { lstat, rename, rm } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { CaptureEntry } from "./port-capture.ts";

export interface WriteCaptureOptions {
  /** Replace the file if it is there; false when left out. */
  readonly force?: boolean;
}

/**
 * Writes a capture as a tar archive compressed by gzip. Equal entries give equal bytes: times and owners are zero. The
 * file appears under its name when it is complete and on the disk, and only then.
 * @param out the archive's path, or `-` for standard output.
 * @returns how many entries there are.
 * @throws VfleetError VFL-0010 where the file is there already or cannot be written.
 */
export async function writeCapture(
  out: string,
  entries: AsyncIterable<CaptureEntry>,
  { force = false }: WriteCaptureOptions = {},
): Promise<number> {
  if (out === "-") return writeStdout(entries);
  await refuseExisting(out, force);
  const partial = `${out}.partial`;
  let count: number;
  try {
    // What a capture that was broken off left behind; a link that somebody put there is removed, not followed.
    await rm(partial, { force: true });
    count = await archive(entries, createWriteStream(partial, { flags: "wx", flush: true }), true);
    await refuseExisting(out, force);
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw notWritable(out, error);
  }
  return count;
}

/** The same bytes in memory. */
export async function archiveOf(entries: AsyncIterable<CaptureEntry>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const sink = new Writable({
    write(piece: Uint8Array, _, done) {
      pieces.push(piece);
      done();
    },
  });
  await archive(entries, sink, true);
  return Buffer.concat(pieces);
}

async function writeStdout(entries: AsyncIterable<CaptureEntry>): Promise<number> {
  if (process.stdout.isTTY) {
    throw new VfleetError("VFL-0010", {
      message: "an archive is not written to a terminal",
      remedy: "name a file, or redirect standard output",
    });
  }
  try {
    return await archive(entries, process.stdout, false);
  } catch (error) {
    throw notWritable("standard output", error);
  }
}

async function archive(
  entries: AsyncIterable<CaptureEntry>,
  sink: NodeJS.WritableStream,
  end: boolean,
): Promise<number> {
  const packing = pack();
  const written = pipeline(
    Readable.from(packing as AsyncIterable<Uint8Array>, { objectMode: false }),
    createGzip({ level: 9 }),
    sink,
    { end },
  );
  // Where writing fails, an entry may never be taken: whichever comes first.
  const failed = new Promise<never>((_, reject) => written.catch(reject));
  failed.catch(() => undefined);
  let count = 0;
  try {
    for await (const entry of entries) {
      // Why the writing failed comes before what that did to the archive.
      await Promise.race([failed, add(packing, entry)]);
      count++;
    }
    packing.finalize();
    await written;
  } catch (error) {
    packing.destroy();
    await written.catch(() => undefined);
    throw error;
  }
  return count;
}

function add(packing: ReturnType<typeof pack>, entry: CaptureEntry): Promise<void> {
  const header = { name: entry.path.replace(/^\/+/, ""), mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  return new Promise((done, fail) => {
    const callback = (error?: Error | null) => (error ? fail(error) : done());
    if (entry.kind === "file") {
      packing.entry({ ...header, type: "file", mode: 0o644 }, Buffer.from(entry.content), callback);
    } else if (entry.kind === "link") {
      packing.entry({ ...header, type: "symlink", mode: 0o777, linkname: entry.target }, callback);
    } else {
      packing.entry({ ...header, type: "directory", mode: 0o755 }, callback);
    }
  });
}

/** A device, or a link as /dev/stdout, is never replaced: it would be lost to the whole host. */
async function refuseExisting(out: string, force: boolean): Promise<void> {
  const there = await lstat(out).catch(() => undefined);
  if (!there || (force && there.isFile())) return;
  throw new VfleetError("VFL-0010", {
    message: there.isFile() ? `${out} is there already` : `${out} is there already, and is not a regular file`,
    remedy: there.isFile()
      ? "choose another path, or --force to replace it"
      : "choose another path, or - to write to a pipe",
    details: { path: out, errno: "EEXIST" },
  });
}

function notWritable(out: string, error: unknown): unknown {
  const errno = (error as NodeJS.ErrnoException).code;
  if (error instanceof VfleetError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  return new VfleetError("VFL-0010", {
    message: `${out} cannot be written: ${errno}`,
    details: { path: out, errno },
    cause: error,
  });
}
