/** Decoded values by field name, of a capability, a block of one, or the header. */
export type Values = Readonly<Record<string, unknown>>;

/** One thing that lspci prints, and what it must be by the values that vfleet decoded. */
export interface Token {
  /** Found once at the most in the text; its groups are what is compared. */
  readonly pattern: RegExp;
  /** One text for each group. */
  readonly expected: (values: Values) => readonly string[];
}

/** A line of lspci, with those indented below it. */
export interface Section {
  /** At the line's begin. Its first group may number the block that the line shows. */
  readonly start: RegExp;
  /** The values that the line shows, where they are a block of the capability's; `index` is what `start` caught. */
  readonly values?: (values: Values, index: string) => Values | undefined;
  /** All that the line can hold. Text that is left over was compared with nothing, which is a difference. */
  readonly tokens: readonly Token[];
  /** How many such lines there must be. */
  readonly count?: (values: Values) => number;
}

/** One value that the two read differently. */
export interface Difference {
  /** The words of lspci. */
  readonly lspci: string;
  /** What vfleet's value would be in their place. */
  readonly vfleet: string | undefined;
}

export interface Comparison {
  /** How many values were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Words that no token knows. */
  readonly leftOver: string;
}

/** Compares what follows a section's start with the values. */
export function compareText(text: string, tokens: readonly Token[], values: Values): Comparison {
  let rest = text;
  let compared = 0;
  const differences: Difference[] = [];
  for (const { pattern, expected } of tokens) {
    const match = pattern.exec(rest);
    if (!match) continue;
    rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`;
    const groups = match.slice(1);
    const wanted = expected(values);
    for (const [index, shown] of groups.entries()) {
      compared++;
      if (shown !== wanted[index]) differences.push({ lspci: match[0].trim(), vfleet: wanted[index] });
    }
  }
  return { compared, differences, leftOver: rest.replace(/[\s,;:()]+/g, " ").trim() };
}

/** A text that `pattern` catches, and the same by vfleet's values. */
export function text(pattern: RegExp, ...expected: readonly ((values: Values) => string)[]): Token {
  return { pattern, expected: (values) => expected.map((of) => of(values)) };
}

/** Words that hold no value, or one that another place shows. */
export function words(pattern: RegExp): Token {
  return { pattern, expected: () => [] };
}

/** Bits that lspci prints as `Name+` and `Name-`. Versions of lspci may name one field differently. */
export function flags(fields: Readonly<Record<string, string>>): Token[] {
  return Object.entries(fields).map(([name, field]) => flag(name, (values) => values[field]));
}

export function flag(name: string, of: (values: Values) => unknown): Token {
  const pattern = new RegExp(`(?<![^\\s(,])${name.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}([+-])(?![^\\s,;)])`);
  return text(pattern, (values) => sign(of(values)));
}

/** Numbers in decimal digits, in the order of the pattern's groups. */
export function decimal(pattern: RegExp, ...fields: readonly string[]): Token {
  return text(pattern, ...fields.map((field) => (values: Values) => String(values[field])));
}

/** A number in `digits` hexadecimal digits. */
export function hexadecimal(pattern: RegExp, digits: number, of: string | ((values: Values) => unknown)): Token {
  return text(pattern, (values) => hex(typeof of === "string" ? values[of] : of(values), digits));
}

/** A code for which lspci prints words: `names` from what vfleet shows to them; for all else `other`. */
export function choice(pattern: RegExp, field: string, names: Readonly<Record<string, string>>, other = "?"): Token {
  return text(pattern, (values) => {
    const value = values[field];
    return typeof value === "object" ? other : (names[String(value)] ?? other);
  });
}

/** A number as lspci prints it in hexadecimal; the value itself where it is none. */
export function hex(value: unknown, digits: number): string {
  const number = typeof value === "number" || typeof value === "bigint";
  return number ? value.toString(16).padStart(digits, "0") : JSON.stringify(value);
}

/** The blocks of one name. */
export function blocks(values: Values, name: string): readonly Values[] {
  const list = values[name];
  return Array.isArray(list) ? (list as Values[]) : [];
}

/** The code of a value that has no name, or the number itself. */
export function code(value: unknown): number {
  if (typeof value === "number") return value;
  const { id } = (value ?? {}) as { id?: unknown };
  return typeof id === "number" ? id : Number.NaN;
}

function sign(value: unknown): string {
  return value === true ? "+" : value === false ? "-" : JSON.stringify(value ?? null);
}
