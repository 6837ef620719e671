/** Octets of a frame on the wire, its check sequence included. */
export const SHORTEST_FRAME = 64;
export const LONGEST_FRAME = 1518;
const FCS_BYTES = 4;
/** For tests of protocols (IEEE 802 local experimental 1). */
const ETHER_TYPE = 0x88b5;
const ETHER_TYPE_AT = 12;
const ID_AT = 14;

/** Whether it is a whole number within bounds, as what is asked for of traffic has to be. */
export function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** A frame of a flow, which can be told from others where it arrives. */
export function flowFrame(id: number, bytes: number, to: Uint8Array, from: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes - FCS_BYTES);
  frame.set(to, 0);
  frame.set(from, to.length);
  const view = new DataView(frame.buffer);
  view.setUint16(ETHER_TYPE_AT, ETHER_TYPE);
  view.setUint32(ID_AT, id);
  return frame;
}

/** The flow that a frame belongs to; undefined of others. */
export function flowOfFrame(bytes: Uint8Array, at: number, length: number): number | undefined {
  if (length < ID_AT + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  return view.getUint16(ETHER_TYPE_AT) === ETHER_TYPE ? view.getUint32(ID_AT) : undefined;
}
