import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, it } from "node:test";
import { takeProcessLock } from "../process-lock/process-lock.ts";
import { AuditLog } from "./access/audit-log.ts";
import { listenAddress } from "./listen-address.ts";
import { openDatabase } from "./open-database.ts";
import { serve } from "./serve.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-database-"));
after(() => rmSync(folder, { recursive: true }));

const HOLDER = `
const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(process.argv[1]);
database.exec("CREATE TABLE t (a); BEGIN EXCLUSIVE;");
process.stdout.write("held");
setTimeout(() => database.exec("COMMIT"), 500);`;

it("a database that another process has locked is waited for, from the first statement on", async () => {
  const file = join(folder, "server.sqlite");
  const holder = spawn(process.execPath, ["--no-warnings", "-e", HOLDER, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(holder, "close");
  await once(holder.stdout, "data");
  openDatabase(folder).close();
  assert.deepEqual(await ended, [0, null]);
});

it("entries of the audit log from before changes were told of are read as they are", () => {
  const old = join(folder, "old");
  openDatabase(old).close();
  const database = new DatabaseSync(join(old, "server.sqlite"));
  for (const column of ["host", "kind", "operation"]) database.exec(`ALTER TABLE audit DROP COLUMN ${column}`);
  database.exec(`INSERT INTO audit VALUES (7, 't', NULL, NULL, '::1', 'POST', '/', 401, 'VFL-0502', 'r');
    PRAGMA user_version=1`);
  database.close();
  const brought = openDatabase(old);
  const [entry] = new AuditLog(brought).list(1);
  assert.deepEqual([entry?.id, entry?.token, entry?.change], [7, null, null]);
  brought.close();
});

it("a server whose database cannot be opened leaves the state folder to the next one", async () => {
  const state = join(folder, "broken");
  mkdirSync(join(state, "server.sqlite"), { recursive: true, mode: 0o700 });
  const options = {
    hosts: [],
    listen: listenAddress("127.0.0.1:0", false),
    state,
    names: () => "",
    version: "0.0.0",
    logLevel: "silent",
    intervalMs: 1000,
  };
  await assert.rejects(serve(options), /unable to open/);
  const lock = takeProcessLock(join(state, "server.lock"));
  assert.ok(lock);
  lock.release();
});
