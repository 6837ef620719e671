import { ETH_FCS_LEN, type FrameHeader } from "./frame-header.ts";
import { DWORD, VF_DWORDS } from "./registers-82576.ts";

/** Counts one more in a counter that software clears by reading it: it stays at its highest value. */
export function count(values: Uint32Array, dword: number): void {
  const value = values[dword] as number;
  if (value !== 0xffff_ffff) values[dword] = value + 1;
}

function addOctets(values: Uint32Array, lowDword: number, octets: number): void {
  const sum = (values[lowDword] as number) + octets;
  values[lowDword] = sum;
  if (sum > 0xffff_ffff) values[lowDword + 1] = (values[lowDword + 1] as number) + 1;
}

/** The counter of a frame's size, of six: 64, up to 127, 255, 511, 1023, more. Shorter ones have none. */
function sizeClass(octets: number): number {
  if (octets <= 64) return 0;
  return octets > 1023 ? 5 : Math.max(1, 26 - Math.clz32(octets));
}

/** A frame came in from the network; only one that a filter lets in counts as a good one. */
export function countWireReceive(values: Uint32Array, header: FrameHeader, length: number, passed: boolean): void {
  const octets = length + ETH_FCS_LEN;
  count(values, DWORD.TPR);
  addOctets(values, DWORD.TORL, octets);
  if (!passed) return;
  count(values, DWORD.GPRC);
  addOctets(values, DWORD.GORCL, octets);
  count(values, DWORD.PRC64 + sizeClass(octets));
  if (header.broadcast) count(values, DWORD.BPRC);
  else if (header.multicast) count(values, DWORD.MPRC);
}

/** A frame went out to the network. */
export function countWireTransmit(values: Uint32Array, header: FrameHeader, length: number): void {
  const octets = length + ETH_FCS_LEN;
  count(values, DWORD.TPT);
  addOctets(values, DWORD.TOTL, octets);
  count(values, DWORD.GPTC);
  addOctets(values, DWORD.GOTCL, octets);
  count(values, DWORD.PTC64 + sizeClass(octets));
  if (header.broadcast) count(values, DWORD.BPTC);
  else if (header.multicast) count(values, DWORD.MPTC);
}

/** A pool sent a frame; the counters of VFs include what stays in the card, and wrap (igbvf's UPDATE_VF_COUNTER). */
export function countPoolTransmit(values: Uint32Array, pool: number, length: number, loopback: boolean): void {
  const octets = length + ETH_FCS_LEN;
  count(values, DWORD.HGPTC);
  addOctets(values, DWORD.HGOTCL, octets);
  const vf = pool * VF_DWORDS;
  values[DWORD.PVFGPTC + vf] = (values[DWORD.PVFGPTC + vf] as number) + 1;
  values[DWORD.PVFGOTC + vf] = (values[DWORD.PVFGOTC + vf] as number) + octets;
  if (!loopback) return;
  values[DWORD.PVFGPTLBC + vf] = (values[DWORD.PVFGPTLBC + vf] as number) + 1;
  values[DWORD.PVFGOTLBC + vf] = (values[DWORD.PVFGOTLBC + vf] as number) + octets;
}

/** A pool got a frame. */
export function countPoolReceive(
  values: Uint32Array,
  pool: number,
  header: FrameHeader,
  length: number,
  loopback: boolean,
): void {
  const octets = length + ETH_FCS_LEN;
  count(values, DWORD.RPTHC);
  addOctets(values, DWORD.HGORCL, octets);
  const vf = pool * VF_DWORDS;
  values[DWORD.PVFGPRC + vf] = (values[DWORD.PVFGPRC + vf] as number) + 1;
  values[DWORD.PVFGORC + vf] = (values[DWORD.PVFGORC + vf] as number) + octets;
  if (header.multicast && !header.broadcast) values[DWORD.PVFMPRC + vf] = (values[DWORD.PVFMPRC + vf] as number) + 1;
  if (!loopback) return;
  values[DWORD.PVFGPRLBC + vf] = (values[DWORD.PVFGPRLBC + vf] as number) + 1;
  values[DWORD.PVFGORLBC + vf] = (values[DWORD.PVFGORLBC + vf] as number) + octets;
}
