/** A modelled host that is switched off, or reset, under a server that runs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";
import { API, askServer, endServer, servers, startServer, untilReady, VFLEET } from "./server-process.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-reset-"));
const FILE = join(temporary, "machine.yaml");
copyFileSync(join(ROOT, "examples/models/82576.yaml"), FILE);
const STATE = join(temporary, "server");
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };

function vfleet(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env });
  assert.equal(status, 0, `${args.join(" ")}\n${stderr}${stdout}`);
  return stdout;
}

after(() => {
  for (const child of servers) child.kill("SIGKILL");
  vfleet("model", "off", FILE);
  rmSync(temporary, { recursive: true, force: true });
});

it("it is seen again once it runs again, with its guests, traffic and events; the server does not power it on", async () => {
  const server = await startServer(["--source", `model:${FILE}`, "--state", STATE, "--interval", "0.3"], env);
  await untilReady(server);
  const ask = (path: string, body?: unknown) => askServer(server.url, STATE, `${API}/hosts/machine${path}`, body);
  const until = async (reachable: boolean) => {
    for (const ends = performance.now() + 30_000; ; await delay(50)) {
      const { status } = (await ask("")).body;
      if (status.reachable === reachable) return status;
      assert.ok(performance.now() < ends, JSON.stringify(status));
    }
  };
  await until(true);
  vfleet("model", "off", FILE);
  assert.match((await until(false)).problem, /powered off|not connected/);
  assert.notEqual((await ask("/traffic")).status, 200);
  assert.doesNotMatch(vfleet("model", "list"), /machine\.yaml/);

  vfleet("model", "reset", FILE);
  await until(true);
  assert.deepEqual((await ask("/traffic")).body.items, []);
  const plan = await ask("/plans", {
    kind: "apply",
    files: [
      {
        label: "one.yaml",
        text: "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: one}\nspec: {select: {driver: igb}, numVfs: 1}\n",
      },
    ],
  });
  assert.equal(plan.body.verdict, "changes", JSON.stringify(plan.body));
  const done = await askServer(server.url, STATE, `${API}/plans/${plan.body.id}/apply`, {});
  assert.equal(done.status, 202, JSON.stringify(done.body));
  assert.equal(await endServer(server, "SIGTERM"), 0);
});
