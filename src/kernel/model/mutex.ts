/** A lock that is given in the order in which it was asked for (`struct mutex`). */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #held = 0;

  get held(): boolean {
    return this.#held > 0;
  }

  /** Runs `action` while nobody else has the lock. It is not recursive. */
  async run<T>(action: () => T | Promise<T>): Promise<T> {
    this.#held++;
    const before = this.#last;
    const mine = (async () => {
      await before;
      return action();
    })();
    this.#last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#held--;
    }
  }
}
