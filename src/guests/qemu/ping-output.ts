const MS_PER_S = 1000;
/** Of `ping -D -O`: the time, in seconds since 1970, and what the packet of a number has come to. */
const ANSWER = /^\[(\d+\.\d+)\] \d+ bytes from .*\bicmp_seq=(\d+)\b/;
const UNANSWERED = /^\[\d+\.\d+\] (?:no answer yet for|From \S+) icmp_seq=(\d+)\b/;
const DUPLICATE = "(DUP!)";

/** What the lines of iputils' `ping -D -O` come to. */
export class PingTally {
  answered = 0;
  /** null before a second answer. */
  longestGapMs: number | null = null;
  /** By ping's clock; undefined before the first answer. */
  lastAnswerMs: number | undefined;
  #last = 0;
  readonly #unanswered = new Set<number>();

  /** Packets that were sent, and not answered in the time of one more. */
  get lost(): number {
    return this.#unanswered.size;
  }

  line(text: string): void {
    const unanswered = UNANSWERED.exec(text);
    if (unanswered) this.#unanswered.add(this.#number(unanswered[1]));
    const answer = ANSWER.exec(text);
    if (!answer) return;
    // A guest that two interfaces have packets for answers twice: traffic flows all the same.
    if (!text.includes(DUPLICATE)) {
      this.#unanswered.delete(this.#number(answer[2]));
      this.answered++;
    }
    const atMs = Number(answer[1]) * MS_PER_S;
    if (this.lastAnswerMs !== undefined) this.longestGapMs = Math.max(this.longestGapMs ?? 0, atMs - this.lastAnswerMs);
    this.lastAnswerMs = atMs;
  }

  /** A packet's number of 16 bits, which begins anew after an hour, as one that does not: the nearest to the last. */
  #number(text: string | undefined): number {
    const number = this.#last + (((Number(text) - this.#last) << 16) >> 16);
    this.#last = Math.max(this.#last, number);
    return number;
  }
}
