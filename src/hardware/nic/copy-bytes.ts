/** Up to here, copying dwords is quicker than a view of the source, which `set` needs. */
const VIEW_PAYS_FROM = 192;

/** Copies bytes from one memory to another, without allocating where they are few. */
export function copyBytes(
  source: Uint8Array,
  sourceView: DataView,
  sourceAt: number,
  target: Uint8Array,
  targetView: DataView,
  targetAt: number,
  length: number,
): void {
  if (length >= VIEW_PAYS_FROM) {
    target.set(source.subarray(sourceAt, sourceAt + length), targetAt);
    return;
  }
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    targetView.setUint32(targetAt + at, sourceView.getUint32(sourceAt + at, true), true);
  }
  for (; at < length; at++) target[targetAt + at] = source[sourceAt + at] as number;
}
