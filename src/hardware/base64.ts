/** Bytes as text, as they stand in a saved state. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @throws RangeError where the text is not of `length` bytes: it belongs to another device */
export function fromBase64(text: string, length: number): Uint8Array {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (bytes.length !== length) throw new RangeError(`a saved state has ${bytes.length} bytes where ${length} belong`);
  return bytes;
}
