interface Waiter<M> {
  readonly offer: (message: M) => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait for a message of a channel; each waits no longer than its time, or than the channel lives. */
export class Waiters<M> {
  readonly #waiters = new Set<Waiter<M>>();
  #ended: Error | undefined;

  /** @param take what the message is to the waiter; undefined where it is another's. */
  async wait<T>(take: (message: M) => T | undefined, timeoutMs: number, late: () => Error): Promise<T> {
    if (this.#ended) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter<M> = {
      offer: (message) => {
        const taken = take(message);
        if (taken !== undefined) resolve(taken);
      },
      reject,
    };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => reject(late()), timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  offer(message: M): void {
    for (const waiter of this.#waiters) waiter.offer(message);
  }

  /** No message will come any more. */
  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiters) reject(this.#ended);
  }
}
