import { type Document, LineCounter, type Node, parseAllDocuments, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { VfleetError } from "../errors/vfleet-error.ts";
import { type Complaint, complaintsOf, leadingZero, offsetOf, type Path } from "./issue-words.ts";

/** What is wrong at a place of a text, counted from 1. */
interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A document of a stream, and where it and what is in it stand. */
export interface YamlDocument<T> {
  readonly value: T;
  /** As `policies.yaml:12:5`, of what is at a path, or the nearest above it. */
  place(path: Path): string;
  /** That something at a path is wrong, which no schema of one document can see: VFL-0016. */
  error(path: Path, message: string): VfleetError;
}

const MOST_PROBLEMS = 10;
/** No file of ours repeats itself more; a bomb of aliases does. */
const MAX_ALIASES = 100;
const LINE_LIMIT = 160;
/** `core` whatever `%YAML` says: with 1.1, `on` and 1:30 would be something else. */
const OPTIONS = { prettyErrors: false, stringKeys: true, schema: "core" } as const;

/**
 * Reads a YAML document that follows a schema.
 * @param label the file's name, for messages
 * @throws VfleetError VFL-0016 with line, column and the line itself, of all that is wrong
 */
export function readYaml<T>(text: string, label: string, schema: z.ZodType<T>): T {
  const source = new Source(text, label);
  const document = source.parse(() => parseDocument(text, { ...OPTIONS, lineCounter: source.lines }));
  return readDocument(source, document, () => schema).value;
}

/**
 * Reads a stream of YAML documents (`---` between them), each by the schema that its value asks for. Documents without
 * content are passed over, as at the end of a file.
 * @throws VfleetError VFL-0016 as {@link readYaml}, lines counted through the whole text; of the first document that is wrong
 */
export function readYamlDocuments<T>(
  text: string,
  label: string,
  schemaFor: (value: unknown) => z.ZodType<T>,
): readonly YamlDocument<T>[] {
  const source = new Source(text, label);
  const stream = source.parse(() => parseAllDocuments(text, { ...OPTIONS, lineCounter: source.lines }));
  const documents = "empty" in stream ? [] : stream;
  const read = documents
    .filter(({ contents, errors }) => errors.length > 0 || !isBlank(contents))
    .map((document) => readDocument(source, document, schemaFor));
  if (read.length === 0) throw source.invalid([[0, "the file holds no document"]]);
  return read;
}

/** Nothing at all stands there; `null` and `~` are something. */
function isBlank(contents: Node | null): boolean {
  return contents === null || contents.range?.[0] === contents.range?.[1];
}

function readDocument<T>(
  source: Source,
  document: Document.Parsed,
  schemaFor: (value: unknown) => z.ZodType<T>,
): YamlDocument<T> {
  if (document.errors.length > 0) {
    throw source.invalid(document.errors.map(({ pos, message }) => [pos[0], oneLine(message)]));
  }
  const { contents: root } = document;
  const ambiguous: Complaint[] = [];
  visit(document, {
    Scalar(_key, node) {
      const message = leadingZero(node);
      if (message !== undefined) ambiguous.push([node.range?.[0] ?? 0, message]);
    },
  });
  if (ambiguous.length > 0) throw source.invalid(ambiguous);
  const start = root?.range?.[0] ?? document.range[0];
  const value: unknown = source.parse(() => document.toJS({ maxAliasCount: MAX_ALIASES }), start);
  const schema = schemaFor(value);
  const result = schema.safeParse(value);
  if (!result.success) {
    throw source.invalid(result.error.issues.flatMap((issue) => complaintsOf(issue, root, value, schema)));
  }
  return {
    value: result.data,
    place: (path) => source.place(offsetOf(root, path)),
    error: (path, message) => source.invalid([[offsetOf(root, path), message]]),
  };
}

/** A text by its lines, and errors in it. */
class Source {
  readonly text: string;
  readonly label: string;
  readonly lines = new LineCounter();

  constructor(text: string, label: string) {
    this.text = text;
    this.label = label;
  }

  /** What the parser throws, too, is an error of the file: a bomb of aliases, nesting beyond the stack. */
  parse<T>(read: () => T, offset = 0): T {
    try {
      return read();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw this.invalid([[offset, oneLine(message)]]);
    }
  }

  place(offset: number): string {
    const { line, column } = this.#at([offset, ""]);
    return `${this.label}:${line}:${column}`;
  }

  /** The error: each problem with its line and a caret below it. */
  invalid(complaints: readonly Complaint[]): VfleetError {
    const lines = this.text.split(/\r?\n/);
    const problems = complaints.slice(0, MOST_PROBLEMS).map((each) => this.#at(each));
    const told = problems.map(({ line, column, message }) => {
      const source = (lines[line - 1] ?? "").replace(/[\p{Cc}]/gu, " ");
      const caret = column <= LINE_LIMIT ? `\n    ${" ".repeat(column - 1)}^` : "";
      return `${this.label}:${line}:${column} ${message}\n    ${source.slice(0, LINE_LIMIT)}${caret}`;
    });
    const more = complaints.length > MOST_PROBLEMS ? [`and ${complaints.length - MOST_PROBLEMS} more`] : [];
    const [first] = problems;
    return new VfleetError("VFL-0016", {
      message: [...told, ...more].join("\n"),
      details: {
        path: this.label,
        line: first?.line ?? 1,
        column: first?.column ?? 1,
        problem: first?.message ?? "",
      },
    });
  }

  #at([offset, message]: Complaint): Problem {
    const { line, col } = this.lines.linePos(Math.min(offset, this.text.length));
    // A counter that has seen no line is at the beginning.
    return { line: Math.max(line, 1), column: Math.max(col, 1), message };
  }
}

function oneLine(message: string): string {
  const line = message.split("\n")[0]?.trim() ?? "";
  if (/call stack/.test(line)) return "it is nested too deeply";
  return /^Unresolved alias/.test(line) ? `${line}; text that begins with * wants quotes` : line;
}
