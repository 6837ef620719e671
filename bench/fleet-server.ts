import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectCache } from "../src/fleet/object-cache.ts";
import { observedObjects } from "../src/fleet/observe-objects.ts";
import type { HostState } from "../src/host/state/host-state.ts";
import { AuditLog } from "../src/server/access/audit-log.ts";
import { TokenStore } from "../src/server/access/token-store.ts";
import { buildServer } from "../src/server/http/build-server.ts";
import { openDatabase } from "../src/server/open-database.ts";
import { hostWith } from "./host.ts";

export const FLEET_HOSTS = 1000;
export const FLEET_VFS = 256;

/** A server in this process, over objects that nobody reads from a host. */
export interface FleetServer {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** As many hosts as there are in a large fleet, each with its own objects, as reading gives them. */
export function fillFleet(cache: ObjectCache): void {
  const text = JSON.stringify(hostWith(1, FLEET_VFS));
  for (let host = 0; host < FLEET_HOSTS; host++) fillHost(cache, `host-${host}`, JSON.parse(text) as HostState);
}

export function fillHost(cache: ObjectCache, name: string, state: HostState): void {
  cache.replace(
    name,
    observedObjects(
      state,
      { source: "linux", since: "2026-01-01T00:00:00Z", intervalMs: 5000 },
      "nothing",
      () => "a card",
    ),
  );
}

/** @param page where the page was built to; left out: it shows none */
export async function startFleetServer(cache: ObjectCache, page?: string): Promise<FleetServer> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-bench-server-"));
  const database = openDatabase(folder);
  const tokens = new TokenStore(database);
  const api = await buildServer({
    cache,
    hosts: [],
    tokens,
    audit: new AuditLog(database),
    names: { isKnown: () => true },
    deviceNames: () => "",
    version: "0.0.0",
    logLevel: "silent",
    requestsPerMinute: Number.MAX_SAFE_INTEGER,
    ...(page !== undefined && { page }),
  });
  return {
    url: await api.listen({ host: "127.0.0.1", port: 0 }),
    token: tokens.create("bench", "admin", new Date()),
    async close() {
      await api.close();
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}
