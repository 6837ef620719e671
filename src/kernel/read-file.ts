import { readSync } from "node:fs";

const CHUNK_BYTES = 64 * 1024;
/** Reads are synchronous, so one is enough. */
const chunk = new Uint8Array(CHUNK_BYTES);

/**
 * The content of an open file from its position on, to its end or to `limitBytes`. What `stat` says of the size is not
 * looked at: /proc says 0, sysfs 4096.
 * @throws the errors of `read`.
 */
export function readFile(fd: number, limitBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < limitBytes) {
    const count = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, limitBytes - size), null);
    if (count === 0) break;
    parts.push(chunk.slice(0, count));
    size += count;
  }
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
