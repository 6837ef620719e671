/** A server that is killed in the middle of a move, again and again: the guest is at one end, whole, and the record says at which. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { API, askServer, endServer, servers, startServer, type Up, untilReady, VFLEET } from "./server-process.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-killed-moves-"));
const STATE = join(temporary, "server");
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };
/** More of them by hand: VFLEET_KILLS=50 npm test -- killed-moves */
const KILLS = Number(process.env.VFLEET_KILLS ?? 8);
const MAC = "02:00:00:00:00:0a";
/** Of a whole move, which the first one measures, so that the kills are spread over it on any host. */
const PARTS = [0, 0.35, 0.15, 0.05, 0.25, 0.1, 0.2, 0.5];

const FILES = { one: join(temporary, "one.yaml"), two: join(temporary, "two.yaml") } as const;
type Host = keyof typeof FILES;
const HOSTS: readonly Host[] = ["one", "two"];
const otherOf = (host: Host): Host => (host === "one" ? "two" : "one");

function machine(name: Host, guests: string): void {
  writeFileSync(
    FILES[name],
    `apiVersion: vfleet.dev/v1alpha1
kind: Model
metadata: {name: ${name}}
spec:
  memory: 512MiB
  iommu: {interruptRemapping: true}
  kernel: {parameters: intel_iommu=on, modules: [igb, igbvf, vfio-pci, model_vfio_pci]}
  guests: ${guests}
  root: [{rootPort: {below: {device: "82576"}}}]
`,
  );
}

/** By commands at the machine, without the server. */
function vfleet(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env });
  assert.equal(status, 0, `${args.join(" ")}\n${stderr}${stdout}`);
  return stdout;
}

/** How many guests of the name "db" a machine has, and the VFs of each. */
function guestsAt(host: Host): readonly string[] {
  const { guests } = JSON.parse(vfleet("guests", "--source", `model:${FILES[host]}`, "--json"));
  return guests
    .filter(({ name }: { name: string }) => name === "db")
    .map(({ devices }: { devices: readonly unknown[] }) => `${devices.length} VF`);
}

const up = () => startServer([...HOSTS.flatMap((host) => ["--source", `model:${FILES[host]}`]), "--state", STATE], env);
const ask = (server: Up, path: string, body?: unknown) => askServer(server.url, STATE, `${API}/${path}`, body);

async function operationState(server: Up, host: Host, number: number): Promise<string> {
  const { body } = await ask(server, `hosts/${host}/operations?limit=1000`);
  const found = body.items.find(({ status }: { status: { number: number } }) => status.number === number);
  return found?.status.state ?? "none";
}

async function begin(server: Up, from: Host): Promise<number> {
  const wish = { kind: "migrate", guest: "db", destination: `model:${FILES[otherOf(from)]}` };
  const plan = await ask(server, `hosts/${from}/plans`, wish);
  assert.equal(plan.status, 201, JSON.stringify(plan.body));
  const applied = await ask(server, `plans/${plan.body.id}/apply`, {});
  assert.equal(applied.status, 202, JSON.stringify(applied.body));
  return applied.body.operation;
}

describe("a server that is killed in the middle of a move", () => {
  before(() => {
    machine("one", "[{name: db, memoryMib: 16}]");
    machine("two", "[]");
    const policy = join(temporary, "policy.yaml");
    const vfs = `[{range: 0, driver: model_vfio_pci}]`;
    writeFileSync(
      policy,
      `apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: nics}\nspec: {select: {driver: igb}, numVfs: 1, pf: {up: true}, vfs: ${vfs}}\n`,
    );
    for (const host of HOSTS) vfleet("apply", "-f", policy, "--yes", "--source", `model:${FILES[host]}`);
    vfleet("set", "01:10.0", `mac=${MAC}`, "--yes", "--source", `model:${FILES.one}`);
    vfleet("attach", "01:10.0", "db", "--yes", "--source", `model:${FILES.one}`);
  });
  after(() => {
    for (const child of servers) child.kill("SIGKILL");
    for (const host of HOSTS) vfleet("model", "off", FILES[host]);
    rmSync(temporary, { recursive: true, force: true });
  });

  it(`${KILLS} times: the guest is at one end with its VF, and the record says at which`, async (t) => {
    let at: Host = "one";
    let server = await up();
    await untilReady(server);
    const start = performance.now();
    const first = await begin(server, at);
    while ((await operationState(server, at, first)) === "applying") await delay(20);
    const wholeMs = performance.now() - start;
    assert.equal(await operationState(server, at, first), "settled");
    at = otherOf(at);

    const ends: string[] = [];
    for (let round = 0; round < KILLS; round++) {
      const number = await begin(server, at);
      await delay(wholeMs * (PARTS[round % PARTS.length] ?? 0));
      await endServer(server, "SIGKILL");
      server = await up();
      await untilReady(server);
      const state = await operationState(server, at, number);
      assert.ok(state === "settled" || state === "undone", `round ${round}: ${state}`);
      ends.push(state);
      const [there, gone] = state === "settled" ? [otherOf(at), at] : [at, otherOf(at)];
      assert.deepEqual([guestsAt(there), guestsAt(gone)], [["1 VF"], []], `round ${round}: ${state}`);
      at = there;
    }
    t.diagnostic(`${ends.join(" ")}; a whole move ${Math.round(wholeMs)} ms`);
    assert.ok(ends.includes("undone"), "none was cut off");
    assert.equal(await endServer(server, "SIGTERM"), 0);
  });
});
