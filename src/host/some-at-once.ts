const AT_ONCE = 64;

/**
 * Asks about many, 64 at a time: what waits for a lock waits for all of them together, a modelled machine need not answer one
 * before it is asked for the next, and what was read is not all held at once.
 * @returns the answers, in the order of the items
 */
export async function someAtOnce<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE) {
    answers.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(ask))));
  }
  return answers;
}
