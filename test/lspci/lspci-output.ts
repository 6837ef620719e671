/** One function as `lspci -D -n -vvv` shows it. */
export interface LspciFunction {
  /** With its domain. */
  readonly bdf: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** 24 bits; lspci leaves out a programming interface of 0 that has no name. */
  readonly classCode: number;
  readonly revisionId: number;
  /** What stands before the capabilities: a line with those that are indented below it, joined by blanks. */
  readonly header: readonly string[];
  readonly capabilities: readonly LspciCapability[];
  /** What ended a list before its time. */
  readonly marks: readonly string[];
}

export interface LspciCapability {
  readonly offset: number;
  /** Extended capabilities only. */
  readonly version: number | undefined;
  /** What follows the offset. */
  readonly title: string;
  /** The capability's lines, each with those that are indented below it. */
  readonly lines: readonly string[];
}

type Building<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

const HEADLINE =
  /^([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ([0-9a-f]{4}): ([0-9a-f]{4}):([0-9a-f]{4})(?: \(rev ([0-9a-f]{2})\))?(?: \(prog-if ([0-9a-f]{2})(?: \[[^\]]*\])?\))?$/;
const CAPABILITY = /^\tCapabilities: (?:\[([0-9a-f]+)(?: v(\d+))?\] )?(.*)$/;
/** Written in place of a capability. */
const MARKS = ["<chain looped>", "<chain broken>", "<access denied>"];

/** Reads what `lspci -D -n -vvv` of pciutils 3.9 to 3.13 prints. Throws on a line that has no place. */
export function parseLspciOutput(text: string): LspciFunction[] {
  const functions: LspciFunction[] = [];
  let fn: Building<LspciFunction> | undefined;
  let capability: Building<LspciCapability> | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const indent = /^\t*/.exec(line)?.[0].length ?? 0;
    const words = line.trim();
    if (indent === 0) {
      fn = headline(line);
      functions.push(fn as LspciFunction);
      capability = undefined;
    } else if (!fn) {
      throw new Error(`lspci: a line before the first function: ${line}`);
    } else if (line.startsWith("\tCapabilities: ")) {
      capability = capabilityOf(line, fn.marks);
      if (capability) fn.capabilities.push(capability as LspciCapability);
    } else if (indent === 1) {
      if (capability) throw new Error(`lspci: a line of the header after capabilities: ${line}`);
      fn.header.push(words);
    } else {
      append(capability ? capability.lines : fn.header, words, capability !== undefined && indent === 2);
    }
  }
  return functions;
}

function headline(line: string): Building<LspciFunction> {
  const match = HEADLINE.exec(line);
  if (!match) throw new Error(`lspci: not a headline: ${line}`);
  const [, bdf = "", base = "", vendor = "", device = "", revision = "0", programming = "0"] = match;
  const hex = (digits: string) => Number.parseInt(digits, 16);
  return {
    bdf,
    vendorId: hex(vendor),
    deviceId: hex(device),
    classCode: hex(base) * 256 + hex(programming),
    revisionId: hex(revision),
    header: [],
    capabilities: [],
    marks: [],
  };
}

function capabilityOf(line: string, marks: string[]): Building<LspciCapability> | undefined {
  const [, offset, version, title = ""] = CAPABILITY.exec(line) ?? [];
  if (MARKS.includes(title)) {
    marks.push(title);
    return undefined;
  }
  if (offset === undefined) throw new Error(`lspci: a capability without an offset: ${line}`);
  const extended = version === undefined ? undefined : Number(version);
  return { offset: Number.parseInt(offset, 16), version: extended, title, lines: [] };
}

/** A deeper line belongs to the one above it. */
function append(lines: string[], words: string, fresh: boolean): void {
  const last = lines.length - 1;
  if (fresh || last < 0) lines.push(words);
  else lines[last] += ` ${words}`;
}
