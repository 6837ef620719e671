import type { DatabaseSync } from "node:sqlite";
import { ROLES, type Role, reaches } from "./role.ts";

/** A request that was to change something, and what was answered. */
export interface AuditEntry {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The token's name; null in entries of earlier versions, where there was none that is known. */
  readonly token: string | null;
  readonly role: Role | null;
  readonly remote: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the error that was answered. */
  readonly code: string | null;
  readonly requestId: string;
  /** The change that was asked for; null where it was none, or not known. */
  readonly change: AuditedChange | null;
}

/** What the path of a plan does not say. */
export interface AuditedChange {
  readonly host: string;
  /** As `apply`, `attach`. */
  readonly kind: string;
  /** Its number; null where none was begun. */
  readonly operation: number | null;
}

/** So many are kept of those who may change something, and of those who may not: these push out none of the others. */
const KEPT = { changers: 100_000, others: 10_000 };
const TRIM_EVERY = 1000;
const CHANGERS = ROLES.filter((role) => reaches(role, "operator"))
  .map((role) => `'${role}'`)
  .join(", ");

/** Who changed what, or tried to: kept before the answer is sent. */
export class AuditLog {
  readonly #database: DatabaseSync;
  readonly #kept: typeof KEPT;

  /** @param kept so many of each */
  constructor(database: DatabaseSync, kept = KEPT) {
    this.#database = database;
    this.#kept = kept;
  }

  add(entry: Omit<AuditEntry, "id">): void {
    const { at, token, role, remote, method, path, status, code, requestId, change } = entry;
    const { host = null, kind = null, operation = null } = change ?? {};
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO audit (at, token, role, remote, method, path, status, code, request_id, host, kind, operation)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(at, token, role, remote, method, path, status, code, requestId, host, kind, operation);
    if (Number(lastInsertRowid) % TRIM_EVERY !== 0) return;
    this.#trim(`role IN (${CHANGERS})`, this.#kept.changers);
    this.#trim(`role IS NULL OR role NOT IN (${CHANGERS})`, this.#kept.others);
  }

  #trim(whose: string, kept: number): void {
    this.#database
      .prepare(
        `DELETE FROM audit WHERE (${whose})
         AND id <= (SELECT id FROM audit WHERE ${whose} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(kept);
  }

  /** @param before only those with a lower id; the newest where left out */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): readonly AuditEntry[] {
    const rows = this.#database.prepare("SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?").all(before, limit);
    return rows.map(({ request_id: requestId, host, kind, operation, ...row }) => {
      const change = host === null ? null : { host, kind, operation };
      return { ...row, requestId, change } as unknown as AuditEntry;
    });
  }
}
