import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../../pci/config-space.ts";

/** Gathers the configuration space of one function after another from pieces that come in any order. */
export class ByteCollector {
  readonly #bytes = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  /** Which bytes are known, once they no longer are just those below {@link end}. */
  #mask: Uint8Array | undefined;
  #end = 0;

  /** One past the last byte that is known. */
  get end(): number {
    return this.#end;
  }

  /**
   * Adds the first `count` bytes of `row` at `offset`; together they end at 4096 at the most.
   * @returns false, and adds nothing, where a byte is known already and is another.
   */
  add(offset: number, row: Uint8Array, count: number): boolean {
    const bytes = this.#bytes;
    if (offset !== this.#end || this.#mask) return this.#addAnywhere(offset, row, count);
    for (let i = 0; i < count; i++) bytes[offset + i] = row[i] as number;
    this.#end = offset + count;
    return true;
  }

  /** The configuration space gathered since the last call, or undefined where that is none. */
  take(): ConfigSpace | undefined {
    const end = this.#end;
    const mask = this.#mask;
    this.#end = 0;
    this.#mask = undefined;
    if (end === 0) return undefined;
    if (!mask) return new ConfigSpace(this.#bytes.slice(0, end));
    const bytes = new Uint8Array(end);
    const known: [number, number][] = [];
    for (let at = 0; at < end; at++) {
      if (mask[at] === 0) continue;
      bytes[at] = this.#bytes[at] as number;
      const last = known.at(-1);
      if (last && last[1] === at) last[1] = at + 1;
      else known.push([at, at + 1]);
    }
    return new ConfigSpace(bytes, known);
  }

  #addAnywhere(offset: number, row: Uint8Array, count: number): boolean {
    if (count === 0) return true;
    this.#mask ??= new Uint8Array(PCI_CFG_SPACE_EXP_SIZE).fill(1, 0, this.#end);
    const mask = this.#mask;
    for (let i = 0; i < count; i++) {
      if (mask[offset + i] === 1 && this.#bytes[offset + i] !== row[i]) return false;
    }
    for (let i = 0; i < count; i++) this.#bytes[offset + i] = row[i] as number;
    mask.fill(1, offset, offset + count);
    this.#end = Math.max(this.#end, offset + count);
    return true;
  }
}
