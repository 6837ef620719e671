import { VfleetError } from "../../errors/vfleet-error.ts";
import { type Bdf, formatBdf, routingId } from "../../pci/bdf.ts";
import type { ConfigSpace } from "../../pci/config-space.ts";
import { ByteCollector } from "./byte-collector.ts";
import { type DumpNotes, isNoteLine, mergeNotes, NoteReader } from "./lspci-notes.ts";
import {
  asUtf8,
  decode,
  hexRun,
  hexValue,
  isBlank,
  isByte,
  isEnd,
  isUnreadByte,
  lineEnd,
  startsWith,
  wellFormedBytes,
} from "./scan-bytes.ts";

/** What an `lspci -x`, `-xxx` or `-xxxx` text says. */
export interface LspciDump {
  /** Where the text came from, for messages. */
  readonly label: string;
  /** In the order of the text. A function that is dumped twice is here twice. */
  readonly functions: readonly DumpedFunction[];
  /** Damage and oddities in the order of the text; the first {@link MAX_PROBLEMS} of them. */
  readonly problems: readonly DumpProblem[];
  /** How many there were. */
  readonly problemCount: number;
}

export interface DumpedFunction {
  readonly bdf: Bdf;
  /** What the dump holds, and which bytes that are. Never empty. */
  readonly config: ConfigSpace;
  /** From 1: where its address stands. */
  readonly line: number;
  /** The words behind the address, as lspci wrote them. */
  readonly title: string;
  readonly notes: DumpNotes;
  /** An earlier function in the text has the same address. */
  readonly duplicate: boolean;
}

/** Something in the text that is not as lspci writes it. */
interface DumpProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  /** The function in whose dump it is. */
  readonly bdf: Bdf | undefined;
  readonly message: string;
}

export const MAX_PROBLEMS = 1000;
/** More functions than any host has: a domain has 65,536 addresses. */
const MAX_TITLES = 1_000_000;
const MAX_DUMP_BYTES = 256 * 1024 * 1024;
const MAX_TITLE_BYTES = 512;

const DOT = 0x2e;
const COLON = 0x3a;
const CAPITAL_S = 0x53;
/** Before the address with `-vmm`. */
const SLOT = new TextEncoder().encode("Slot:");

/**
 * Reads the hexadecimal dumps out of what lspci wrote, with `-v`, `-nn`, `-k`, `-D` and the like or without, and with
 * any other text around. Linear in the size of the text. A damaged line costs what follows the damage in that line;
 * it is told in `problems`, and nothing is put in its place.
 * @param bytes UTF-8 (or UTF-16 with its mark), 256 MiB at the most.
 * @param label where the text came from, for messages.
 * @throws VfleetError VFL-0006 where no function with a dump is found, VFL-0007 where the only ones are damaged,
 * VFL-0005 where it is too large.
 */
export function parseLspciDump(bytes: Uint8Array, label: string): LspciDump {
  if (bytes.length > MAX_DUMP_BYTES) {
    throw new VfleetError("VFL-0005", {
      message: `${label} has ${bytes.length} bytes; an lspci dump may have ${MAX_DUMP_BYTES} at the most`,
      remedy: "give the output of lspci alone",
    });
  }
  return new DumpScanner(asUtf8(bytes), label).scan();
}

/** A function whose address was read and whose end was not. */
interface OpenFunction {
  readonly bdf: Bdf;
  readonly line: number;
  readonly title: string;
  readonly reader: NoteReader;
}

/** One pass over a text. Fields hold what one line leaves to the next. */
class DumpScanner {
  readonly #b: Uint8Array;
  readonly #label: string;
  readonly #functions: DumpedFunction[] = [];
  readonly #problems: DumpProblem[] = [];
  #problemCount = 0;
  /** Addresses without a dump so far, by BDF: their notes, and where the first of them stands. */
  readonly #bare = new Map<Bdf, OpenFunction>();
  readonly #dumped = new Set<Bdf>();
  #titles = 0;
  #open: OpenFunction | undefined;
  readonly #collector = new ByteCollector();
  readonly #row = new Uint8Array(16);
  /** A line other than hexadecimal came after hexadecimal ones. */
  #interrupted = false;
  #orphanTold = false;
  #line = 0;
  #lineStart = 0;

  constructor(b: Uint8Array, label: string) {
    this.#b = b;
    this.#label = label;
  }

  scan(): LspciDump {
    const b = this.#b;
    for (let at = 0; at < b.length; at++) {
      this.#line++;
      this.#lineStart = at;
      while (isBlank(b[at])) at++;
      const first = b[at];
      let p = hexRun(b, at);
      if (p - at >= 2 && p - at <= 8 && b[p] === COLON) {
        if (isBlank(b[p + 1]) || isEnd(b[p + 1])) {
          at = this.#hexLine(at, p);
          continue;
        }
        if (!this.#title(at, p)) this.#interrupt();
      } else if (first === CAPITAL_S && startsWith(b, at, SLOT)) {
        p = at + SLOT.length;
        while (isBlank(b[p])) p++;
        if (!this.#title(p, hexRun(b, p))) this.#interrupt();
      } else if (first !== undefined && isNoteLine(b, at)) {
        this.#note(at);
      } else {
        this.#interrupt();
      }
      at = lineEnd(b, p);
    }
    this.#close();
    return this.#result();
  }

  /**
   * Opens a function where `[dddd:]bb:dd.f` stands at `at`; `colon` is where the first digits end.
   * @returns false where no such thing stands there.
   */
  #title(at: number, colon: number): boolean {
    const b = this.#b;
    const first = colon - at;
    const second = hexRun(b, colon + 1);
    let domain = 0;
    let dot = second;
    let device = colon + 1;
    let bus = at;
    if (b[second] === COLON && second - colon === 3 && first >= 4) {
      domain = hexValue(b, at, colon);
      bus = colon + 1;
      device = second + 1;
      dot = hexRun(b, device);
    } else if (first !== 2 || b[colon] !== COLON) {
      return false;
    }
    const fn = (b[dot + 1] ?? 0) - 0x30;
    const after = dot + 2;
    if (b[dot] !== DOT || dot - device !== 2 || fn < 0 || fn > 7 || !(isBlank(b[after]) || isEnd(b[after])))
      return false;
    this.#close();
    const deviceNumber = hexValue(b, device, dot);
    if (deviceNumber > 0x1f) {
      this.#problem(device, `a device number is 1f at the most, not ${deviceNumber.toString(16)}`);
      return true;
    }
    if (++this.#titles > MAX_TITLES) {
      throw new VfleetError("VFL-0005", {
        message: `${this.#label}:${this.#line} more than ${MAX_TITLES} functions`,
        remedy: "give the output of lspci of one host",
      });
    }
    const bdf = formatBdf(domain, routingId(hexValue(b, bus, bus + 2), deviceNumber, fn));
    const title = decode(b, after, Math.min(lineEnd(b, after), after + MAX_TITLE_BYTES)).trim();
    this.#open = { bdf, line: this.#line, title, reader: new NoteReader() };
    this.#interrupted = false;
    this.#orphanTold = false;
    return true;
  }

  /** Reads `offset: bytes`. @returns where the line ends. */
  #hexLine(at: number, colon: number): number {
    const b = this.#b;
    let p = colon + 1;
    while (isBlank(b[p])) p++;
    if (!isByte(b, p) && !isUnreadByte(b, p)) {
      // Words that happen to be made of the letters a to f, unless the offset is one that lspci writes.
      const offset = hexValue(b, at, colon);
      if (this.#open && offset % 16 === 0 && offset < 4096 && !isEnd(b[p])) this.#problem(p, expected(b, p));
      else this.#interrupt();
      return lineEnd(b, p);
    }
    let offset = hexValue(b, at, colon);
    if (this.#open === undefined || (this.#interrupted && offset !== this.#collector.end)) {
      this.#orphan(at);
      return lineEnd(b, p);
    }
    const row = this.#row;
    let count = offset <= 4080 ? wellFormedBytes(b, p, row) : 0;
    p += count === 16 ? 47 : count * 3;
    while (isBlank(b[p])) p++;
    for (let left = 16 - count; left > 0 && !isEnd(b[p]); left--) {
      if (offset + count > 4095) {
        this.#problem(p, "configuration space ends at fff");
        p = lineEnd(b, p);
        break;
      }
      if (isUnreadByte(b, p)) {
        if (!this.#add(at, offset, count)) return lineEnd(b, p);
        offset += count + 1;
        count = 0;
      } else if (isByte(b, p)) {
        row[count++] = hexValue(b, p, p + 2);
      } else {
        this.#problem(p, expected(b, p));
        p = lineEnd(b, p);
        break;
      }
      p += 2;
      while (isBlank(b[p])) p++;
    }
    if (this.#add(at, offset, count) && !isEnd(b[p])) this.#problem(p, "a line has 16 bytes at the most");
    return lineEnd(b, p);
  }

  /** @returns false where another function's dump must have begun, unmarked. */
  #add(at: number, offset: number, count: number): boolean {
    if (this.#collector.add(offset, this.#row, count)) {
      this.#interrupted = false;
      return true;
    }
    this.#problem(
      at,
      `offset ${offset.toString(16)} comes again with other bytes; an address line seems to be missing`,
    );
    this.#close();
    this.#orphanTold = true;
    return false;
  }

  #orphan(at: number): void {
    this.#close();
    if (!this.#orphanTold) this.#problem(at, "a hex dump without the address of its function above it");
    this.#orphanTold = true;
  }

  #interrupt(): void {
    if (this.#collector.end > 0) this.#interrupted = true;
    else if (!this.#open) this.#orphanTold = false;
  }

  #note(at: number): void {
    // lspci writes its words before the hexadecimal lines; words behind them belong to something else.
    if (this.#open && this.#collector.end === 0) {
      const end = Math.min(lineEnd(this.#b, at), at + MAX_TITLE_BYTES);
      this.#open.reader.read(decode(this.#b, at, end));
    } else {
      this.#interrupt();
    }
  }

  #close(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const config = this.#collector.take();
    this.#interrupted = false;
    if (config === undefined) {
      const bare = this.#bare.get(open.bdf);
      if (bare) mergeNotes(bare.reader.notes, open.reader.notes);
      else this.#bare.set(open.bdf, open);
      return;
    }
    const duplicate = this.#dumped.has(open.bdf);
    this.#dumped.add(open.bdf);
    const { bdf, line, title, reader } = open;
    this.#functions.push({ bdf, config, line, title, notes: reader.notes, duplicate });
    if (duplicate) this.#record(line, 1, bdf, "this function was dumped before; the first dump counts");
  }

  #problem(at: number, message: string): void {
    this.#record(this.#line, at - this.#lineStart + 1, this.#open?.bdf, message);
  }

  #record(line: number, column: number, bdf: Bdf | undefined, message: string): void {
    this.#problemCount++;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ line, column, bdf, message });
  }

  #result(): LspciDump {
    // A listing beside the dump, as of `lspci -v` and then `lspci -xxxx`, says the same function's words.
    for (const found of this.#functions) {
      const bare = this.#bare.get(found.bdf);
      if (bare) mergeNotes(found.notes, bare.reader.notes);
    }
    if (this.#functions.length === 0) throw nothingFound(this.#b, this.#label, this.#bare.size, this.#problems[0]);
    for (const bare of this.#bare.values()) {
      if (!this.#dumped.has(bare.bdf)) this.#record(bare.line, 1, bare.bdf, "no hex dump follows");
    }
    this.#problems.sort((a, b) => a.line - b.line || a.column - b.column);
    return {
      label: this.#label,
      functions: this.#functions,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }
}

function nothingFound(b: Uint8Array, label: string, bare: number, damage: DumpProblem | undefined): VfleetError {
  if (damage) {
    const { line, column, message } = damage;
    return new VfleetError("VFL-0007", { message: `${label}:${line}:${column} ${message}`, details: { line, column } });
  }
  let message = `${label} is not output of lspci`;
  if (b.length === 0) message = `${label} is empty`;
  else if (b.includes(0)) message = `${label} is binary, not output of lspci`;
  else if (bare > 0) message = `${label} names ${bare === 1 ? "a function" : `${bare} functions`} without a hex dump`;
  return new VfleetError("VFL-0006", { message });
}

function expected(b: Uint8Array, at: number): string {
  let end = at;
  while (end < at + 12 && !isBlank(b[end]) && !isEnd(b[end])) end++;
  return `expected two hexadecimal digits and a blank, found ${JSON.stringify(decode(b, at, end))}`;
}
