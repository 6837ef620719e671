import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { ObjectCache } from "../../fleet/object-cache.ts";
import { AuditLog } from "../access/audit-log.ts";
import { TokenStore } from "../access/token-store.ts";
import { openDatabase } from "../open-database.ts";
import { PlanDesk } from "../plan-desk.ts";
import { buildServer } from "./build-server.ts";

it("who asks too often is told to wait", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-limits-"));
  const database = openDatabase(folder);
  const tokens = new TokenStore(database);
  const api = await buildServer({
    cache: new ObjectCache("limits"),
    hosts: [],
    tokens,
    audit: new AuditLog(database),
    names: { isKnown: () => true },
    deviceNames: () => "",
    version: "0.0.0",
    logLevel: "silent",
    requestsPerMinute: 2,
  });
  try {
    const ask = () => api.inject({ url: "/healthz" });
    assert.deepEqual([(await ask()).statusCode, (await ask()).statusCode], [200, 200]);
    const third = await ask();
    assert.deepEqual([third.statusCode, third.json().code], [429, "VFL-0506"]);
    assert.ok(Number(third.headers["retry-after"]) > 0);
  } finally {
    await api.close();
    database.close();
    rmSync(folder, { recursive: true });
  }
});

it("a server that is about to end begins nothing", async () => {
  const desk = new PlanDesk([], new ObjectCache("end"), (problem) => assert.fail(String(problem)));
  await desk.close();
  await assert.rejects(desk.apply("any"), { code: "VFL-0514" });
});
