/** What one error code means. `docs/errors.md` holds the same, word for word; a test compares them. */
export interface CatalogueEntry {
  readonly title: string;
  /** Why it happens and what it means to the user, in a sentence or two. */
  readonly explanation: string;
  /** What to do, where the error itself knows nothing more exact. */
  readonly remedy: string;
  /** Of the process that ends by it: 1 failed, 2 bad usage or bad input, 3 refused. */
  readonly exitCode: 1 | 2 | 3;
}
