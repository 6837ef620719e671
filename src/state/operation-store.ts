import { randomUUID } from "node:crypto";
import { type FileHandle, link, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";
import { foldOperation, ImpossibleEvent } from "../host/apply/fold-operation.ts";
import type {
  Operation,
  OperationEvent,
  OperationHeader,
  OperationState,
  OperationStore,
  OperationWriter,
} from "../host/apply/operation.ts";
import { damaged, type OperationFile, parseOperationFile } from "./operation-file.ts";
import { errnoOf, makePrivateFolder, notWritten, syncFolder } from "./private-folder.ts";

const FILE_NAME = /^(\d{6,9})\.jsonl$/;
const DIGITS = 6;
/** Of one operation; 128 PFs with 256 VFs each stay far below it. */
const LIMIT_BYTES = 64 * 1024 * 1024;
/** Room that is taken before the first step: for the records of a step, of undoing it, and of everything else. */
const STEP_BYTES = 2048;
const OTHER_BYTES = 64 * 1024;
/** So many operations are kept. */
const KEPT = 1000;
const REMOVED_AT_ONCE = 10;
const OVER: readonly OperationState[] = ["settled", "undone", "overtaken"];
const NEWLINE = "\n".charCodeAt(0);

/** Operations as files in `folder`, which is made with the first. */
export function openOperationStore(folder: string): OperationStore {
  async function load(number: number): Promise<{ path: string; file: OperationFile } | undefined> {
    const path = pathOf(folder, number);
    const bytes = await readBounded(path);
    return bytes && { path, file: parseOperationFile(bytes, path, number) };
  }

  /**
   * Records of long ago, as long as they tell of nothing that is still to be done.
   * @param numbers of all
   */
  async function removeOldest(numbers: readonly number[]): Promise<void> {
    const oldest = numbers.slice(0, -KEPT).slice(0, REMOVED_AT_ONCE);
    for (const number of oldest) {
      const operation = await load(number)
        .then((loaded) => loaded && fold(loaded.path, loaded.file))
        .catch(() => undefined);
      // What is damaged stays for whoever looks into it.
      if (operation && OVER.includes(operation.state)) await rm(pathOf(folder, number), { force: true });
    }
  }

  return {
    async create(header) {
      makePrivateFolder(folder);
      const numbers = await numbersIn(folder);
      let number = numbers.at(-1) ?? 0;
      for (;;) {
        number++;
        const whole: OperationHeader = { format: 1, number, ...header };
        const writer = await createFile(folder, whole);
        if (writer === undefined) continue;
        await removeOldest([...numbers, number]);
        return writer;
      }
    },

    async resume(number) {
      const loaded = await load(number);
      if (loaded === undefined) throw damaged(pathOf(folder, number), "it is gone");
      const { path, file } = loaded;
      let handle: FileHandle | undefined;
      try {
        handle = await open(path, "r+");
        // Takes pieces of a record away that was cut off.
        await reserve(handle, file.end, roomFor(file.header));
        return new FileWriter(path, handle, file.header, file.end);
      } catch (cause) {
        await handle?.close();
        throw notWritten(path, cause);
      }
    },

    async list(onDamage) {
      const found: Operation[] = [];
      for (const number of await numbersIn(folder)) {
        try {
          const loaded = await load(number);
          if (loaded) found.push(fold(loaded.path, loaded.file));
        } catch (error) {
          if (!(onDamage && error instanceof VfleetError && error.code === "VFL-0309")) throw error;
          onDamage(error);
        }
      }
      return found;
    },

    async read(number) {
      const loaded = await load(number);
      return loaded && fold(loaded.path, loaded.file);
    },

    numbers: () => numbersIn(folder),
  };
}

function fold(path: string, { header, events }: OperationFile): Operation {
  try {
    return foldOperation(header, events);
  } catch (error) {
    if (error instanceof ImpossibleEvent) throw damaged(path, error.message);
    throw error;
  }
}

/** @returns undefined where another process has taken the number */
async function createFile(folder: string, header: OperationHeader): Promise<OperationWriter | undefined> {
  const path = pathOf(folder, header.number);
  const draft = `${path}.${randomUUID()}.new`;
  const line = Buffer.from(`${JSON.stringify(header)}\n`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(draft, "w", 0o600);
    await writeAll(handle, line, 0);
    await reserve(handle, line.length, roomFor(header));
    await handle.sync();
    // Unlike a rename it takes nobody's place.
    await link(draft, path);
    await syncFolder(folder);
    return new FileWriter(path, handle, header, line.length);
  } catch (cause) {
    await handle?.close();
    if (errnoOf(cause) === "EEXIST") return undefined;
    throw notWritten(path, cause);
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

class FileWriter implements OperationWriter {
  readonly header: OperationHeader;
  readonly #path: string;
  readonly #handle: FileHandle;
  #end: number;
  /** Events of PFs that go on side by side are written one after the other. */
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(path: string, handle: FileHandle, header: OperationHeader, end: number) {
    this.header = header;
    this.#path = path;
    this.#handle = handle;
    this.#end = end;
  }

  append(event: OperationEvent): Promise<void> {
    const written = this.#last.then(() => this.#write(event));
    this.#last = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  async #write(event: OperationEvent): Promise<void> {
    // What lies behind a record that may be there in part would count as damage.
    if (this.#failure !== undefined) throw notWritten(this.#path, this.#failure);
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    try {
      await writeAll(this.#handle, line, this.#end);
      if (event.event === "ended") await this.#handle.truncate(this.#end + line.length);
      await this.#handle.datasync();
    } catch (cause) {
      this.#failure = cause;
      throw notWritten(this.#path, cause);
    }
    this.#end += line.length;
  }
}

function roomFor({ steps }: OperationHeader): number {
  return OTHER_BYTES + steps.length * STEP_BYTES;
}

/** Writes blank lines behind `end`, so that records go where the file system has room for them already. */
async function reserve(handle: FileHandle, end: number, bytes: number): Promise<void> {
  await handle.truncate(end);
  await writeAll(handle, Buffer.alloc(bytes, NEWLINE), end);
  await handle.datasync();
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function pathOf(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(DIGITS, "0")}.jsonl`);
}

async function numbersIn(folder: string): Promise<readonly number[]> {
  try {
    const names = await readdir(folder);
    return names.flatMap((name) => FILE_NAME.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
  } catch (cause) {
    // There has been none yet.
    if (errnoOf(cause) === "ENOENT") return [];
    throw damaged(folder, `it cannot be read: ${errnoOf(cause)}`);
  }
}

async function readBounded(path: string): Promise<Uint8Array | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const { size } = await handle.stat();
    if (size > LIMIT_BYTES) throw damaged(path, `its ${size} bytes are more than vfleet writes`);
    const bytes = Buffer.alloc(size);
    let read = 0;
    while (read < size) {
      const { bytesRead } = await handle.read(bytes, read, size - read, read);
      // It was cut to its size meanwhile, by whoever ended the operation.
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return undefined;
    if (errno.startsWith("VFL-")) throw cause;
    throw damaged(path, `it cannot be read: ${errno}`);
  } finally {
    await handle?.close();
  }
}
