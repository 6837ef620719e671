/** Configuration space of a conventional PCI function ends here; extended configuration space begins. */
export const PCI_CFG_SPACE_SIZE = 256;
/** Configuration space of a PCI Express function. */
export const PCI_CFG_SPACE_EXP_SIZE = 4096;

/**
 * The configuration space of one function as far as it was read. A byte that was not read is unknown and stays so: an
 * access that touches one gives `undefined`, never zeros or ones.
 */
export class ConfigSpace {
  /** Little-endian registers; only what {@link has} vouches for means anything. */
  readonly bytes: Uint8Array;
  /** Half-open, ascending, disjoint ranges of bytes that were read. */
  readonly known: ReadonlyArray<readonly [start: number, end: number]>;
  readonly #firstEnd: number;

  /**
   * @param bytes at most 4096 bytes, from offset 0.
   * @param known which of them were read; all, when left out.
   */
  constructor(bytes: Uint8Array, known: ReadonlyArray<readonly [number, number]> = [[0, bytes.length]]) {
    if (bytes.length > PCI_CFG_SPACE_EXP_SIZE) {
      throw new RangeError(`configuration space has ${PCI_CFG_SPACE_EXP_SIZE} bytes at most, not ${bytes.length}`);
    }
    this.bytes = bytes;
    this.known = known;
    // Nearly every read falls into a first range that starts at 0; the list is only searched for the others.
    this.#firstEnd = known[0]?.[0] === 0 ? known[0][1] : 0;
  }

  /** True where all `size` bytes from `offset` on were read. */
  has(offset: number, size: number): boolean {
    const end = offset + size;
    return (end <= this.#firstEnd && offset >= 0) || this.known.some(([from, to]) => offset >= from && end <= to);
  }

  /** One past the last byte that was read. */
  get end(): number {
    return this.known.at(-1)?.[1] ?? 0;
  }

  u8(offset: number): number | undefined {
    return this.has(offset, 1) ? this.bytes[offset] : undefined;
  }

  u16(offset: number): number | undefined {
    if (!this.has(offset, 2)) return undefined;
    return (this.bytes[offset] as number) | ((this.bytes[offset + 1] as number) << 8);
  }

  u32(offset: number): number | undefined {
    if (!this.has(offset, 4)) return undefined;
    const b = this.bytes;
    return (
      ((b[offset] as number) |
        ((b[offset + 1] as number) << 8) |
        ((b[offset + 2] as number) << 16) |
        ((b[offset + 3] as number) << 24)) >>>
      0
    );
  }

  /** The register of `width` bits at `offset`. */
  read(offset: number, width: 8 | 16 | 32): number | undefined {
    return width === 32 ? this.u32(offset) : width === 16 ? this.u16(offset) : this.u8(offset);
  }

  /** Bytes as two-digit hexadecimal, `--` for each that was not read, separated by blanks. */
  hexDump(offset: number, size: number): string {
    const out: string[] = [];
    for (let at = offset; at < offset + size; at++) {
      const byte = this.u8(at);
      out.push(byte === undefined ? "--" : byte.toString(16).padStart(2, "0"));
    }
    return out.join(" ");
  }
}

/**
 * The configuration space that {@link ConfigSpace.hexDump} wrote, from offset 0 on.
 * @throws RangeError of text that is none
 */
export function configSpaceOf(hexDump: string): ConfigSpace {
  const words = hexDump.split(" ").filter((word) => word !== "");
  const bytes = new Uint8Array(words.length);
  const known: [number, number][] = [];
  for (const [at, word] of words.entries()) {
    if (word === "--") continue;
    if (!/^[0-9a-f]{2}$/.test(word)) throw new RangeError(`${JSON.stringify(word)} is no byte`);
    bytes[at] = Number.parseInt(word, 16);
    const last = known.at(-1);
    if (last?.[1] === at) last[1]++;
    else known.push([at, at + 1]);
  }
  return new ConfigSpace(bytes, known);
}
