const LONG = 6;

/** The word of `words` that was likely meant: letter case aside, one slip away, two where it is long. */
export function nearMiss(word: string, words: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const ranked = words
    .map((each) => ({ each, distance: editDistance(wanted, each.toLowerCase()) }))
    // All of a short word changed is another word.
    .filter(({ each, distance }) => distance <= Math.min(each.length < LONG ? 1 : 2, each.length - 1))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.each;
}

/** How many letters were typed wrong, left out, added or swapped (optimal string alignment). */
function editDistance(a: string, b: string): number {
  // A word that long is nobody's slip.
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((row[j - 1] ?? 0) + (same ? 0 : 1), (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
