/** Held until it is released or its process ends, however that ends. It lasts as long as this object. */
export interface ProcessLock {
  readonly isHeld: boolean;
  release(): void;
}

/** SQLITE_BUSY and SQLITE_LOCKED, by their low byte. */
const TAKEN: readonly unknown[] = [5, 6];

/**
 * Takes the lock that a file stands for, between processes and within one. It is SQLite's, which the kernel takes from a
 * process that dies, as it would no file of our own.
 * @returns undefined where it is taken
 */
export function takeProcessLock(file: string): ProcessLock | undefined {
  // Loaded by the first lock: most commands take none, and the CNI plugin is to start fast.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE;");
  } catch (error) {
    database.close();
    const { errcode } = error as { errcode?: number };
    if (errcode !== undefined && TAKEN.includes(errcode & 0xff)) return undefined;
    throw error;
  }
  return {
    get isHeld() {
      return database.isOpen;
    },
    release() {
      if (database.isOpen) database.close();
    },
  };
}
