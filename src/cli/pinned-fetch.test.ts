import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { ApiClient } from "../client/api-client.ts";
import { type Served, startServed } from "../server/testing/served.ts";
import { pinnedFetch } from "./pinned-fetch.ts";

describe("a server with a certificate of its own", () => {
  let served: Served;

  before(async () => {
    served = await startServed("igb", { tls: "own" });
  });
  after(() => served.close());

  const urlOf = (name: string) => `https://${name}:${new URL(served.server.url).port}/`;
  const client = (pin: string) =>
    new ApiClient({ url: urlOf("127.0.0.1"), token: () => served.token, fetch: pinnedFetch(pin) });

  it("is asked and watched by who has pinned its key", async () => {
    const pinned = client(served.server.certificate?.pin ?? "");
    assert.deepEqual(await pinned.ask("GET /whoami"), { name: "first", role: "admin" });
    const made = await pinned.ask("POST /tokens", { body: { name: "made", role: "viewer" } });
    assert.match(made.token, /^vft_/);
    assert.equal(await pinned.ask("DELETE /tokens/{name}", { path: { name: "made" } }), null);
    const end = new AbortController();
    const { kernel } = served.setting;
    if (!("write" in kernel)) throw new TypeError("the host takes no changes");
    const onState = () => void kernel.write("/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "1");
    for await (const { object } of pinned.watch({ signal: end.signal, onState })) {
      assert.equal(object.metadata.host, "lab");
      end.abort();
    }
  });

  it("gets nothing from who has pinned another key, or none", async () => {
    const other = client("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    await assert.rejects(other.ask("GET /whoami"), { status: 0, code: "VFL-0522" });
    const plain = new ApiClient({ url: urlOf("127.0.0.1"), token: () => served.token });
    await assert.rejects(plain.ask("GET /whoami"), { status: 0, message: /DEPTH_ZERO_SELF_SIGNED_CERT/ });
  });

  it("is left, where it is silent, by whoever gives up, and after a while by itself", async () => {
    const sockets = new Set<Socket>();
    // It takes connections as a process does that was stopped: the kernel does that.
    const silent = createServer((socket) => void sockets.add(socket.on("error", () => {}).resume()));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `https://127.0.0.1:${port}/`;
    const pin = served.server.certificate?.pin ?? "";
    try {
      const left = pinnedFetch(pin)(url, { signal: AbortSignal.timeout(50) });
      await assert.rejects(left, { name: "TimeoutError" });
      await assert.rejects(pinnedFetch(pin, { connectMs: 50, silenceMs: 50 })(url), /no certificate within 50 ms/);
      for (const socket of sockets) if (!socket.destroyed) await once(socket, "close");
    } finally {
      silent.close();
    }
    const quick = new ApiClient({
      url: urlOf("127.0.0.1"),
      token: () => served.token,
      fetch: pinnedFetch(pin, { connectMs: 10_000, silenceMs: 200 }),
    });
    assert.equal((await quick.ask("GET /whoami")).role, "admin");
    const problems: unknown[] = [];
    const end = new AbortController();
    const onState = (problem: unknown) => {
      problems.push(problem);
      if (problem !== null) end.abort();
    };
    for await (const _ of quick.watch({ signal: end.signal, onState })) break;
    assert.match(String(problems.at(-1)), /does not answer|ended/);
  });

  it("is trusted by who takes its certificate for an authority's, by each of its names", async () => {
    const agent = new Agent({ ca: readFileSync(`${served.folder}/server/tls/cert.pem`) });
    for (const name of ["localhost", "127.0.0.1"]) {
      const status = await new Promise((resolve, reject) => {
        get(`${urlOf(name)}healthz`, { agent }, (answer) => resolve(answer.resume().statusCode)).on("error", reject);
      });
      assert.equal(status, 200, name);
    }
    agent.destroy();
  });
});
