import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../open-database.ts";
import { AuditLog } from "./audit-log.ts";
import type { Role } from "./role.ts";

test("those who may not change anything push out none of those who may", () => {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-audit-"));
  const database = openDatabase(folder);
  try {
    // Nothing of it is to survive.
    database.exec("PRAGMA synchronous=OFF");
    const audit = new AuditLog(database, { changers: 500, others: 10 });
    const add = (role: Role, status: number) =>
      audit.add({
        ...{ at: new Date().toISOString(), token: role, role, remote: "::1", method: "POST", path: "/", status },
        ...{ code: null, requestId: "r", change: { host: "lab", kind: "apply", operation: status } },
      });
    for (let number = 1; number <= 450; number++) add(number % 2 === 0 ? "operator" : "admin", number);
    for (let number = 1; number <= 2550; number++) add("viewer", number);
    const kept = audit.list(5000);
    const of = (role: Role) => kept.filter((entry) => entry.role === role).map(({ status }) => status);
    assert.deepEqual([of("operator").length, of("admin").length], [225, 225]);
    assert.deepEqual(
      of("viewer"),
      Array.from({ length: 10 }, (_, index) => 2550 - index),
    );
    assert.deepEqual(kept.at(-1)?.change, { host: "lab", kind: "apply", operation: 1 });
    for (let number = 1; number <= 1000; number++) add("operator", 1000 + number);
    assert.deepEqual([audit.list(1)[0]?.status, audit.list(5000).length], [2000, 510]);
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
});
