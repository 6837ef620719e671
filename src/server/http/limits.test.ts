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
import { API_PATH, type Api } from "./api.ts";
import { buildServer } from "./build-server.ts";

/** A server without hosts that takes so many requests. */
async function limited(
  requestsPerMinute: number,
  work: (api: Api, token: string, audit: AuditLog) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-limits-"));
  const database = openDatabase(folder);
  const tokens = new TokenStore(database);
  const audit = new AuditLog(database);
  const api = await buildServer({
    ...{ cache: new ObjectCache("limits"), hosts: [], tokens, audit, requestsPerMinute },
    ...{ names: { isKnown: () => true }, deviceNames: () => "", version: "0.0.0", logLevel: "silent" },
  });
  try {
    await work(api, tokens.create("any", "viewer", new Date()), audit);
  } finally {
    await api.close();
    database.close();
    rmSync(folder, { recursive: true });
  }
}

it("who asks too often is told to wait", () =>
  limited(2, async (api) => {
    const ask = () => api.inject({ url: "/healthz" });
    assert.deepEqual([(await ask()).statusCode, (await ask()).statusCode], [200, 200]);
    const third = await ask();
    assert.deepEqual([third.statusCode, third.json().code], [429, "VFL-0506"]);
    assert.ok(Number(third.headers["retry-after"]) > 0);
  }));

it("who has no token, or asks for what is not there, is counted like others, and is not in the audit log", () =>
  limited(4, async (api, token, audit) => {
    const ask = async (url: string, headers = {}) =>
      (await api.inject({ method: "POST", url: `${API_PATH}${url}`, headers, payload: {} })).statusCode;
    const authorization = `Bearer ${token}`;
    assert.equal(await ask("/tokens", { authorization }), 403);
    assert.equal(await ask("/tokens"), 401);
    assert.equal(await ask("/tokens", { authorization: `Bearer ${token.slice(0, -1)}_` }), 401);
    assert.equal(await ask("/nothing"), 404);
    for (const path of ["/tokens", "/nothing"]) assert.equal(await ask(path), 429);
    assert.deepEqual(
      audit.list(10).map(({ status }) => status),
      [403],
    );
  }));

it("a server that is about to end begins nothing", async () => {
  const desk = new PlanDesk([], new ObjectCache("end"), (problem) => assert.fail(String(problem)));
  await desk.close();
  await assert.rejects(desk.apply("any"), { code: "VFL-0514" });
});
