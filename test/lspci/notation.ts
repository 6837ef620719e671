import type { Section } from "./token.ts";

/** How lspci prints one capability. */
export interface Notation {
  readonly id: number;
  /** What stands behind the offset. Its `start` tells the capabilities apart. */
  readonly title: Section;
  /** The lines below; the first whose `start` fits is taken. */
  readonly sections?: readonly Section[];
}

/** A capability of which lspci prints its name alone; `<?>` is its way to say that it does not decode it. */
export function named(id: number, start: RegExp, sections: readonly Section[] = []): Notation {
  return { id, title: { start, tokens: [{ pattern: /<\?>/, expected: () => [] }] }, sections };
}
