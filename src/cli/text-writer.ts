const WIDTH = 118;
const CONTINUED = " ".repeat(12);

/**
 * Builds text of lines that list parts with commas, broken before the part that would make a line too long. Text is
 * joined as it comes, without arrays of lines: a dump of a large host has a million parts.
 */
export class TextWriter {
  #text = "";
  #column = 0;
  #first = true;

  /** A whole line. */
  line(text: string): void {
    this.#text += `${text}\n`;
  }

  /** Whole lines, each with its end. */
  text(text: string): void {
    this.#text += text;
  }

  /** Begins a line of parts. */
  begin(prefix: string): void {
    this.#text += prefix;
    this.#column = prefix.length;
    this.#first = true;
  }

  part(text: string): void {
    if (this.#first) {
      this.#first = false;
    } else if (this.#column + text.length + 2 > WIDTH) {
      this.#text += `,\n${CONTINUED}`;
      this.#column = CONTINUED.length;
    } else {
      this.#text += ", ";
      this.#column += 2;
    }
    this.#text += text;
    this.#column += text.length;
  }

  /** Ends a line of parts. */
  end(): void {
    this.#text += "\n";
  }

  /** All that was written so far. */
  get all(): string {
    return this.#text;
  }
}
