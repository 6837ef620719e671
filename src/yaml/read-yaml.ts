import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { VfleetError } from "../errors/vfleet-error.ts";
import { nearMiss } from "./near-miss.ts";

/** What is wrong at a place of a text, counted from 1. */
interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

const MOST_PROBLEMS = 10;
/** No file of ours repeats itself more; a bomb of aliases does. */
const MAX_ALIASES = 100;
const LINE_LIMIT = 160;

/**
 * Reads a YAML document that follows a schema.
 * @param label the file's name, for messages
 * @throws VfleetError VFL-0016 with line, column and the line itself, of all that is wrong
 */
export function readYaml<T>(text: string, label: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    // A counter that has seen no line is at the beginning.
    return { line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  if (document.errors.length > 0) {
    throw invalid(
      label,
      text,
      document.errors.map(({ pos, message }) => at(pos[0], oneLine(message))),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw invalid(label, text, [at(0, oneLine(error instanceof Error ? error.message : String(error)))]);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const root = document.contents;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, root, value, schema).map((p) => at(...p)));
  throw invalid(label, text, problems);
}

/** Where an issue is, and what it says. */
function problemsOf(issue: Issue, root: Node | null, value: unknown, schema: z.ZodType): [number, string][] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => [keyOffset(root, path, key), unknownKey(key, path, known)]);
  }
  const missing = path.length > 0 && valueAt(value, path) === undefined;
  if (missing) {
    const key = String(path.at(-1));
    return [[offsetOf(root, path.slice(0, -1)), `${placeName(path.slice(0, -1))} lacks ${key}: ${expected(issue)}`]];
  }
  return [[offsetOf(root, path), `${placeName(path)}: ${expected(issue)}`]];
}

function unknownKey(key: string, path: Path, known: readonly string[]): string {
  const meant = nearMiss(key, known);
  const hint = meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`;
  return `${key} is not known in ${placeName(path)}; ${hint}`;
}

function expected(issue: Issue): string {
  if (issue.code === "invalid_type") return `${article(issue.expected)} was expected`;
  if (issue.code === "invalid_value") {
    return `${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")} was expected`;
  }
  if (issue.code === "too_big") return `${issue.maximum} is the most`;
  if (issue.code === "too_small") return `${issue.minimum} is the least`;
  return issue.message;
}

const TYPES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping (key: value)",
  record: "a mapping (key: value)",
};

function article(type: string): string {
  return TYPES[type] ?? type;
}

function placeName(path: Path): string {
  if (path.length === 0) return "the document";
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

/** The keys that a schema has at a path, as far as it is made of objects and lists. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  let at = inner(schema);
  for (const part of path) {
    const { shape, element } = at as { shape?: Readonly<Record<string, unknown>>; element?: unknown };
    at = inner(typeof part === "number" ? element : shape?.[String(part)]);
  }
  return Object.keys((at as { shape?: object } | undefined)?.shape ?? {});
}

/** Without what wraps it: optional, default, lazy, a pipe. */
function inner(schema: unknown): unknown {
  let at = schema as z.core.$ZodType | undefined;
  for (let depth = 0; at !== undefined && depth < 10; depth++) {
    const def = at._zod.def as { innerType?: z.core.$ZodType; getter?: () => z.core.$ZodType; in?: z.core.$ZodType };
    const next = def.innerType ?? def.getter?.() ?? def.in;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** Where the value at a path begins; where it is no node, as with an alias, the nearest one above. */
function offsetOf(root: Node | null, path: Path): number {
  let at: Node | null = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    const next: unknown = at !== null && "get" in at && typeof at.get === "function" ? at.get(part, true) : undefined;
    if (!isNode(next)) return offset;
    at = next;
    offset = next.range?.[0] ?? offset;
  }
  return offset;
}

function keyOffset(root: Node | null, path: Path, key: string): number {
  const map = path.length === 0 ? root : nodeAt(root, path);
  if (isMap(map)) {
    for (const { key: each } of map.items) {
      if (isScalar(each) && String(each.value) === key) return each.range?.[0] ?? offsetOf(root, path);
    }
  }
  return offsetOf(root, path);
}

function nodeAt(root: Node | null, path: Path): unknown {
  return root !== null && "getIn" in root && typeof root.getIn === "function" ? root.getIn(path, true) : undefined;
}

function oneLine(message: string): string {
  return message.split("\n")[0]?.trim() ?? "";
}

/** The error: each problem with its line and a caret below it. */
function invalid(label: string, text: string, problems: readonly Problem[]): VfleetError {
  const lines = text.split(/\r?\n/);
  const told = problems.slice(0, MOST_PROBLEMS).map(({ line, column, message }) => {
    const source = (lines[line - 1] ?? "").replace(/[\p{Cc}]/gu, " ");
    const caret = column <= LINE_LIMIT ? `\n    ${" ".repeat(column - 1)}^` : "";
    return `${label}:${line}:${column} ${message}\n    ${source.slice(0, LINE_LIMIT)}${caret}`;
  });
  const more = problems.length > MOST_PROBLEMS ? [`and ${problems.length - MOST_PROBLEMS} more`] : [];
  const [first] = problems;
  return new VfleetError("VFL-0016", {
    message: [...told, ...more].join("\n"),
    details: { path: label, line: first?.line ?? 1, column: first?.column ?? 1, problem: first?.message ?? "" },
  });
}
