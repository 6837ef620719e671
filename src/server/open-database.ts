import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makePrivateFolder } from "../state/private-folder.ts";

const BUSY_MS = 5000;
const FILE = "server.sqlite";

/** Each brings the database from the version of its place to the next one. What has been released is not changed any more. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE tokens (
     name TEXT PRIMARY KEY,
     role TEXT NOT NULL,
     hash BLOB NOT NULL UNIQUE,
     created_at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY,
     at TEXT NOT NULL,
     token TEXT,
     role TEXT,
     remote TEXT NOT NULL,
     method TEXT NOT NULL,
     path TEXT NOT NULL,
     status INTEGER NOT NULL,
     code TEXT,
     request_id TEXT NOT NULL
   ) STRICT;`,
  `ALTER TABLE audit ADD COLUMN host TEXT;
   ALTER TABLE audit ADD COLUMN kind TEXT;
   ALTER TABLE audit ADD COLUMN operation INTEGER;`,
];

/**
 * The server's own data in `folder`: tokens, and who changed what. Hosts' desired state and operations are not here, but where
 * commands without a server have them.
 */
export function openDatabase(folder: string): DatabaseSync {
  makePrivateFolder(folder);
  // Another process may be at it: already the first statement waits for it.
  const database = new DatabaseSync(join(folder, FILE), { timeout: BUSY_MS });
  // What was acknowledged survives a power loss.
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
  migrate(database);
  return database;
}

function migrate(database: DatabaseSync): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version=${index + 1}; COMMIT;`);
  }
}
