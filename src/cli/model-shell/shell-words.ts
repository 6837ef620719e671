/** A word as it was written: what of it was quoted stands for itself. */
export interface Word {
  readonly text: string;
  /** The same with quoted characters escaped by `\`: a pattern for globbing. */
  readonly pattern: string;
  readonly quoted: boolean;
}

interface ShellLine {
  readonly words: readonly Word[];
  /** Behind `>`. */
  readonly target?: Word;
}

/** `value`: the line; `error`: why it is none, as bash says it. */
type Parsed = { readonly line: ShellLine } | { readonly error: string };

const SPECIAL = /[\\*?[\]]/g;
/** What bash would do more with, and this shell does not. */
const UNSUPPORTED = new Set(["|", "&", ";", "<", "(", ")", "`", "$"]);

/** Cuts a line into words as bash does, with quotes, `\`, comments and one `>`. */
export function parseLine(text: string): Parsed {
  const words: Word[] = [];
  let redirects = false;
  let target: Word | undefined;
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (/\s/.test(character)) at++;
    else if (character === "#") break;
    else if (character === ">") {
      if (redirects || text[at + 1] === ">") return { error: "only one > is understood here" };
      redirects = true;
      at++;
    } else {
      const read = readWord(text, at);
      if ("error" in read) return read;
      at = read.end;
      if (redirects && target === undefined) target = read.word;
      else words.push(read.word);
    }
  }
  if (redirects && target === undefined) return { error: "syntax error near unexpected token `newline'" };
  return { line: { words, ...(target === undefined ? {} : { target }) } };
}

function readWord(text: string, from: number): { word: Word; end: number } | { error: string } {
  let plain = "";
  let pattern = "";
  let quoted = false;
  let at = from;
  const literal = (part: string) => {
    plain += part;
    pattern += part.replace(SPECIAL, "\\$&");
    quoted = true;
  };
  for (; at < text.length; at++) {
    const character = text[at] as string;
    if (/[\s>]/.test(character)) break;
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, at + 1);
      if (end === -1) return { error: `unexpected EOF while looking for matching \`${character}'` };
      literal(text.slice(at + 1, end));
      at = end;
    } else if (character === "\\") {
      literal(text[++at] ?? "");
    } else if (UNSUPPORTED.has(character)) {
      return { error: `${character} is not understood here; one command a line` };
    } else {
      plain += character;
      pattern += character;
    }
  }
  return { word: { text: plain, pattern, quoted }, end: at };
}

/** Whether a word is a pattern: it holds `*`, `?` or `[` that is not escaped. */
export function isPattern(pattern: string): boolean {
  return /[*?[]/.test(pattern.replace(/\\./g, ""));
}

/** The regular expression of one part of a path (glob(7)). */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|\[(!?)([^\]]+)\]|[*?]|[.+^${}()|[\]\\]/g, (all, escaped, not, set) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\^]/g, "\\$&")}]`;
    return all === "*" ? ".*" : all === "?" ? "." : `\\${all}`;
  });
  // A dot at the beginning is matched by a dot alone.
  return new RegExp(`^${pattern.startsWith(".") ? "" : "(?!\\.)"}${source}$`, "su");
}
