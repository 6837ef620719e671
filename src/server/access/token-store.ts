import { createHash, randomBytes } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { ROLE_SCHEMA, type Role } from "./role.ts";

/** Who asks. */
export interface TokenHolder {
  readonly name: string;
  readonly role: Role;
}

export interface TokenEntry extends TokenHolder {
  readonly createdAt: string;
}

interface TokenRow {
  readonly name: string;
  readonly role: string;
  readonly created_at: string;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const PREFIX = "vft_";
/** 256 bits: nobody guesses it, so that a fast hash without salt does. */
const TOKEN_BYTES = 32;
const FORMAT = /^vft_[A-Za-z0-9_-]{43}$/;

/** Whether a token can be called so: lower case letters, digits, `-` and `.` between them. */
export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/** Tokens by name. Kept are their hashes: a token is shown once, when it is made. */
export class TokenStore {
  readonly #database: DatabaseSync;
  /** Asked at each request: prepared once. */
  readonly #byHash: StatementSync;
  readonly #onRevoked = new Set<() => void>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#byHash = database.prepare("SELECT name, role FROM tokens WHERE hash = ?");
  }

  /** @returns the token @throws VfleetError VFL-0511 where there is one of that name */
  create(name: string, role: Role, now: Date): string {
    const token = `${PREFIX}${randomBytes(TOKEN_BYTES).toString("base64url")}`;
    const { changes } = this.#database
      .prepare("INSERT INTO tokens (name, role, hash, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING")
      .run(name, role, hashOf(token), now.toISOString());
    if (changes === 0) {
      throw new VfleetError("VFL-0511", { message: `there is a token ${name} already`, details: { name } });
    }
    return token;
  }

  /** @returns undefined where it is not one of the server's */
  holderOf(token: string): TokenHolder | undefined {
    if (!FORMAT.test(token)) return undefined;
    const row = this.#byHash.get(hashOf(token)) as Pick<TokenRow, "name" | "role"> | undefined;
    return row && { name: row.name, role: ROLE_SCHEMA.parse(row.role) };
  }

  list(): readonly TokenEntry[] {
    const rows = this.#database.prepare("SELECT name, role, created_at FROM tokens ORDER BY created_at, name").all();
    return rows.map((row) => entryOf(row as unknown as TokenRow));
  }

  /** @returns whether there was one */
  revoke(name: string): boolean {
    const wasThere = this.#database.prepare("DELETE FROM tokens WHERE name = ?").run(name).changes > 0;
    if (wasThere) for (const listener of this.#onRevoked) listener();
    return wasThere;
  }

  /** Of what this process revokes; a command may do so without the server. */
  onRevoked(listener: () => void): void {
    this.#onRevoked.add(listener);
  }
}

function entryOf({ name, role, created_at: createdAt }: TokenRow): TokenEntry {
  return { name, role: ROLE_SCHEMA.parse(role), createdAt };
}

function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
