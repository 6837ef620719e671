import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fastify } from "fastify";
import { ObjectCache } from "../src/fleet/object-cache.ts";
import { figure, median } from "./figure.ts";
import { FLEET_HOSTS, FLEET_VFS, fillFleet, startFleetServer } from "./fleet-server.ts";

const WATCHERS = 1000;
const ROUNDS = 5;
const REQUESTS = 2000;
const AT_ONCE = 32;
const BYTES_PER_MIB = 1024 * 1024;
const MODEL = fileURLToPath(new URL("../examples/models/82576.yaml", import.meta.url));

/**
 * The server: its start, its answers beside those of Fastify that sends a text of the same size, what a fleet takes of memory, and
 * how long a change takes to reach those who watch.
 * @param program bin/vfleet.js of the built package
 */
export async function serverFigures(program: string): Promise<void> {
  figure("vfleet up, start to the first answer about a host", await startMs(program), "ms", { wanted: "<= 1000" });
  const cache = new ObjectCache("bench");
  global.gc?.();
  const before = process.memoryUsage().rss;
  fillFleet(cache);
  global.gc?.();
  const mib = (process.memoryUsage().rss - before) / BYTES_PER_MIB;
  figure("memory of what is observed", mib, "MiB", {
    hosts: FLEET_HOSTS,
    vfs: FLEET_HOSTS * FLEET_VFS,
    wanted: "<= 1024",
  });
  const { url, token, close } = await startFleetServer(cache);
  try {
    await readFigures(url, token);
    await writeFigures(url, token);
    await watchFigures(url, token, cache);
  } finally {
    await close();
  }
}

async function startMs(program: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-bench-up-"));
  const env = { ...process.env, XDG_STATE_HOME: folder };
  const run = async (...args: readonly string[]): Promise<void> => {
    await once(spawn(process.execPath, [program, ...args], { env, stdio: "ignore" }), "close");
  };
  const times: number[] = [];
  try {
    // The machine is on already, as a host is, and Node has compiled the program once.
    await run("scan", "--source", `model:${MODEL}`);
    for (let round = -1; round < ROUNDS; round++) {
      const began = performance.now();
      const args = ["up", "--source", `model:${MODEL}`, "--state", join(folder, "up"), "--listen", "127.0.0.1:0"];
      const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "ignore"] });
      let url: string | undefined;
      for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
        url = /listens at (\S+)/.exec(text)?.[1];
        if (url !== undefined) break;
      }
      while ((await fetch(`${url}readyz`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 5));
      if (round >= 0) times.push(performance.now() - began);
      const closed = once(child, "close");
      child.kill("SIGTERM");
      await closed;
    }
  } finally {
    await run("model", "off", MODEL);
    rmSync(folder, { recursive: true, force: true });
  }
  return median(times);
}

async function readFigures(url: string, token: string): Promise<void> {
  const path = `${url}/api/v1alpha1/hosts/host-500/virtualfunctions?limit=256`;
  const init = { headers: { authorization: `Bearer ${token}` } };
  const text = await (await fetch(path, init)).text();
  const peer = fastify();
  peer.get("/", (_, reply) => reply.type("application/json").send(text));
  const peerUrl = await peer.listen({ host: "127.0.0.1", port: 0 });
  try {
    const own = await perSecond(path, init);
    const theirs = await perSecond(peerUrl, {});
    figure("lists of 256 VFs a second", own, "requests/s", { bytes: text.length });
    figure("lists of 256 VFs a second / Fastify sending the same text", own / theirs, "ratio");
    const object = `${url}/api/v1alpha1/hosts/host-500/virtualfunctions/0000:10:00.0-vf7`;
    figure("single VFs a second", await perSecond(object, init), "requests/s");
  } finally {
    await peer.close();
  }
}

/** Acknowledged writes: each is on the disk, with its line in the audit log. */
async function writeFigures(url: string, token: string): Promise<void> {
  let number = 0;
  const write = () =>
    fetch(`${url}/api/v1alpha1/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: `bench-${number++}`, role: "viewer" }),
    });
  const began = performance.now();
  await atOnce(REQUESTS / 4, write);
  figure("writes a second", REQUESTS / 4 / ((performance.now() - began) / 1000), "requests/s");
}

async function perSecond(url: string, init: RequestInit): Promise<number> {
  await atOnce(REQUESTS / 10, () => fetch(url, init));
  const began = performance.now();
  await atOnce(REQUESTS, () => fetch(url, init));
  return REQUESTS / ((performance.now() - began) / 1000);
}

async function atOnce(count: number, request: () => Promise<Response>): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await request();
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** From the change of an object to the last of a thousand who hear of it; they are in this process, and take their part of the time. */
async function watchFigures(url: string, token: string, cache: ObjectCache): Promise<void> {
  const { port } = new URL(url);
  let heard = 0;
  let onAll = (): void => {};
  const sockets = await Promise.all(
    Array.from({ length: WATCHERS }, async () => {
      const socket = connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      socket.write(`GET /api/v1alpha1/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      await once(socket, "data");
      socket.on("data", (data) => {
        if (data.includes("event: MODIFIED") && ++heard === WATCHERS) onAll();
      });
      return socket;
    }),
  );
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const all = new Promise<void>((resolve) => {
      onAll = resolve;
    });
    heard = 0;
    const host = cache.get("Host", "host-1", "");
    if (host?.kind !== "Host") throw new Error("the fleet has no host-1");
    const began = performance.now();
    cache.put("host-1", { kind: "Host", name: "", status: { ...host.status, guests: round + 1 } });
    await all;
    times.push(performance.now() - began);
  }
  for (const socket of sockets) socket.destroy();
  figure("a change to 1,000 who watch", median(times), "ms", { wanted: "<= 250" });
}
