/** Cuts a stream of bytes into lines. */
export class LineReader {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * The lines that are complete with `chunk`.
   * @throws RangeError where a line is longer than the limit
   */
  add(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.#chunks).toString());
      this.#chunks = [];
      this.#sizeBytes = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#sizeBytes += part.length;
    if (this.#sizeBytes > this.#limitBytes) throw new RangeError(`a line has more than ${this.#limitBytes} bytes`);
    this.#chunks.push(part);
  }
}
