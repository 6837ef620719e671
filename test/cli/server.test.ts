/**
 * Commands against a server say what they say at the host itself: the same machine is twice there, in state folders of their own,
 * and goes through the same commands, here by the program alone and there by a server.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";

const VFLEET = join(ROOT, "bin/vfleet.js");
const temporary = mkdtempSync(join(tmpdir(), "vfleet-client-"));
const ONE = join(temporary, "one.yaml");
const TWO = join(temporary, "two.yaml");
const HERE = environment("here");
const THERE = environment("there");
const STATE = join(temporary, "server");
const VF = "0000:01:10.0";
/** Each command is a process, twice. */
const LONG = { timeout: 600_000 };

function environment(name: string): NodeJS.ProcessEnv {
  const { VFLEET_SERVER: _, VFLEET_TOKEN_FILE: __, ...env } = process.env;
  return { ...env, XDG_STATE_HOME: join(temporary, name), NO_COLOR: "1" };
}

function machine(file: string, name: string, guests: string): void {
  writeFileSync(
    file,
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

function document(kind: string, name: string, spec: string): string {
  const path = join(temporary, `${name}.yaml`);
  writeFileSync(path, `apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`);
  return path;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function vfleet(args: readonly string[], env: NodeJS.ProcessEnv, input = ""): Promise<Ran> {
  const child = spawn(process.execPath, [VFLEET, ...args], { env });
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}

/** What a stream has said so far. */
function heardOf(stream: Readable): { readonly heard: string } {
  const so = { heard: "" };
  stream.setEncoding("utf8").on("data", (piece: string) => {
    so.heard += piece;
  });
  return so;
}

/** Without what differs from one time to the other: times, durations, processes, and whose folder it is. */
function timeless(told: string): string {
  return (
    told
      .replaceAll(join(temporary, "there"), join(temporary, "here"))
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+Z)?/g, "TIME")
      .replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, "TIME")
      .replaceAll(/"(tookMs|atMs|downtimeMs|withoutVfMs|pid)": (?:\d+|null)/g, '"$1": N')
      .replaceAll(/\bprocess \d+/g, "process N")
      .replaceAll(/\[ *\d+\.\d{6}\]/g, "[SINCE BOOT]")
      .replaceAll(/"bootId": "[0-9a-f-]+"/g, '"bootId": "BOOT"')
      .replaceAll(/\b\d+(?:\.\d+)? (?:ms|s|min)\b *(?:\d+ s)? */g, "DURATION ")
      // The column is as wide as what is in it.
      .replaceAll(/\bTOOK +/g, "TOOK ")
      .replaceAll(/ +$/gm, "")
  );
}

describe("commands against a server", () => {
  let server: ChildProcess;
  let url = "";

  before(async () => {
    machine(ONE, "one", "[{name: web, memoryMib: 16}, {name: db, memoryMib: 16}]");
    machine(TWO, "two", "[]");
    const sources = ["--source", `model:${ONE}`, "--source", `model:${TWO}`];
    const args = [VFLEET, "up", ...sources, "--state", STATE, "--listen", "127.0.0.1:0"];
    server = spawn(process.execPath, args, { env: THERE, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    for await (const piece of (server.stdout ?? assert.fail())
      .setEncoding("utf8")
      .iterator({ destroyOnReturn: false })) {
      output += piece;
      url = /listens at (\S+)\n.*\n/.exec(output)?.[1] ?? "";
      if (url !== "") break;
    }
  });
  after(async () => {
    const closed = once(server, "close");
    server.kill("SIGTERM");
    await closed;
    for (const env of [HERE, THERE]) for (const file of [ONE, TWO]) await vfleet(["model", "off", file], env);
    rmSync(temporary, { recursive: true, force: true });
  });

  const access = (host = "one") => ["--server", url, "--token-file", join(STATE, "token"), "--host", host];

  /** Here and there. @returns what it said */
  async function both(args: readonly string[], status = 0, [file, host] = [ONE, "one"]): Promise<Ran> {
    const [here, there] = await Promise.all([
      vfleet([...args, "--source", `model:${file}`], HERE),
      vfleet([...args, ...access(host)], THERE),
    ]);
    const words = args.join(" ");
    assert.deepEqual([here.status, there.status], [status, status], `${words}\n${here.stderr}${there.stderr}`);
    assert.equal(timeless(there.stdout), timeless(here.stdout), words);
    assert.equal(timeless(there.stderr), timeless(here.stderr), words);
    return there;
  }

  const shell = async (command: string, file = ONE) => {
    for (const env of [HERE, THERE]) await vfleet(["model", "shell", file], env, `${command}\n`);
  };

  const policy = () =>
    document(
      "VfPolicy",
      "nics",
      "{select: {driver: igb}, numVfs: 4, pf: {up: true}, vfs: [{range: 0, pool: vm, driver: vfio-pci}]}",
    );

  it("what is wanted: status, plan, apply, and what is kept", LONG, async () => {
    const file = ["-f", policy()];
    await both(["status"]);
    await both(["plan", ...file, "--check"], 4);
    await both(["plan", ...file, "--json"]);
    const { stdout } = await both(["apply", ...file, "--yes"]);
    assert.match(stdout, /✔ VFs created +4 of 4/);
    assert.match(stdout, /verified by reading back/);
    const { stderr } = await both(["apply", ...file, "--persist"]);
    assert.match(stderr, /kept for the next boot: .*nics\.yaml/);
    await both(["status", "--json"]);
    await both(["apply", "-f", document("VfPolicy", "wrong", "{numVFs: 1}")], 2);
    await both(["apply", "-f", document("VfPolicy", "many", "{select: {driver: igb}, numVfs: 99}"), "--yes"], 3);
  });

  it("reading: scan, show, preflight", LONG, async () => {
    await both(["scan"]);
    await both(["scan", "--tree"]);
    await both(["scan", "--json"]);
    await both(["show", VF]);
    await both(["show", "01:00.0", "--json"]);
    await both(["show", "05:00.0"], 2);
    await both(["preflight", "--json"]);
    await both(["preflight", "01:00.0", "--vfs", "3"], 3);
  });

  it("one VF: set, bind, reset", LONG, async () => {
    assert.match((await both(["set", "01:10.4", "vlan=100", "trust=on", "--yes"])).stdout, /vlan none -> 100/);
    await both(["set", "eth0", "vf", "3", "vlan=7", "--yes", "--json"]);
    await both(["set", "01:10.4", "vlna=3"], 2);
    await both(["set", "01:10.4", "vlan=5000", "--json"], 2);
    await both(["bind", "01:10.4", "vfio", "--yes"]);
    await both(["reset", "01:10.4", "--yes"]);
  });

  it("guests: who there is, attach, detach, claims", LONG, async () => {
    const claim = document("VfClaim", "web-nic", "{guest: web, pool: vm, lifetime: guest}");
    await both(["apply", "-f", policy(), "-f", claim, "--yes"]);
    await both(["attach", "--claim", "web-nic", "--yes"]);
    await both(["guests"]);
    await both(["guests", "--json"]);
    await both(["attach", VF, "db", "--yes"], 3);
    await both(["attach", "01:10.4", "wbe"], 3);
    await both(["guest-config", VF, "--for", "cdi"]);
    await shell("guest stop web");
    await both(["status", "-f", policy(), "-f", claim]);
    await both(["release", "--ended", "--yes"]);
    await both(["release", "--ended"]);
  });

  it("a guest that moves: the verdict, and the move", LONG, async () => {
    const there = "{select: {driver: igb}, numVfs: 1, pf: {up: true}, vfs: [{range: 0, driver: model_vfio_pci}]}";
    await both(["apply", "-f", document("VfPolicy", "there", there), "--yes"], 0, [TWO, "two"]);
    const to = ["--to", `model:${TWO}`];
    await both(["migrate", "db", ...to, "--check"], 3);
    await both(["bind", "01:10.2", "model_vfio_pci", "--yes"]);
    await both(["attach", "01:10.2", "db", "--yes", "--json"]);
    await both(["migrate", "db", ...to, "--check", "--json"]);
    const { stdout } = await both(["migrate", "db", ...to, "--yes"]);
    assert.match(stdout, /› plugged/);
    await both(["detach", VF, "--yes"], 0, [TWO, "two"]);
  });

  it("what was done: operations, recover, release", LONG, async () => {
    await both(["recover"]);
    await both(["operations"]);
    await both(["operations", "--json"]);
    await both(["operations", "show", "1"]);
    await both(["operations", "show", "99"], 2);
    await both(["release", "01:00.0", "--yes"]);
  });

  it("Ctrl-C while the server is at it: it undoes what it has begun, and the command tells so", LONG, async () => {
    const inMachine = (command: string) => vfleet(["model", "shell", ONE], THERE, `${command}\n`);
    await inMachine("fault sriov-stall 0000:01:00.0");
    const child = spawn(process.execPath, [VFLEET, "apply", "-f", policy(), "--yes", ...access()], { env: THERE });
    const [stdout, stderr, closed] = [text(child.stdout), heardOf(child.stderr), once(child, "close")];
    while (!/"state": "applying"/.test((await vfleet(["operations", "--json", ...access()], THERE)).stdout)) {
      assert.equal(child.exitCode, null, stderr.heard);
    }
    child.kill("SIGINT");
    while (!/stopping at the next step, and undoing/.test(stderr.heard)) await delay(20);
    await inMachine("fault recovery 0000:01:00.0");
    assert.deepEqual(await closed, [1, null], stderr.heard);
    assert.match(await stdout, /↺ undone: all is as it was before/);
    const { stdout: left } = await inMachine("cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs");
    assert.match(left, /^0$/m);
  });

  it("over TLS: by the pinned key of the server's own certificate, and by no other", LONG, async () => {
    const state = join(temporary, "tls");
    const args = [
      VFLEET,
      "up",
      "--source",
      `model:${ONE}`,
      "--state",
      state,
      "--listen",
      "127.0.0.1:0",
      "--tls-generate",
    ];
    const own = spawn(process.execPath, args, {
      env: environment("tls-machine"),
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const output = heardOf(own.stdout);
      while (!/the token is in/.test(output.heard)) await delay(20);
      const [, at = ""] = /listens at (https:\S+)/.exec(output.heard) ?? [];
      const [, pin = ""] = /its key: (sha256\S+)/.exec(output.heard) ?? [];
      const ask = (...more: string[]) =>
        vfleet(["status", "--server", at, "--token-file", join(state, "token"), ...more], THERE);
      const pinned = await ask("--pin", pin);
      assert.equal(pinned.status, 0, pinned.stderr);
      assert.match(pinned.stdout, /0000:01:00\.0/);
      const other = pin.replace(/\/\/./, (found) => (found === "//A" ? "//B" : "//A"));
      for (const refused of [await ask("--pin", other), await ask()]) {
        assert.deepEqual([refused.status, refused.stdout], [1, ""], refused.stderr);
        assert.match(refused.stderr, /VFL-0522/);
      }
      assert.equal((await ask("--pin", "sha1//x")).status, 2);
      assert.match((await vfleet(["status", ...access(), "--pin", pin], THERE)).stderr, /VFL-0001 .* no certificate/);
    } finally {
      const closed = once(own, "close");
      own.kill("SIGTERM");
      await closed;
      await vfleet(["model", "off", ONE], environment("tls-machine"));
    }
  });

  it("capture: the host in an archive", LONG, async () => {
    const there = join(temporary, "there.tar.gz");
    const { status, stderr } = await vfleet(["capture", there, "--anonymise", ...access()], THERE);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /\d+ entries, anonymised/);
    assert.equal((await vfleet(["scan", "--source", `snapshot:${there}`], HERE)).status, 0);
  });

  it("where it is: from the environment, by host, with a token; never in the clear over a network", LONG, async () => {
    const file = join(STATE, "token");
    const env = { ...THERE, VFLEET_SERVER: url, VFLEET_TOKEN_FILE: file };
    assert.equal((await vfleet(["guests", "--host", "two"], env)).status, 0);
    assert.match((await vfleet(["guests"], env)).stderr, /VFL-0001 the server has several hosts\n.*one, two/);
    // What is named on the command line counts.
    const here = await vfleet(["guests", "--source", `model:${ONE}`], { ...env, VFLEET_SERVER: "http://127.0.0.1:1" });
    assert.equal(here.status, 0, here.stderr);
    const told = async (args: readonly string[], code: string, status: number) => {
      const ran = await vfleet(args, THERE);
      assert.deepEqual([ran.status, ran.stderr.includes(code)], [status, true], `${args.join(" ")}: ${ran.stderr}`);
    };
    await told(["guests", "--server", url, "--token-file", file, "--host", "three"], "VFL-0504", 2);
    await told(["guests", "--server", url, "--token-file", ONE], "VFL-0515", 2);
    await told(["guests", "--server", url, "--token-file", join(temporary, "none")], "VFL-0515", 2);
    await told(["guests", "--server", "http://192.0.2.1:7420", "--token-file", file], "VFL-0515", 2);
    await told(["guests", "--server", "http://127.0.0.1:1", "--token-file", file], "VFL-0522", 1);
    await told(["guests", "--server", url, "--source", "linux"], "VFL-0001", 2);
    await told(["attach", "--claim", "any", "--vf-token-file", ONE, ...access()], "VFL-0001", 2);
    writeFileSync(join(temporary, "bad-token"), "x\n");
    await told(["guests", "--server", url, "--token-file", join(temporary, "bad-token")], "VFL-0502", 3);
    const made = await vfleet(["token", "create", "looks", "--role", "viewer", "--state", STATE], THERE);
    writeFileSync(join(temporary, "viewer"), made.stdout);
    const asViewer = ["--server", url, "--host", "one", "--token-file", join(temporary, "viewer")];
    assert.equal((await vfleet(["status", ...asViewer], THERE)).status, 0);
    await told(["apply", "-f", policy(), "--yes", ...asViewer], "VFL-0503", 3);
    assert.ok(readFileSync(file, "utf8").startsWith("vft_"));
  });

  it("commands of this machine alone say so", LONG, async () => {
    for (const words of [
      ["model", "list"],
      ["lab", "list"],
      ["decode", "-"],
      ["token", "list"],
      ["explain"],
      ["unit"],
      ["up"],
    ]) {
      const { status, stderr } = await vfleet([...words, "--server", url], THERE);
      assert.equal(status, 2, words.join(" "));
      assert.match(stderr, /VFL-0001 vfleet .* works at this machine alone, and takes no --server/);
    }
  });
});
