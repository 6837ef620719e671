import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ObjectCache } from "../../fleet/object-cache.ts";
import type { Observation } from "../../fleet/objects.ts";
import { AuditLog } from "../access/audit-log.ts";
import { TokenStore } from "../access/token-store.ts";
import { openDatabase } from "../open-database.ts";
import { until } from "../testing/served.ts";
import { API_PATH } from "./api.ts";
import { buildServer } from "./build-server.ts";

const HEARTBEAT_MS = 15_000;
const PADDING = "x".repeat(1500);

/** So many VFs, all other than at the round before. */
function vfs(count: number, round: number, padding = PADDING): readonly Observation[] {
  return Array.from(
    { length: count },
    (_, index) =>
      ({ kind: "VirtualFunction", name: `vf${index}`, status: { round, padding } }) as unknown as Observation,
  );
}

/** A server that watches no host: what happens is put into its cache. */
async function served(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-watch-"));
  const database = openDatabase(folder);
  const tokens = new TokenStore(database);
  const cache = new ObjectCache("watch");
  const api = await buildServer({
    ...{ cache, hosts: [], tokens, audit: new AuditLog(database), names: { isKnown: () => true } },
    ...{ deviceNames: () => "", version: "0.0.0", logLevel: "silent" },
  });
  await api.listen({ host: "127.0.0.1", port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const sockets: Socket[] = [];
  api.server.on("connection", (socket) => sockets.push(socket));
  const clients: IncomingMessage[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await api.close();
    database.close();
    rmSync(folder, { recursive: true });
  });
  const token = tokens.create("any", "viewer", new Date());
  /** Nothing is read of it before that is asked for. */
  const watch = async (from = "", own = token) => {
    const headers = { authorization: `Bearer ${own}`, ...(from !== "" && { "last-event-id": from }) };
    const [response] = (await once(get({ port, path: `${API_PATH}/watch`, headers }), "response")) as [IncomingMessage];
    clients.push(response);
    return response;
  };
  return { api, cache, database, tokens, watch, sockets };
}

/** Reads a stream. @returns how many events came so far, each one after the one before; and whether the stream is over */
function read(response: IncomingMessage) {
  const seen = { events: 0, last: "", isOver: false };
  let text = "";
  response.setEncoding("utf8");
  response.on("data", (piece: string) => {
    text += piece;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const [, id] = /^event: \w+\nid: (\S+)\ndata: /.exec(part) ?? [];
      if (id === undefined) continue;
      assert.ok(seen.last === "" || revisionOf(id) === revisionOf(seen.last) + 1, `${id} comes after ${seen.last}`);
      seen.last = id;
      seen.events++;
    }
  });
  const over = () => {
    seen.isOver = true;
  };
  response.on("error", over).on("close", over).resume();
  return seen;
}

function revisionOf(version: string): number {
  return Number(version.split(".")[1]);
}

test("a burst cuts nobody off who reads, nor who comes back to hear of it", async (t) => {
  const { cache, watch } = await served(t);
  const before = cache.version;
  const live = [read(await watch()), read(await watch())];
  cache.replace("lab", vfs(8192, 1));
  const back = read(await watch(before));
  await until(async () => [...live, back].every(({ events, isOver }) => events === 8192 || isOver));
  for (const { events, last, isOver } of [...live, back]) {
    assert.deepEqual([events, last, isOver], [8192, cache.version, false]);
  }
});

test("who does not read costs little, and has all of it once it reads", async (t) => {
  const { cache, watch, sockets } = await served(t);
  const slow = await watch();
  slow.pause();
  cache.replace("lab", vfs(8192, 1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  cache.replace("lab", vfs(8192, 2));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const [socket] = sockets;
  assert.ok(socket !== undefined && !socket.destroyed);
  assert.ok(socket.writableLength > 0 && socket.writableLength < 1024 * 1024, `${socket.writableLength} bytes wait`);
  const seen = read(slow);
  await until(async () => seen.events === 2 * 8192);
});

test("who is so far behind that the events are no more is let go, and told to list anew", async (t) => {
  const { cache, watch } = await served(t);
  const slow = await watch();
  slow.pause();
  cache.replace("lab", vfs(8192, 1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (let round = 2; round < 8; round++) cache.replace("lab", vfs(8192, round, ""));
  const seen = read(slow);
  await until(async () => seen.isOver);
  assert.ok(seen.events < 8192, `${seen.events} events`);
  assert.equal((await watch(seen.last)).statusCode, 410);
});

test("who takes nothing for minutes is let go", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { cache, watch, sockets } = await served(t);
  const [slow, idle] = [await watch(), read(await watch())];
  slow.pause();
  cache.replace("lab", vfs(8192, 1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const now = performance.now();
  t.mock.method(performance, "now", () => now + 100_000);
  t.mock.timers.tick(HEARTBEAT_MS);
  assert.equal(sockets[0]?.destroyed, false);
  t.mock.method(performance, "now", () => now + 130_000);
  t.mock.timers.tick(HEARTBEAT_MS);
  assert.deepEqual([sockets[0]?.destroyed, sockets[1]?.destroyed, idle.isOver], [true, false, false]);
});

test("a token that is revoked watches no longer: at once by the API, at the next heartbeat by a command", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { api, cache, database, tokens, watch } = await served(t);
  const admin = tokens.create("admin", "admin", new Date());
  const streamOf = async (name: string) => read(await watch("", tokens.create(name, "viewer", new Date())));
  const [first, second, other] = [await streamOf("first"), await streamOf("second"), await streamOf("other")];
  const headers = { authorization: `Bearer ${admin}` };
  const url = `${API_PATH}/tokens/first`;
  assert.equal((await api.inject({ method: "DELETE", url, headers })).statusCode, 204);
  cache.replace("lab", vfs(1, 1));
  await until(async () => first.isOver && other.events === 1);
  assert.deepEqual([first.events, second.events, second.isOver], [0, 1, false]);
  // As another process does it.
  new TokenStore(database).revoke("second");
  t.mock.timers.tick(HEARTBEAT_MS);
  cache.replace("lab", vfs(1, 2));
  await until(async () => second.isOver && other.events === 2);
  assert.deepEqual([second.events, other.isOver], [1, false]);
});
