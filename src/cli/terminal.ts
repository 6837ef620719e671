import { styleText } from "node:util";

/** Colours that mean a state; nothing else is coloured. */
export type Tone = "good" | "warn" | "bad" | "unsure" | "strong" | "faint";

const STYLES = {
  good: "green",
  warn: "yellow",
  bad: "red",
  unsure: "cyan",
  strong: "bold",
  faint: "dim",
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** Whether a stream takes colour: asked once, since asking takes longer than colouring. */
const coloured: { stdout?: boolean; stderr?: boolean } = {};

/** Colours text for standard output, where that is a terminal that shows colour (and NO_COLOR is not set). */
export function paint(tone: Tone, text: string): string {
  return painted("stdout", tone, text);
}

/** The same for standard error. */
export function paintError(tone: Tone, text: string): string {
  return painted("stderr", tone, text);
}

function painted(stream: keyof typeof coloured, tone: Tone, text: string): string {
  coloured[stream] ??= styleText("bold", "x", { stream: process[stream] }) !== "x";
  return coloured[stream] && text !== "" ? styleText(STYLES[tone], text, { validateStream: false }) : text;
}

/** A cell of a table: text, and how it is coloured. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/**
 * Lines of a table whose columns are as wide as their widest cell. The last column is left as long as it is. Colour does
 * not count as width.
 */
export function table(head: readonly string[], rows: ReadonlyArray<readonly Cell[]>): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column] ?? "").length)),
  );
  const line = (cells: readonly Cell[], tone?: Tone) =>
    cells
      .map((cell, column) => {
        const text = textOf(cell);
        const padding = column === cells.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - text.length);
        const shade = tone ?? (typeof cell === "string" ? undefined : cell.tone);
        return (shade ? paint(shade, text) : text) + padding;
      })
      .join("  ")
      .trimEnd();
  return [line(head, "faint"), ...rows.map((row) => line(row))];
}

/** Shortens text to `width` characters, with an ellipsis where it was cut. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/**
 * Breaks text between words into lines of the terminal's width, the first `indent` columns of which are taken. A pipe
 * gets the text as it is.
 */
export function wrapWords(text: string, indent: number): string[] {
  const columns = process.stdout.columns ?? Number(process.env.COLUMNS);
  const width = columns > 0 ? Math.max(columns - indent, 40) : Number.POSITIVE_INFINITY;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
