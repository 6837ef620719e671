/** So many reads of sysfs. */
export const READS_AT_ONCE = 64;

/**
 * Does work for each item, so many at once: where each is a process, a host may have hundreds of items; where each is read, what waits
 * for a lock waits for all of them together, and a modelled machine need not answer one before it is asked for the next.
 * @returns the results, in the order of the items
 */
export async function atOnce<T, U>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<U>,
): Promise<readonly U[]> {
  const results: U[] = [];
  for (let from = 0; from < items.length; from += limit) {
    results.push(...(await Promise.all(items.slice(from, from + limit).map(work))));
  }
  return results;
}
