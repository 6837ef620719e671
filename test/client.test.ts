import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { clientTypes } from "../scripts/write-client-types.ts";
import { ApiClient, type ApiEvent } from "../src/client/api-client.ts";
import { ApiProblem } from "../src/client/api-problem.ts";
import { VfleetError } from "../src/errors/vfleet-error.ts";
import { vfleetErrorOf } from "../src/remote/told.ts";
import { type Served, startServed, until } from "../src/server/testing/served.ts";

const PF = "0000:01:00.0";

it("src/client/api-routes.ts is what the server says of itself: npm run docs", async () => {
  const file = new URL("../src/client/api-routes.ts", import.meta.url);
  assert.equal(readFileSync(file, "utf8"), await clientTypes());
});

describe("a client of the API", () => {
  let served: Served;
  let client: ApiClient;

  before(async () => {
    served = await startServed();
    client = new ApiClient({ url: served.server.url, token: () => served.token });
    await until(async () => (await served.ask("/readyz")).status === 200);
  });
  after(() => served.close());

  async function makeVfs(count: number): Promise<void> {
    const { kernel } = served.setting;
    if (!("write" in kernel)) throw new TypeError("the host takes no changes");
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, String(count));
  }

  it("asks with a path, a query and a body, and takes answers of any kind", async () => {
    assert.deepEqual(await client.ask("GET /whoami"), { name: "first", role: "admin" });
    const { functions } = await client.ask("GET /hosts/{host}/topology", { path: { host: "lab" } });
    assert.ok(functions.some(({ bdf, kind }) => bdf === PF && kind === "pf"));
    const { items } = await client.ask("GET /physicalfunctions", { query: { limit: 1, fieldSelector: "driver=igb" } });
    assert.equal(items[0]?.metadata.name, PF);
    const made = await client.ask("POST /tokens", { body: { name: "made", role: "viewer" } });
    assert.match(made.token, /^vft_/);
    assert.equal(await client.ask("DELETE /tokens/{name}", { path: { name: "made" } }), null);
    const archive = await client.ask("GET /hosts/{host}/capture", { path: { host: "lab" } });
    assert.deepEqual([...new Uint8Array(await archive.arrayBuffer()).subarray(0, 2)], [0x1f, 0x8b]);
  });

  it("what the server refuses is a problem, and the error that commands have", async () => {
    const host = "no/body?";
    const error = await client.ask("GET /hosts/{host}", { path: { host } }).catch((caught: unknown) => caught);
    assert.ok(error instanceof ApiProblem);
    assert.deepEqual([error.status, error.code], [404, "VFL-0504"]);
    const same = vfleetErrorOf(error);
    assert.ok(same instanceof VfleetError);
    assert.deepEqual([same.code, same.message, same.exitCode], ["VFL-0504", `there is no host ${host}`, 2]);
    const newer = vfleetErrorOf(new ApiProblem({ status: 409, code: "VFL-9999", detail: "no", remedy: "do" }));
    assert.deepEqual([newer.code, newer.message, newer.remedy], ["VFL-0523", "VFL-9999: no", "do"]);
    const nobody = new ApiClient({ url: served.server.url, token: () => undefined });
    await assert.rejects(nobody.ask("GET /whoami"), { status: 401, code: "VFL-0502" });
    const away = new ApiClient({ url: "http://127.0.0.1:1", token: () => "x" });
    await assert.rejects(away.ask("GET /whoami"), { status: 0, code: "VFL-0522", message: /ECONNREFUSED|bad port/ });
  });

  it("watches, and goes on where it was cut off, also before anything had changed", async () => {
    const cuts: AbortController[] = [];
    const states: (string | null)[] = [];
    const cutting = new ApiClient({
      url: served.server.url,
      token: () => served.token,
      fetch(input, init) {
        const cut = new AbortController();
        cuts.push(cut);
        return fetch(input, { ...init, signal: AbortSignal.any([cut.signal, ...(init?.signal ? [init.signal] : [])]) });
      },
    });
    const end = new AbortController();
    const heard: ApiEvent[] = [];
    const watching = (async () => {
      const options = { kind: "VirtualFunction", signal: end.signal } as const;
      const onState = (problem: ApiProblem | null) => states.push(problem?.code ?? null);
      for await (const event of cutting.watch({ ...options, onState })) heard.push(event);
    })();
    await until(async () => states.length === 1);
    // Its first piece tells the version.
    await new Promise((resolve) => setTimeout(resolve, 200));
    cuts[0]?.abort();
    await makeVfs(2);
    await until(async () => heard.length >= 2);
    cuts[1]?.abort();
    await makeVfs(0);
    await until(async () => heard.filter(({ type }) => type === "DELETED").length === 2);
    end.abort();
    await watching;
    assert.ok(heard.every(({ object }) => object.kind === "VirtualFunction"));
    assert.equal(new Set(heard.map(({ resourceVersion }) => resourceVersion)).size, heard.length);
    assert.deepEqual(states.slice(0, 3), [null, "VFL-0522", null]);
    await assert.rejects(client.watch({ from: "other.1" }).next(), { status: 410, code: "VFL-0505" });
  });
});
