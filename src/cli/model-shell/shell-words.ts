/** A word as it was written: what of it was quoted stands for itself. */
export interface Word {
  readonly text: string;
  /** The same with quoted characters escaped by `\`: a pattern for globbing. */
  readonly pattern: string;
  readonly quoted: boolean;
}

/** One command, and where its output goes. */
export interface ShellCommand {
  readonly words: readonly Word[];
  /** Behind `>`. */
  readonly target?: Word;
}

/** Commands that hand their output on, one to the next; and when they run: always, or by how the ones before ended. */
interface Pipeline {
  readonly after: ";" | "&&" | "||";
  readonly commands: readonly ShellCommand[];
}

/** `list`: the line; `error`: why it is none, as bash says it. */
type Parsed = { readonly list: readonly Pipeline[] } | { readonly error: string };

const SPECIAL = /[\\*?[\]]/g;
/** What ends a word. */
const OPERATOR = /^(?:\|\||&&|[|;>])/;
/** What bash would do more with, and this shell does not. */
const UNSUPPORTED = new Set(["&", "<", "(", ")", "`", "$"]);

/** Cuts a line into commands and words as bash does, with quotes, `\`, comments, `|`, `;`, `&&`, `||` and `>`. */
export function parseLine(text: string): Parsed {
  const list: Pipeline[] = [];
  let after: Pipeline["after"] = ";";
  let commands: ShellCommand[] = [];
  let words: Word[] = [];
  let redirects = false;
  let target: Word | undefined;
  /** An operator that wants a command behind it. */
  let open: string | undefined;

  const endCommand = (operator: string): string | undefined => {
    if (redirects && target === undefined) return operator;
    if (words.length === 0 && target === undefined) return operator;
    commands.push({ words, ...(target === undefined ? {} : { target }) });
    words = [];
    target = undefined;
    redirects = false;
    return undefined;
  };
  const endPipeline = (next: Pipeline["after"]): void => {
    list.push({ after, commands });
    commands = [];
    after = next;
  };

  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    const operator = OPERATOR.exec(text.slice(at, at + 2))?.[0];
    if (/\s/.test(character)) at++;
    else if (character === "#") break;
    else if (operator === ">") {
      if (redirects || text[at + 1] === ">") return { error: "only one > is understood here" };
      redirects = true;
      at++;
    } else if (operator !== undefined) {
      const unexpected = endCommand(operator);
      if (unexpected !== undefined) return { error: `syntax error near unexpected token \`${unexpected}'` };
      if (operator !== "|") endPipeline(operator as Pipeline["after"]);
      open = operator === ";" ? undefined : operator;
      at += operator.length;
    } else {
      const read = readWord(text, at);
      if ("error" in read) return read;
      at = read.end;
      open = undefined;
      if (redirects && target === undefined) target = read.word;
      else words.push(read.word);
    }
  }
  if (open !== undefined || (redirects && target === undefined)) {
    return {
      error:
        open === undefined ? "syntax error near unexpected token `newline'" : "syntax error: unexpected end of file",
    };
  }
  if (endCommand("newline") === undefined) endPipeline(";");
  return { list };
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
    if (/[\s>|;]/.test(character) || text.startsWith("&&", at)) break;
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, at + 1);
      if (end === -1) return { error: `unexpected EOF while looking for matching \`${character}'` };
      literal(text.slice(at + 1, end));
      at = end;
    } else if (character === "\\") {
      literal(text[++at] ?? "");
    } else if (UNSUPPORTED.has(character)) {
      return { error: `${character} is not understood here` };
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
