/** The server as a process: its start, its end, and its sudden end. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";
import { API, askServer, endServer, servers, startServer, untilReady, VFLEET } from "./server-process.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-up-"));
const MODEL = join(temporary, "lab.yaml");
copyFileSync(join(ROOT, "examples/models/82576.yaml"), MODEL);
const STATE = join(temporary, "server");
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };
/** More of them by hand: VFLEET_KILLS=50 npm test -- test/cli/up */
const KILLS = Number(process.env.VFLEET_KILLS ?? 12);

function vfleet(...args: readonly string[]) {
  return spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env });
}

const up = () => startServer(["--source", `model:${MODEL}`, "--state", STATE], env);

function token(): string {
  return readFileSync(join(STATE, "token"), "utf8").trim();
}

const ask = (url: string, path: string, body?: unknown) => askServer(url, STATE, path, body);

after(() => {
  for (const child of servers) child.kill("SIGKILL");
  vfleet("model", "off", MODEL);
  rmSync(temporary, { recursive: true, force: true });
});

describe("vfleet up", () => {
  it("shows the first token once, keeps it for its owner alone, and ends at SIGTERM", async () => {
    const first = await up();
    const shown = /#token=(\S+)/.exec(first.output)?.[1];
    assert.equal(shown, token());
    assert.equal(statSync(join(STATE, "token")).mode & 0o777, 0o600);
    assert.equal((await ask(first.url, `${API}/hosts`)).body.items[0].metadata.name, "lab");

    const second = vfleet("up", "--source", `model:${MODEL}`, "--state", STATE, "--listen", "127.0.0.1:0");
    assert.deepEqual([second.status, second.stderr.includes("VFL-0509")], [3, true], second.stderr);
    const port = new URL(first.url).port;
    const other = vfleet("up", "--source", `model:${MODEL}`, "--state", `${STATE}2`, "--listen", `127.0.0.1:${port}`);
    assert.deepEqual([other.status, other.stderr.includes("EADDRINUSE")], [3, true], other.stderr);
    assert.equal(await endServer(first, "SIGTERM"), 0);

    const again = await up();
    assert.doesNotMatch(again.output, /vft_/);
    assert.equal(await endServer(again, "SIGINT"), 0);
  });

  it("--config: what is kept of its one host is there", async () => {
    const config = join(temporary, "wanted");
    const many = vfleet("up", "--source", `model:${MODEL}`, "--source", "linux", "--config", config);
    assert.equal(many.status, 2);
    assert.match(many.stderr, /VFL-0001 --config is of one host/);
    const source = ["--source", `model:${MODEL}`, "--state", STATE];
    const server = await startServer([...source, "--config", config], env);
    await untilReady(server);
    const text =
      "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: none}\nspec: {select: {driver: igb}, numVfs: 0}\n";
    const wish = { kind: "apply", files: [{ label: "none.yaml", text }], persist: true };
    const plan = await ask(server.url, `${API}/hosts/lab/plans`, wish);
    assert.equal(plan.status, 201, JSON.stringify(plan.body));
    assert.deepEqual((await ask(server.url, `${API}/plans/${plan.body.id}/apply`, {})).status, 202);
    assert.ok(readdirSync(config).length > 0);
    assert.equal(await endServer(server, "SIGTERM"), 0);
  });

  it("writes no token into the journal, which others read", async () => {
    const journal = join(temporary, "journal");
    const file = openSync(journal, "w");
    const { dev, ino } = fstatSync(file);
    const child = spawn(
      process.execPath,
      [VFLEET, "up", "--source", `model:${MODEL}`, "--state", `${STATE}4`, "--listen", "127.0.0.1:0"],
      { env: { ...env, JOURNAL_STREAM: `${dev}:${ino}` }, stdio: ["ignore", file, "inherit"] },
    );
    servers.add(child);
    closeSync(file);
    while (!/the token is in .*\n/.test(readFileSync(journal, "utf8"))) await delay(20);
    const closed = once(child, "close");
    child.kill("SIGTERM");
    assert.deepEqual(await closed, [0, null]);
    servers.delete(child);
    assert.doesNotMatch(readFileSync(journal, "utf8"), /vft_/);
    assert.match(readFileSync(join(`${STATE}4`, "token"), "utf8"), /^vft_/);
  });

  it("listens on the loopback, or with TLS", () => {
    for (const [listen, code] of [
      ["0.0.0.0:0", "VFL-0508"],
      ["example.org:1", "VFL-0001"],
      ["127.0.0.1", "VFL-0001"],
    ] as const) {
      const { status, stderr } = vfleet("up", "--listen", listen, "--state", `${STATE}3`);
      assert.deepEqual([status, stderr.includes(code)], [2, true], stderr);
    }
  });

  it("tokens are made, listed and revoked while it runs or does not", async () => {
    const made = vfleet("token", "create", "grafana", "--state", STATE);
    assert.match(made.stdout, /^vft_\S{43}\n$/);
    const running = await up();
    const asGrafana = { headers: { authorization: `Bearer ${made.stdout.trim()}` } };
    const metrics = new URL("metrics", running.url);
    assert.equal((await fetch(metrics, asGrafana)).status, 200);
    assert.match(vfleet("token", "list", "--state", STATE).stdout, /^grafana +viewer/m);
    assert.equal(vfleet("token", "revoke", "grafana", "--state", STATE).status, 0);
    assert.equal((await fetch(metrics, asGrafana)).status, 401);
    assert.equal(vfleet("token", "revoke", "grafana", "--state", STATE).status, 2);
    await endServer(running, "SIGTERM");
  });

  it(`killed ${KILLS} times under load: no acknowledged write is lost, no operation unaccounted for`, async () => {
    const acknowledged = new Set<string>();
    const begun = new Set<number>();
    const ended: Record<string, number> = {};
    for (let round = 0; round < KILLS; round++) {
      const server = await up();
      const stopped = new AbortController();
      const planned = Promise.withResolvers<void>();
      const applied = Promise.withResolvers<void>();
      const load = Promise.allSettled([
        writeTokens(server.url, round, acknowledged, stopped.signal),
        applyPolicies(server.url, round, begun, { planned: planned.resolve, applied: applied.resolve }, stopped.signal),
      ]);
      // While a plan is made and done, and while what was begun goes on.
      await (round % 2 === 0 ? planned : applied).promise;
      await new Promise((resolve) => setTimeout(resolve, (round * 37) % 250));
      await endServer(server, "SIGKILL");
      stopped.abort();
      await load;
    }
    const server = await up();
    await untilReady(server);
    const { body: tokens } = await ask(server.url, `${API}/tokens`);
    const names = new Set(tokens.items.map(({ name }: { name: string }) => name));
    assert.ok(acknowledged.size > KILLS, `${acknowledged.size} tokens`);
    assert.deepEqual(
      [...acknowledged].filter((name) => !names.has(name)),
      [],
    );
    const { body: operations } = await ask(server.url, `${API}/operations?limit=1000`);
    const states = new Map<number, string>();
    for (const { status } of operations.items) {
      states.set(status.number, status.state);
      ended[status.state] = (ended[status.state] ?? 0) + 1;
    }
    assert.ok(begun.size > 0, "no operation was begun");
    for (const number of begun) assert.ok(states.has(number), `operation ${number}`);
    assert.deepEqual(
      Object.keys(ended).filter((state) => !["settled", "undone"].includes(state)),
      [],
      JSON.stringify(ended),
    );
    await endServer(server, "SIGTERM");
  });
});

async function writeTokens(url: string, round: number, acknowledged: Set<string>, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const name = `t${round}-${number}`;
    const { status } = await ask(url, `${API}/tokens`, { name, role: "viewer" });
    if (status === 201) acknowledged.add(name);
  }
}

/** Back and forth between two wishes. */
async function applyPolicies(
  url: string,
  round: number,
  begun: Set<number>,
  on: { readonly planned: () => void; readonly applied: () => void },
  signal: AbortSignal,
): Promise<void> {
  for (let number = round; !signal.aborted; number++) {
    const text = `apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: load}\nspec: {select: {driver: igb}, numVfs: ${number % 2 === 0 ? 2 : 3}}\n`;
    const plan = await ask(url, `${API}/hosts/lab/plans`, { kind: "apply", document: { name: "load", text } });
    on.planned();
    if (plan.status !== 201) continue;
    const { status, body } = await ask(url, `${API}/plans/${plan.body.id}/apply`, {});
    if (status === 202 && body.operation !== null) begun.add(body.operation);
    on.applied();
  }
}
