/** DER (X.690), as much of it as a certificate needs to be written. */
const TAG = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, utf8: 0x0c, time: 0x18 };
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
const LONG_LENGTH = 0x80;

/** A value with its tag and its length. */
function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  const length: number[] = [];
  for (let left = bytes.length; left > 0; left >>>= 8) length.unshift(left & 0xff);
  const head = bytes.length < LONG_LENGTH ? [bytes.length] : [LONG_LENGTH + length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), bytes]);
}

export const der = {
  sequence: (...items: readonly Uint8Array[]) => tagged(SEQUENCE, ...items),
  set: (...items: readonly Uint8Array[]) => tagged(SET, ...items),
  /** A field with a number instead of a type, around other values. */
  explicit: (number: number, ...items: readonly Uint8Array[]) => tagged(CONTEXT + CONSTRUCTED + number, ...items),
  /** One in whose place the number's type stands. */
  implicit: (number: number, bytes: Uint8Array) => tagged(CONTEXT + number, bytes),
  isTrue: () => tagged(TAG.boolean, Buffer.from([0xff])),
  /** One that is not negative; bytes with the highest first. */
  integer(bytes: Uint8Array): Buffer {
    const first = bytes.findIndex((byte) => byte !== 0);
    const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
    const isNegative = ((shortest[0] ?? 0) & 0x80) !== 0;
    return tagged(TAG.integer, ...(isNegative ? [Buffer.from([0])] : []), shortest);
  },
  octets: (...content: readonly Uint8Array[]) => tagged(TAG.octetString, ...content),
  /** Without unused bits, where they are whole bytes. */
  bits: (bytes: Uint8Array, unusedBits = 0) => tagged(TAG.bitString, Buffer.from([unusedBits]), bytes),
  text: (text: string) => tagged(TAG.utf8, Buffer.from(text)),
  /** GeneralizedTime, to the second. */
  time: (date: Date) => tagged(TAG.time, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+Z$/g, "")}Z`)),
  oid(text: string): Buffer {
    const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
    const bytes = [first * 40 + second, ...rest].flatMap((number) => {
      const groups = [number & 0x7f];
      for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
      return groups;
    });
    return tagged(TAG.oid, Buffer.from(bytes));
  },
};
