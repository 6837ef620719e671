import type { DatabaseSync } from "node:sqlite";
import type { Role } from "./role.ts";

/** A request that was to change something, and what was answered. */
export interface AuditEntry {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The token's name; null where there was none that is known. */
  readonly token: string | null;
  readonly role: Role | null;
  readonly remote: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the error that was answered. */
  readonly code: string | null;
  readonly requestId: string;
}

/** So many are kept. */
const KEPT = 100_000;
const TRIM_EVERY = 1000;

/** Who changed what, or tried to: kept before the answer is sent. */
export class AuditLog {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(entry: Omit<AuditEntry, "id">): void {
    const { at, token, role, remote, method, path, status, code, requestId } = entry;
    const { lastInsertRowid } = this.#database
      .prepare(
        "INSERT INTO audit (at, token, role, remote, method, path, status, code, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(at, token, role, remote, method, path, status, code, requestId);
    const id = Number(lastInsertRowid);
    if (id % TRIM_EVERY === 0) this.#database.prepare("DELETE FROM audit WHERE id <= ?").run(id - KEPT);
  }

  /** @param before only those with a lower id; the newest where left out */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): readonly AuditEntry[] {
    const rows = this.#database.prepare("SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?").all(before, limit);
    return rows.map(({ request_id: requestId, ...row }) => ({ ...row, requestId }) as unknown as AuditEntry);
  }
}
