/** A change whose output nobody takes any more, or whose terminal goes: it comes to its end, and the exit code says to which. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";
import { endServer, startServer, VFLEET } from "./server-process.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-interrupted-"));
const MODEL = join(temporary, "machine.yaml");
copyFileSync(join(ROOT, "examples/models/82576.yaml"), MODEL);
const POLICY = join(temporary, "policy.yaml");
writeFileSync(
  POLICY,
  "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: nics}\n" +
    "spec: {select: {driver: igb}, numVfs: 4, vfs: [{range: 0-, driver: vfio-pci, network: {vlan: 7}}]}\n",
);
// A shell of CI may stand under nohup.
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1", _: VFLEET };
const SOURCE = ["--source", `model:${MODEL}`];
const APPLY = [VFLEET, "apply", "-f", POLICY, "--yes", ...SOURCE];

function vfleet(args: readonly string[], input = ""): string {
  return spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env, input }).stdout;
}

const shell = (command: string) => vfleet(["model", "shell", MODEL], `${command}\n`);

/** States of all operations, and how many VFs there are. */
function came(): readonly [states: readonly string[], numVfs: string] {
  const { operations } = JSON.parse(vfleet(["operations", "--json", ...SOURCE]));
  const states = operations.map(({ state }: { state: string }) => state);
  return [states, shell("cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs").trim()];
}

afterEach(() => {
  vfleet(["model", "off", MODEL]);
  rmSync(join(temporary, "state"), { recursive: true, force: true });
});
after(() => rmSync(temporary, { recursive: true }));

describe("a change whose output nobody takes", () => {
  it("goes on where the pipe is closed, and ends with the exit code of what it did", async () => {
    const child = spawn(process.execPath, APPLY, { env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.once("data", () => child.stdout.destroy());
    const [stderr, [status, signal]] = await Promise.all([text(child.stderr), once(child, "close")]);
    assert.deepEqual([status, signal, stderr], [0, null, ""]);
    assert.deepEqual(came(), [["settled"], "4"]);
    // Nor does anything hang on the first line.
    const release = spawn(process.execPath, [VFLEET, "release", "01:00.0", "--yes", ...SOURCE], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    release.stdout.destroy();
    assert.deepEqual(await once(release, "close"), [0, null]);
    assert.deepEqual(came(), [["settled", "settled"], "0"]);
  });

  it("goes on where the disk is full, and says so where it can", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, APPLY, { env, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    const [stderr, [status]] = await Promise.all([text(child.stderr ?? assert.fail()), once(child, "close")]);
    assert.deepEqual([status, stderr], [0, "standard output takes nothing any more: ENOSPC; what is done goes on\n"]);
    assert.deepEqual(came(), [["settled"], "4"]);
    // Nor does it need to be able to say so.
    const silent = openSync("/dev/full", "w");
    const again = spawn(process.execPath, [...APPLY, "-f", join(temporary, "none")], {
      env,
      stdio: ["ignore", silent, silent],
    });
    closeSync(silent);
    assert.deepEqual(await once(again, "close"), [2, null]);
  });
});

describe("a terminal that goes", () => {
  /** Where the kernel takes its time over the VFs. */
  async function begun(more: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    shell("fault sriov-stall 0000:01:00.0");
    const child = spawn(process.execPath, APPLY, { env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
    while (!vfleet(["operations", "--json", ...SOURCE]).includes('"state": "applying"')) {
      assert.equal(child.exitCode, null);
    }
    return child;
  }

  it("stops it at the next step and has it undone, however often it is told", async () => {
    const child = await begun();
    const closed = Promise.all([
      text(child.stdout ?? assert.fail()),
      text(child.stderr ?? assert.fail()),
      once(child, "close"),
    ]);
    for (let times = 0; times < 3; times++) {
      child.kill("SIGHUP");
      await delay(50);
    }
    shell("fault recovery 0000:01:00.0");
    const [stdout, stderr, [status, signal]] = await closed;
    assert.deepEqual([status, signal], [1, null], stderr);
    assert.match(stderr, /^stopping at the next step, and undoing/);
    assert.match(stdout, /↺ undone: all is as it was before/);
    assert.deepEqual(came(), [["undone"], "0"]);
  });

  it("is nothing to it under nohup", async () => {
    const child = await begun({ _: "/usr/bin/nohup" });
    const closed = Promise.all([text(child.stderr ?? assert.fail()), once(child, "close")]);
    child.stdout?.resume();
    child.kill("SIGHUP");
    await delay(50);
    shell("fault recovery 0000:01:00.0");
    const [stderr, [status]] = await closed;
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(came(), [["settled"], "4"]);
  });
});

describe("a server that answers no more", () => {
  it("is left at the second Ctrl-C, with what was seen last, also where its key is pinned", async () => {
    const state = join(temporary, "server");
    const server = await startServer([...SOURCE, "--state", state, "--tls-generate"], env);
    try {
      const [, pin = ""] = /its key: (sha256\S+)/.exec(server.output) ?? [];
      const access = ["--server", server.url, "--token-file", join(state, "token"), "--pin", pin];
      shell("fault sriov-stall 0000:01:00.0");
      const child = spawn(process.execPath, [VFLEET, "apply", "-f", POLICY, "--yes", ...access], { env });
      const closed = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      while (!vfleet(["operations", "--json", ...SOURCE]).includes('"state": "applying"')) {
        assert.equal(child.exitCode, null);
      }
      // Until it has seen of it what there is to see.
      await delay(1500);
      server.child.kill("SIGSTOP");
      await interruptTwice(child);
      const [stdout, stderr, [status]] = await closed;
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^stopping at the next step/);
      assert.match(stdout, /not ended {3}operation 1: vfleet operations show 1\n {2}then {8}vfleet recover\n$/);
    } finally {
      server.child.kill("SIGCONT");
      await endServer(server, "SIGKILL");
    }
  });

  it("and so from vfleet migrate, of which it had not said that it began", async () => {
    const requests: string[] = [];
    const ok = { check: "vf", method: "vfio", result: "ok", summary: "it goes", evidence: [], remedy: "" };
    const move = { method: "vfio", guest: "model:web", destination: "model:there.yaml", vfs: [] };
    const answers: Readonly<Record<string, unknown>> = {
      hosts: { items: [{ metadata: { name: "one" }, status: { source: "model:one.yaml" } }] },
      state: { pfs: [] },
      plans: { id: "1", plan: { pfs: [] }, title: "", ended: [], keeps: [], migration: { checks: [ok], move } },
    };
    const silent = createServer((request, response) => {
      const [path = ""] = (request.url ?? "").split("?");
      requests.push(path);
      const { [path.split("/").at(-1) ?? ""]: answer } = answers;
      if (answer === undefined) return;
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    });
    await once(silent.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = silent.address() as AddressInfo;
      const token = join(temporary, "token");
      writeFileSync(token, "vft_x\n");
      const access = ["--server", `http://127.0.0.1:${port}`, "--token-file", token];
      const args = [VFLEET, "migrate", "web", "--to", "model:there.yaml", "--yes", ...access];
      const child = spawn(process.execPath, args, { env });
      const closed = Promise.all([text(child.stderr), once(child, "close")]);
      while (!requests.some((path) => path.endsWith("/apply"))) {
        assert.equal(child.exitCode, null, requests.join());
        await delay(20);
      }
      await interruptTwice(child);
      const [stderr, [status]] = await closed;
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^calling the guest back; .*; once more leaves it to the server\nvfleet: VFL-0522 /);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});

async function interruptTwice(child: ChildProcess): Promise<void> {
  for (let times = 0; times < 2; times++) {
    child.kill("SIGINT");
    await delay(200);
  }
}
