import { isUnread } from "../../kernel/port.ts";
import { isPending } from "../../kernel/port-outcome.ts";
import { type Answer, good, notDone, refused, textOf, wrong } from "./answer.ts";
import { absolute } from "./paths.ts";
import type { ShellState } from "./shell-state.ts";

type Run = (state: ShellState, args: readonly string[], input?: string) => Answer | Promise<Answer>;

interface Filter {
  readonly usage: string;
  readonly meaning: string;
  readonly run: Run;
}

/** What a command is called with: options by their letters, those with a value apart, and what is left. */
interface Options {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

const decoder = new TextDecoder();
const TEN = 10;

/** Programs that read lines and write lines, with the options that people use (POSIX.1-2017). */
export const FILTERS: Readonly<Record<string, Filter>> = {
  grep: { usage: "grep [-ivcnEoq] [-A N] [-B N] PATTERN [PATH...]", meaning: "lines that match", run: grep },
  head: {
    usage: "head [-n N] [PATH...]",
    meaning: "the first lines",
    run: ends("head", (lines, n) => lines.slice(0, n)),
  },
  tail: {
    usage: "tail [-n N] [PATH...]",
    meaning: "the last lines",
    run: ends("tail", (lines, n) => (n === 0 ? [] : lines.slice(-n))),
  },
  wc: { usage: "wc [-lwc] [PATH...]", meaning: "how many lines, words and bytes", run: wc },
  sort: { usage: "sort [-nru] [PATH...]", meaning: "lines in order", run: sort },
  uniq: { usage: "uniq [-c]", meaning: "equal lines that follow one another once", run: uniq },
  cut: { usage: "cut -d CHARACTER -f LIST | -c LIST", meaning: "parts of lines", run: cut },
  tee: { usage: "tee PATH...", meaning: "write attributes, as echo 4 | sudo tee PATH", run: tee },
};

async function grep(state: ShellState, args: readonly string[], input?: string): Promise<Answer> {
  const options = parse("grep", args, "ivcnEoqFw", "ABe");
  if ("output" in options) return options;
  const { flags, values, rest } = options;
  const given = values.get("e");
  const [pattern, ...paths] = given === undefined ? rest : [given, ...rest];
  if (pattern === undefined) return wrong("grep: usage: grep [OPTION]... PATTERN [PATH]...");
  let expression: RegExp;
  try {
    const source = flags.has("F") ? literal(pattern) : flags.has("E") ? pattern : extended(pattern);
    expression = new RegExp(flags.has("w") ? `\\b(?:${source})\\b` : source, flags.has("i") ? "gi" : "g");
  } catch {
    return wrong(`grep: ${pattern}: no regular expression`);
  }
  const read = await linesOf(state, "grep", paths, input);
  if ("output" in read) return read;
  const wants = (line: string) => (line.search(expression) !== -1) !== flags.has("v");
  const chosen = read.lines.flatMap((line, index) => (wants(line) ? [index] : []));
  // As the exit code 1 of grep: nothing was selected.
  const ended = (output: string): Answer => ({ ok: chosen.length > 0, errno: null, output });
  if (flags.has("q")) return ended("");
  if (flags.has("c")) return ended(`${chosen.length}\n`);
  if (flags.has("o")) {
    const found = chosen.flatMap((index) => (read.lines[index]?.match(expression) ?? []).filter(Boolean));
    return ended(textOf(found));
  }
  const after = Number(values.get("A") ?? 0);
  const before = Number(values.get("B") ?? 0);
  const shown = new Set(
    chosen.flatMap((at) => range(Math.max(0, at - before), Math.min(read.lines.length - 1, at + after))),
  );
  const hasContext = values.has("A") || values.has("B");
  const selected = new Set(chosen);
  const places = [...shown].sort((a, b) => a - b);
  const lines = places.flatMap((at, index) => {
    const line = `${flags.has("n") ? `${at + 1}${selected.has(at) ? ":" : "-"}` : ""}${read.lines[at]}`;
    // Between what does not follow one another.
    const isApart = hasContext && index > 0 && places[index - 1] !== at - 1;
    return isApart ? ["--", line] : [line];
  });
  return ended(textOf(lines));
}

function ends(name: string, take: (lines: readonly string[], count: number) => readonly string[]): Run {
  return async (state, args, input) => {
    // head -3
    const short = /^-(\d{1,6})$/.exec(args[0] ?? "")?.[1];
    const options = parse(name, short === undefined ? args : args.slice(1), "", "n");
    if ("output" in options) return options;
    const count = Number(short ?? options.values.get("n") ?? TEN);
    if (!Number.isInteger(count) || count < 0) return wrong(`${name}: invalid number of lines`);
    const read = await linesOf(state, name, options.rest, input);
    return "output" in read ? read : good(textOf(take(read.lines, count)));
  };
}

async function wc(state: ShellState, args: readonly string[], input?: string): Promise<Answer> {
  const options = parse("wc", args, "lwc", "");
  if ("output" in options) return options;
  const read = await linesOf(state, "wc", options.rest, input);
  if ("output" in read) return read;
  const text = textOf(read.lines);
  const counts: Readonly<Record<string, number>> = {
    l: read.lines.length,
    w: text.split(/\s+/).filter(Boolean).length,
    c: Buffer.byteLength(text),
  };
  const wanted = options.flags.size === 0 ? Object.keys(counts) : [...options.flags];
  return good(`${wanted.map((key) => counts[key]).join(" ")}\n`);
}

async function sort(state: ShellState, args: readonly string[], input?: string): Promise<Answer> {
  const options = parse("sort", args, "nru", "");
  if ("output" in options) return options;
  const { flags, rest } = options;
  const read = await linesOf(state, "sort", rest, input);
  if ("output" in read) return read;
  const lines = flags.has("u") ? [...new Set(read.lines)] : [...read.lines];
  const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const number = (line: string) => Number.parseFloat(line) || 0;
  lines.sort(flags.has("n") ? (a, b) => number(a) - number(b) || byText(a, b) : byText);
  return good(textOf(flags.has("r") ? lines.reverse() : lines));
}

async function uniq(state: ShellState, args: readonly string[], input?: string): Promise<Answer> {
  const options = parse("uniq", args, "c", "");
  if ("output" in options) return options;
  const read = await linesOf(state, "uniq", options.rest, input);
  if ("output" in read) return read;
  const groups: { readonly line: string; count: number }[] = [];
  for (const line of read.lines) {
    const last = groups.at(-1);
    if (last?.line === line) last.count++;
    else groups.push({ line, count: 1 });
  }
  const counted = options.flags.has("c");
  return good(textOf(groups.map(({ line, count }) => (counted ? `${String(count).padStart(7)} ${line}` : line))));
}

async function cut(state: ShellState, args: readonly string[], input?: string): Promise<Answer> {
  const options = parse("cut", args, "", "dfc");
  if ("output" in options) return options;
  const { values, rest } = options;
  const list = values.get("f") ?? values.get("c");
  const isWanted = list === undefined ? undefined : listOf(list);
  if (isWanted === undefined) return wrong("cut: you must specify a list of characters or fields");
  const read = await linesOf(state, "cut", rest, input);
  if ("output" in read) return read;
  const delimiter = values.get("d") ?? "\t";
  const lines = read.lines.map((line) => {
    if (values.has("c")) return [...line].filter((_, index) => isWanted(index + 1)).join("");
    const fields = line.split(delimiter);
    return fields.length === 1 ? line : fields.filter((_, index) => isWanted(index + 1)).join(delimiter);
  });
  return good(textOf(lines));
}

/** Writes what it was handed, in one write(2) a file, and hands it on. */
async function tee({ machine, cwd }: ShellState, args: readonly string[], input = ""): Promise<Answer> {
  const options = parse("tee", args, "ai", "");
  if ("output" in options) return options;
  let failure: Answer | undefined;
  for (const path of options.rest) {
    const outcome = await machine.kernel.write(absolute(cwd, path), input);
    if (isPending(outcome)) failure ??= wrong(`tee: ${path}: the kernel still works at it: see dmesg`, "EINPROGRESS");
    else if (outcome.kind === "failed") failure ??= notDone(`tee: ${path}`, outcome);
  }
  return failure === undefined ? good(input) : { ...failure, output: failure.output + input };
}

/** What it was handed, else the files' lines; without either there is nobody who would type. */
async function linesOf(
  { machine, cwd }: ShellState,
  who: string,
  paths: readonly string[],
  input: string | undefined,
): Promise<Answer | { readonly lines: readonly string[] }> {
  if (paths.length === 0) {
    return input === undefined
      ? wrong(`${who}: standard input is the script here; name a file`)
      : { lines: cutLines(input) };
  }
  const lines: string[] = [];
  for (const path of paths) {
    const bytes = path === "-" ? input : await machine.kernel.read(absolute(cwd, path));
    if (isUnread(bytes)) return refused(`${who}: ${path}`, bytes.errno);
    lines.push(...cutLines(typeof bytes === "string" ? bytes : decoder.decode(bytes)));
  }
  return { lines };
}

function cutLines(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** @param flags letters that stand alone @param valued letters that a value follows, in the same word or the next */
function parse(who: string, args: readonly string[], flags: string, valued: string): Options | Answer {
  const found = new Set<string>();
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      rest.push(...args.slice(index + 1));
      break;
    }
    if (!/^-./.test(arg)) {
      rest.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] as string;
      if (valued.includes(letter)) {
        const value = arg.slice(at + 1) || args[++index];
        if (value === undefined) return wrong(`${who}: option requires an argument -- '${letter}'`);
        values.set(letter, value);
        break;
      }
      if (!flags.includes(letter)) return wrong(`${who}: invalid option -- '${letter}'`);
      found.add(letter);
    }
  }
  return { flags: found, values, rest };
}

/** `1,3-5,7-` */
function listOf(text: string): ((position: number) => boolean) | undefined {
  const ranges = text.split(",").map((part) => /^(\d*)(-?)(\d*)$/.exec(part));
  if (text === "" || ranges.some((range) => range === null || range[0] === "-")) return undefined;
  const limits = ranges.map((range) => {
    const [, from = "", dash = "", to = ""] = range ?? [];
    const least = Number(from || 1);
    return { least, most: dash === "" ? least : to === "" ? Number.POSITIVE_INFINITY : Number(to) };
  });
  return (position) => limits.some(({ least, most }) => position >= least && position <= most);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A basic regular expression as an extended one: what is special with a backslash there is so without one here (POSIX 9.3). */
function extended(basic: string): string {
  return basic.replace(
    /\\([+?{}()|])|\\.|[+?{}()|]/g,
    (all, special) => special ?? (all.length === 1 ? `\\${all}` : all),
  );
}
