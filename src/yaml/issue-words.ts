import { isMap, isNode, isPair, isScalar, type Node } from "yaml";
import type { z } from "zod";
import { nearMiss } from "./near-miss.ts";

export type Path = readonly PropertyKey[];
/** What is wrong at an offset of the text. */
export type Complaint = readonly [offset: number, message: string];
type Issue = z.core.$ZodIssue;

/** Where an issue of the schema is in the YAML, and what it says. */
export function complaintsOf(issue: Issue, root: Node | null, value: unknown, schema: z.ZodType): Complaint[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => [keyOffset(root, path, key), unknownKey(key, path, known, pairAt(root, path, key))]);
  }
  const given = valueAt(value, path);
  if (path.length > 0 && given === undefined) {
    const key = String(path.at(-1));
    return [
      [
        offsetOf(root, path.slice(0, -1)),
        `${placeName(path.slice(0, -1))} lacks ${key}: ${expected(issue, undefined)}`,
      ],
    ];
  }
  const node = nodeAt(root, path);
  const hint = expectsText(issue) ? quotesHint(node) : "";
  return [[offsetOf(root, path), `${placeName(path)}: ${expected(issue, given)}${hint}`]];
}

/** Numbers that YAML 1.1 takes for octal and YAML 1.2 for decimal, wherever they stand: one of the two was not meant. */
export function leadingZero(node: unknown): string | undefined {
  if (!isScalar(node) || node.type !== "PLAIN" || typeof node.value !== "number") return undefined;
  const source = node.source ?? "";
  return /^[-+]?0\d+$/.test(source)
    ? `${source} is ${node.value} to YAML 1.2 and octal to YAML 1.1: write the number without leading zeros, or "${source}" where text is wanted`
    : undefined;
}

function unknownKey(key: string, path: Path, known: readonly string[], pair: unknown): string {
  const meant = nearMiss(key, known);
  // In braces `range: 0,4` is two entries, the second a key without a value.
  const cut = isPair(pair) && (pair.value === null || (isScalar(pair.value) && pair.value.value === null));
  const comma = cut && /^[\d-]+$/.test(key) ? "a comma ends a value in braces: put the value in quotes" : undefined;
  const hint = comma ?? (meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`);
  return `${key} is not known in ${placeName(path)}; ${hint}`;
}

function expected(issue: Issue, given: unknown): string {
  if (issue.code === "invalid_type") return `${article(issue.expected)} was expected${meantBoolean(issue, given)}`;
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    const meant = typeof given === "string" ? nearMiss(given, values) : undefined;
    const hint = meant === undefined || values.length === 1 ? "" : `; did you mean ${meant}?`;
    return `${values.length > 1 ? "one of " : ""}${values.join(", ")} was expected${hint}`;
  }
  if (issue.code === "too_big") return `${issue.maximum} is the most`;
  if (issue.code === "too_small") return `${issue.minimum} is the least`;
  return issue.message;
}

const OLD_BOOLEANS: Readonly<Record<string, boolean>> = {
  on: true,
  yes: true,
  y: true,
  off: false,
  no: false,
  n: false,
};

/** `on` and `yes` were booleans before YAML 1.2. */
function meantBoolean(issue: Issue, given: unknown): string {
  if (issue.code !== "invalid_type" || issue.expected !== "boolean" || typeof given !== "string") return "";
  const word = given.toLowerCase();
  if (!Object.hasOwn(OLD_BOOLEANS, word)) return "";
  return `; ${given} is text in YAML 1.2: write ${OLD_BOOLEANS[word]}`;
}

function expectsText(issue: Issue): boolean {
  return (issue.code === "invalid_type" && issue.expected === "string") || issue.code === "invalid_value";
}

function quotesHint(node: unknown): string {
  if (!isScalar(node) || node.type !== "PLAIN" || !["number", "boolean"].includes(typeof node.value)) return "";
  const kind = typeof node.value === "number" ? "a number" : "true or false";
  return `; without quotes ${node.source} is ${kind} to YAML: write "${node.source}"`;
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
export function offsetOf(root: Node | null, path: Path): number {
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
  const pair = pairAt(root, path, key);
  return (isPair(pair) && isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offsetOf(root, path);
}

function pairAt(root: Node | null, path: Path, key: string): unknown {
  const map = path.length === 0 ? root : nodeAt(root, path);
  return isMap(map) ? map.items.find(({ key: each }) => isScalar(each) && String(each.value) === key) : undefined;
}

function nodeAt(root: Node | null, path: Path): unknown {
  if (path.length === 0) return root;
  return root !== null && "getIn" in root && typeof root.getIn === "function" ? root.getIn(path, true) : undefined;
}
