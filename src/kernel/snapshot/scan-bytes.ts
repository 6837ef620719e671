const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;

/** The value of a hexadecimal digit by its character code; -1 for every other character. */
const NIBBLE = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  NIBBLE[digit.toString(16).charCodeAt(0)] = digit;
  NIBBLE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}
/** What stands for a byte that was not read: `--`, `??`, `xx`. */
const UNREAD_BYTE = new Set([0x2d, 0x3f, 0x78, 0x58]);

/**
 * The fast path of a line just as lspci writes it: bytes separated by one blank each.
 * @returns how many bytes it put into `row`; behind each of them, but for the 16th, is a blank.
 */
export function wellFormedBytes(b: Uint8Array, from: number, row: Uint8Array): number {
  if (from + 47 > b.length) return 0;
  let p = from;
  for (let count = 0; count < 15; count++, p += 3) {
    const byte = ((NIBBLE[b[p] as number] as number) << 4) | (NIBBLE[b[p + 1] as number] as number);
    if (byte < 0 || b[p + 2] !== BLANK) return count;
    row[count] = byte;
  }
  const last = ((NIBBLE[b[p] as number] as number) << 4) | (NIBBLE[b[p + 1] as number] as number);
  if (last < 0 || !(isBlank(b[p + 2]) || isEnd(b[p + 2]))) return 15;
  row[15] = last;
  return 16;
}

/** True where two hexadecimal digits stand alone at `at`. */
export function isByte(b: Uint8Array, at: number): boolean {
  if (at + 1 >= b.length || !(isBlank(b[at + 2]) || isEnd(b[at + 2]))) return false;
  return (NIBBLE[b[at] as number] as number) >= 0 && (NIBBLE[b[at + 1] as number] as number) >= 0;
}

/** True where what stands for a byte that was not read is at `at`. */
export function isUnreadByte(b: Uint8Array, at: number): boolean {
  return UNREAD_BYTE.has(b[at] ?? 0) && b[at + 1] === b[at] && (isBlank(b[at + 2]) || isEnd(b[at + 2]));
}

/** A blank, a tab, or the carriage return before a line feed. */
export function isBlank(code: number | undefined): boolean {
  return code === BLANK || code === TAB || code === CR;
}

/** A line feed, or the end of the text. */
export function isEnd(code: number | undefined): boolean {
  return code === LF || code === undefined;
}

/** Where the line in which `at` is ends: at its line feed, or at the end of the text. */
export function lineEnd(b: Uint8Array, at: number): number {
  if (b[at] === LF) return at;
  const end = b.indexOf(LF, at);
  return end < 0 ? b.length : end;
}

/** Where the hexadecimal digits at `at` end; 9 are counted at the most, one more than any number here has. */
export function hexRun(b: Uint8Array, at: number): number {
  let end = at;
  while (end < at + 9 && end < b.length && (NIBBLE[b[end] as number] as number) >= 0) end++;
  return end;
}

/** The value of the hexadecimal digits from `from` to `end`. */
export function hexValue(b: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at++) value = value * 16 + (NIBBLE[b[at] as number] as number);
  return value;
}

const UTF8 = new TextDecoder("utf-8");

/** Text without control characters, which a terminal would obey. */
export function decode(b: Uint8Array, from: number, end: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return UTF8.decode(b.subarray(from, end)).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}

/** Without a byte order mark; from UTF-16 where one says so, as Windows PowerShell's `>` writes it. */
export function asUtf8(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3);
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return new TextEncoder().encode(new TextDecoder("utf-16le").decode(bytes));
  return bytes;
}

/** True where the bytes at `at` are those of `text`. */
export function startsWith(b: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (b[at + i] !== text[i]) return false;
  return true;
}
