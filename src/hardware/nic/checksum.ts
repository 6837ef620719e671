/**
 * The ones' complement sum of up to 64 KiB as big-endian words (RFC 1071), not folded; an odd last byte is padded with zero.
 */
export function sumWords(view: DataView, at: number, length: number): number {
  let sum = 0;
  const end = at + length;
  let position = at;
  for (; position + 4 <= end; position += 4) {
    const dword = view.getInt32(position);
    sum = (sum + (dword >>> 16) + (dword & 0xffff)) | 0;
  }
  sum >>>= 0;
  for (; position + 2 <= end; position += 2) sum += view.getUint16(position);
  if (position < end) sum += view.getUint8(position) << 8;
  return sum;
}

/** Folds a sum below 2^32 to 16 bits. */
export function foldSum(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff);
  const twice = (once >>> 16) + (once & 0xffff);
  return (twice >>> 16) + (twice & 0xffff);
}

/** The checksum of what sums up to `sum`. */
export function checksumOf(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
}

const CRC32 = crcTable(0xedb8_8320);
const CRC32C = crcTable(0x82f6_3b78);

function crc(table: Uint32Array, bytes: Uint8Array, at: number, length: number): number {
  let value = 0xffff_ffff;
  for (let i = at; i < at + length; i++)
    value = (table[(value ^ (bytes[i] as number)) & 0xff] as number) ^ (value >>> 8);
  return ~value >>> 0;
}

/** The frame check sequence of Ethernet (IEEE 802.3 §3.2.9), to be stored little-endian. */
export function frameCheckSequence(bytes: Uint8Array, at: number, length: number): number {
  return crc(CRC32, bytes, at, length);
}

/** The checksum of SCTP (RFC 9260 appendix A), to be stored little-endian. */
export function crc32c(bytes: Uint8Array, at: number, length: number): number {
  return crc(CRC32C, bytes, at, length);
}
