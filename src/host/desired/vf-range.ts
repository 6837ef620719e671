/** VFs by vfIndex: `3`, `0-3`, `4-` (to the last), or several with commas. */
export interface VfRange {
  /** As it was written. */
  readonly text: string;
  readonly parts: ReadonlyArray<{ readonly from: number /** undefined: to the last. */; readonly to?: number }>;
}

/** No device has more VFs (16 bits of TotalVFs). */
const MOST_VFS = 0xffff;

/** @returns the range, or what is wrong with the text */
export function parseVfRange(text: string): VfRange | string {
  const parts: { from: number; to?: number }[] = [];
  for (const part of text.split(",")) {
    const [, first = "", dash, last] = /^\s*(\d{1,5})(-)?(\d{1,5})?\s*$/.exec(part) ?? [];
    if (first === "" || (dash === undefined && last !== undefined)) {
      return `VFs as 3, 0-3, "0-1,4" or 4- (to the last) were expected`;
    }
    const from = Number(first);
    const to = dash === undefined ? from : last === undefined ? undefined : Number(last);
    if (to !== undefined && to < from) return `${part.trim()} ends before it begins`;
    if (Math.max(from, to ?? 0) >= MOST_VFS) return `no device has a VF ${Math.max(from, to ?? 0)}`;
    parts.push({ from, ...(to === undefined ? {} : { to }) });
  }
  return { text, parts };
}

/**
 * The VFs of a range on a PF that has `numVfs`, in order, each once; those beyond are in `beyond`. All from 0 on may be none; of all from
 * another on there is that one at least.
 */
export function vfsOfRange({ parts }: VfRange, numVfs: number): { vfs: readonly number[]; beyond: readonly number[] } {
  const vfs = new Set<number>();
  const beyond = new Set<number>();
  for (const { from, to = Math.max(numVfs - 1, from === 0 ? -1 : from) } of parts) {
    for (let vf = from; vf <= to; vf++) (vf < numVfs ? vfs : beyond).add(vf);
  }
  const inOrder = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b);
  return { vfs: inOrder(vfs), beyond: inOrder(beyond) };
}

/** Whether it is one VF on every PF. */
export function isSingleVf({ parts }: VfRange): boolean {
  const [first] = parts;
  return first !== undefined && parts.every(({ from, to }) => from === first.from && to === first.from);
}

/** `0-3,5` of vfIndexes in order. */
export function formatVfs(vfs: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const vf of vfs) {
    const run = runs.at(-1);
    if (run && run[1] === vf - 1) run[1] = vf;
    else runs.push([vf, vf]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
