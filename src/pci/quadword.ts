/** A 64-bit register from its halves; null where one of them was not read. */
export function quadword(lower: number | null, upper: number | null): bigint | null {
  return lower === null || upper === null ? null : (BigInt(upper) << 32n) | BigInt(lower);
}
