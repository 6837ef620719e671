import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { CATALOGUE, type ErrorCode } from "../../errors/catalogue.ts";
import { ROLES, type Role, reaches } from "../access/role.ts";
import { type Served, startServed, until } from "../testing/served.ts";
import { API_PATH } from "./api.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, unknown>>;
}

const PF = "0000:01:00.0";

describe("the API over a modelled host", () => {
  let served: Served;
  let operations: readonly Operation[];

  before(async () => {
    served = await startServed();
    await until(async () => (await served.ask("/readyz")).status === 200);
    const { body } = await served.ask("/openapi.json", { token: null });
    operations = Object.entries(body.paths as Record<string, Record<string, { responses: object }>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, { responses }]) => ({
          method: method.toUpperCase(),
          path,
          responses: responses as Operation["responses"],
        })),
    );
  });
  after(() => served.close());

  it("describes itself in OpenAPI 3.1", async () => {
    const { body } = await served.ask("/openapi.json", { token: null });
    assert.equal(body.openapi, "3.1.0");
    assert.ok(operations.length >= 18, `${operations.length} operations`);
    for (const { method, path, responses } of operations) {
      assert.ok(Object.keys(responses).length > 0, `${method} ${path} says what it answers`);
    }
  });

  it("lists what there is, by kind and by host", async () => {
    const { body: hosts } = await served.ask(`${API_PATH}/hosts`);
    assert.equal(hosts.items[0].status.intervalMs, 60_000);
    assert.equal(hosts.kind, "HostList");
    assert.equal(hosts.items[0].status.reachable, true);
    const { body: pfs } = await served.ask(`${API_PATH}/physicalfunctions`);
    const pf = pfs.items.find((item: { metadata: { name: string } }) => item.metadata.name === PF);
    assert.equal(pf.status.driver, "igb");
    assert.equal(pf.status.driverLimit, 7);
    assert.deepEqual((await served.ask(`${API_PATH}/hosts/lab/physicalfunctions/${PF}`)).body, pf);
    assert.equal((await served.ask(`${API_PATH}/hosts/lab/virtualfunctions`)).body.items.length, 0);
  });

  it("VFs that are made outside appear, with their version, and their list in pages", async () => {
    await makeVfs(served, 5);
    const list = `${API_PATH}/virtualfunctions`;
    await until(async () => (await served.ask(list)).body.items.length === 5);
    const names: string[] = [];
    let from = "";
    for (let page = 0; page < 3; page++) {
      const { body } = await served.ask(`${list}?limit=2${from === "" ? "" : `&continue=${from}`}`);
      names.push(...body.items.map((item: { metadata: { name: string } }) => item.metadata.name));
      from = body.metadata.continue;
    }
    assert.deepEqual(
      names,
      [0, 1, 2, 3, 4].map((index) => `${PF}-vf${index}`),
    );
    assert.equal(from, null);
    const { body: bound } = await served.ask(`${list}?fieldSelector=driver=igbvf,vfIndex!=0`);
    assert.equal(bound.items.length, 4);
    const { body: none } = await served.ask(`${list}?fieldSelector=driver=`);
    assert.equal(none.items.length, 0);
  });

  it("who watches from a list's version hears of each change, and goes on where it was cut off", async () => {
    const { body } = await served.ask(`${API_PATH}/virtualfunctions`);
    const version: string = body.metadata.resourceVersion;
    await makeVfs(served, 0);
    await makeVfs(served, 2);
    const first = await watch(served, `${API_PATH}/watch?resourceVersion=${version}&kind=VirtualFunction`, 2);
    assert.ok(first.every(({ object }) => object.kind === "VirtualFunction"));
    const seen = await watch(served, `${API_PATH}/watch?kind=VirtualFunction`, 1, first.at(-1)?.id);
    assert.notEqual(seen[0]?.id, first.at(-1)?.id);
    await until(async () => (await served.ask(`${API_PATH}/virtualfunctions`)).body.items.length === 2);
    const { status, body: problem } = await served.ask(`${API_PATH}/watch?resourceVersion=other.1`);
    assert.equal(status, 410);
    assert.equal(problem.code, "VFL-0505");
  });

  it("metrics say what was read", async () => {
    const { text } = await served.ask("/metrics");
    assert.match(text, /^vfleet_host_reachable\{host="lab"\} 1$/m);
    assert.match(text, new RegExp(`^vfleet_pf_vfs_enabled\\{host="lab",pf="${PF}"\\} 2$`, "m"));
    assert.match(text, /^vfleet_vfs\{host="lab",state="free"\} 2$/m);
    assert.match(text, /^vfleet_host_reconcile_lag_seconds\{host="lab"\} 0$/m);
    assert.match(text, new RegExp(`^vfleet_vf_max_transmit_rate_mbps\\{host="lab",pf="${PF}",vf="1"\\} 0$`, "m"));
    assert.doesNotMatch(text, /NaN|null|undefined/);
    // Asked at once, they are not counted together.
    for (const { text: again } of await Promise.all([1, 2, 3].map(() => served.ask("/metrics")))) {
      assert.match(again, /^vfleet_vfs\{host="lab",state="free"\} 2$/m);
    }
  });

  it("each route takes those whose role reaches it, and nobody else", async () => {
    const tokens = new Map<Role, string>();
    for (const role of ROLES) {
      const { body } = await served.ask(`${API_PATH}/tokens`, { method: "POST", body: { name: `m-${role}`, role } });
      tokens.set(role, body.token);
    }
    const needed: Record<string, Role | "anyone"> = {
      "GET /healthz": "anyone",
      "GET /readyz": "anyone",
      [`GET ${API_PATH}/errors/{code}`]: "anyone",
      [`GET ${API_PATH}/tokens`]: "admin",
      [`POST ${API_PATH}/tokens`]: "admin",
      [`DELETE ${API_PATH}/tokens/{name}`]: "admin",
      [`GET ${API_PATH}/audit`]: "admin",
      [`POST ${API_PATH}/hosts/{host}/plans`]: "viewer",
      [`POST ${API_PATH}/hosts/{host}/status`]: "viewer",
    };
    for (const { method, path } of operations) {
      const access = needed[`${method} ${path}`] ?? (method === "GET" ? "viewer" : "operator");
      // What is named is not there, so that nothing is done by who may.
      const url = path.replace(/\{\w+\}/g, "nothing");
      const asked = { method, ...(method === "POST" ? { body: {} } : {}) };
      const nobody = url.endsWith("/watch") ? `${url}?resourceVersion=other.1` : url;
      const { status } = await served.ask(nobody, { ...asked, token: null });
      assert.equal(status === 401, access !== "anyone", `${method} ${path} without a token: ${status}`);
      for (const [role, token] of tokens) {
        const answer = await served.ask(nobody, { ...asked, token });
        const mayNot = access !== "anyone" && !reaches(role, access);
        assert.equal(answer.status === 403, mayNot, `${method} ${path} as ${role}: ${answer.status}`);
        assert.notEqual(answer.status, 401);
        assert.ok(answer.status < 500, `${method} ${path} as ${role}: ${answer.status} ${answer.text}`);
      }
    }
  });

  it("every error is a problem of the catalogue", async () => {
    const { ask, token } = served;
    const asked: readonly (readonly [
      ErrorCode,
      number,
      Promise<{ status: number; body: unknown; headers: Headers }>,
    ])[] = [
      ["VFL-0501", 400, ask(`${API_PATH}/hosts?limit=0`)],
      ["VFL-0501", 400, ask(`${API_PATH}/hosts?fieldSelector=nosuch=1`)],
      ["VFL-0501", 400, ask(`${API_PATH}/hosts?continue=x`)],
      ["VFL-0501", 400, ask(`${API_PATH}/tokens`, { method: "POST", body: "{" })],
      ["VFL-0501", 400, ask(`${API_PATH}/tokens`, { method: "POST", body: { name: "A b", role: "viewer" } })],
      ["VFL-0501", 400, ask(`${API_PATH}/tokens`, { method: "POST", body: { name: "x", role: "viewer", more: 1 } })],
      ["VFL-0502", 401, ask(`${API_PATH}/hosts`, { token: `${token.slice(0, -1)}_` })],
      ["VFL-0502", 401, ask(`${API_PATH}/hosts`, { token: "x" })],
      ["VFL-0501", 400, ask(`${API_PATH}/watch?kind=Nothing`)],
      ["VFL-0504", 404, ask(`${API_PATH}/watch?host=nobody`)],
      ["VFL-0504", 404, ask("/nothing")],
      ["VFL-0504", 404, ask(`${API_PATH}/hosts/nobody`)],
      ["VFL-0504", 404, ask(`${API_PATH}/hosts/nobody/guests`)],
      ["VFL-0504", 404, ask(`${API_PATH}/hosts/lab/virtualfunctions/none`)],
      ["VFL-0504", 404, ask(`${API_PATH}/tokens/nobody`, { method: "DELETE" })],
      ["VFL-0511", 409, ask(`${API_PATH}/tokens`, { method: "POST", body: { name: "first", role: "admin" } })],
    ];
    for (const [code, status, answer] of asked) {
      const { status: actual, body, headers } = await answer;
      const problem = body as { code: string; title: string; status: number; remedy: string; requestId: string };
      assert.deepEqual([problem.code, actual, problem.status], [code, status, status]);
      assert.equal(problem.title, CATALOGUE[code].title);
      assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/);
      assert.equal(headers.get("x-request-id"), problem.requestId);
      assert.ok(problem.remedy.length > 0);
    }
  });

  it("a request that calls the server by another's name is refused, whatever its token", async () => {
    const { hostname, port } = new URL(served.server.url);
    const answer = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host, authorization: `Bearer ${served.token}` };
        request({ hostname, port, path: `${API_PATH}/hosts`, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    // VFL-0510
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example"]) {
      assert.equal(await answer(host), 421, host);
    }
    for (const host of ["localhost", `LOCALHOST:${port}`, "127.0.0.1:8080", "[::1]:1"]) {
      assert.equal(await answer(host), 200, host);
    }
  });

  it("a body that is too large, and one that is no JSON, are refused", async () => {
    const large = await served.ask(`${API_PATH}/tokens`, {
      method: "POST",
      body: JSON.stringify({ name: "x".repeat(2 * 1024 * 1024) }),
    });
    assert.equal(large.body.code, "VFL-0501");
    const text = await served.ask(`${API_PATH}/tokens`, {
      method: "POST",
      body: "name=x",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    assert.equal(text.body.code, "VFL-0501");
  });

  it("writes are in the audit log with who asked, and secrets are not", async () => {
    const { body } = await served.ask(`${API_PATH}/tokens`, {
      method: "POST",
      body: { name: "audited", role: "viewer" },
    });
    await served.ask(`${API_PATH}/tokens/audited`, { method: "DELETE", token: body.token });
    await served.ask(`${API_PATH}/tokens/audited`, { method: "DELETE" });
    const { body: audit, text } = await served.ask(`${API_PATH}/audit?limit=3`);
    const shown = audit.items.map((item: Record<string, unknown>) => [item.token, item.method, item.status, item.code]);
    assert.deepEqual(shown, [
      ["first", "DELETE", 204, null],
      ["audited", "DELETE", 403, "VFL-0503"],
      ["first", "POST", 201, null],
    ]);
    assert.ok(!text.includes(body.token));
    assert.equal((await served.ask(`${API_PATH}/hosts`, { token: body.token })).status, 401);
  });
});

async function makeVfs(served: Served, count: number): Promise<void> {
  const { kernel } = served.setting;
  if (!("write" in kernel)) throw new TypeError("the host takes no changes");
  await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, String(count));
}

interface Heard {
  readonly type: string;
  readonly id: string;
  readonly object: { readonly kind: string };
}

/** The first events of a watch, as a client reads them. */
async function watch(served: Served, path: string, count: number, lastEventId?: string): Promise<readonly Heard[]> {
  const stop = new AbortController();
  const response = await fetch(new URL(path, served.server.url), {
    headers: {
      authorization: `Bearer ${served.token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
    signal: stop.signal,
  });
  assert.equal(response.status, 200, await (response.status === 200 ? "" : response.text()));
  const heard: Heard[] = [];
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const [, type, id, data] = /^event: (\w+)\nid: (\S+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      if (type !== undefined) heard.push({ type, id: id ?? "", object: JSON.parse(data ?? "") });
      text = text.slice(end + 2);
    }
    if (heard.length >= count) break;
  }
  stop.abort();
  return heard.slice(0, count);
}
