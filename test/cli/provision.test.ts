/** Policies on a modelled machine, by the program itself: what a user sees and gets, from the first plan to the last release. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";

const VFLEET = join(ROOT, "bin/vfleet.js");
const WITH_STATE_ON = join(import.meta.dirname, "with-state-on.ts");
const MODEL = join(ROOT, "examples/models/82576.yaml");
const POLICY = join(ROOT, "examples/policies/igb-two-pools.yaml");
const temporary = mkdtempSync(join(tmpdir(), "vfleet-provision-"));
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };
const SOURCE = ["--source", `model:${MODEL}`];
const PF = "/sys/bus/pci/devices/0000:01:00.0";

function vfleet(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env, input });
  return { status, stdout, stderr };
}

function host(...args: readonly string[]) {
  return vfleet([...args, ...SOURCE]);
}

/** On the machine, past vfleet. */
function shell(command: string): string {
  return vfleet(["model", "shell", MODEL], `${command}\n`).stdout.trim();
}

/** A policy of our own, from its specification. */
function policy(name: string, spec: string): string {
  const path = join(temporary, `${name}.yaml`);
  writeFileSync(path, `apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`);
  return path;
}

/** What docs/provision.md shows is what there is to see. */
function assertInDocs(output: string): void {
  // Automatic addresses derive from the machine's ID, and that from where its file is.
  const anyMac = (text: string) => text.replaceAll(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, "MAC");
  const docs = anyMac(readFileSync(join(ROOT, "docs/provision.md"), "utf8"));
  // An example in a list stands deeper.
  const found = [output, output.replaceAll(/^(?=.)/gm, "  ")].some((text) => docs.includes(anyMac(text)));
  assert.ok(found, `not in docs/provision.md:\n${output}`);
}

after(() => {
  vfleet(["model", "off", MODEL]);
  rmSync(temporary, { recursive: true });
});

describe("vfleet plan, apply and the rest", () => {
  test("plan shows what would be done, and does nothing", () => {
    const { status, stdout } = host("plan", "-f", POLICY);
    assert.equal(status, 0);
    assert.match(stdout, /^0000:01:00\.0 {2}Intel 82576 .*\(eth0\) {2}policy tenant-net$/m);
    assert.match(stdout, /^ {2}numVfs {8}0 -> 7$/m);
    assert.match(stdout, /^ {2}VF 0-3 .*driver vfio-pci, vlan 100, max rate 500 Mbit\/s, spoof check on$/m);
    assert.match(stdout, /^ {2}VF 4-6 .*driver default, vlan 200, qos 3$/m);
    assert.match(stdout, /^\d+ steps on 1 PF, about \d/m);
    assertInDocs(stdout.replace(/^to do it:.*\n/m, ""));
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "0");
  });

  test("apply wants a yes where nobody can be asked, and --dry-run asks nothing", () => {
    const { status, stderr } = host("apply", "-f", POLICY);
    assert.equal(status, 2);
    assert.match(stderr, /VFL-0231/);
    const json = host("apply", "-f", POLICY, "--json");
    assert.deepEqual([json.status, json.stdout], [2, ""]);
    assert.equal(JSON.parse(json.stderr).error.code, "VFL-0231");
    assert.equal(host("apply", "-f", POLICY, "--dry-run").status, 0);
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "0");
  });

  test("apply: done and verified, a plain line for each thing", () => {
    const { status, stdout } = host("apply", "-f", POLICY, "--yes");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^✔ VFs created {11}7 of 7 .*7 VFs are there/m);
    assert.match(stdout, /^✔ settings {14}22 of 22 .*22 settings of 7 VFs/m);
    assert.match(stdout, /^✔ verified by reading back {3}operation 1:/m);
    assert.ok(!stdout.includes(String.fromCharCode(27)) && !stdout.includes("\r"));
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "7");
    assert.match(shell("ip link show eth0"), /vf 0 .*vlan 100.*tx rate 500/);
  });

  test("and there is nothing to do then, nor does apply do anything", () => {
    assert.match(host("plan", "-f", POLICY, "--check").stdout, /^nothing to do/);
    const { status, stdout } = host("apply", "-f", POLICY);
    assert.equal(status, 0);
    assert.match(stdout, /^nothing to do/);
  });

  test("status: VFs with pool, driver, settings and users", () => {
    const { status, stdout } = host("status", "-f", POLICY);
    assert.equal(status, 0);
    assert.match(stdout, /^1 PF, 7 VFs; all as desired$/m);
    assert.match(stdout, /^ {2}0 +0000:01:10\.0 +fast +vfio-pci +- +\S+ +vlan 100, max 500 Mbit\/s +-$/m);
    assert.match(stdout, /^ {2}4 +0000:01:11\.0 +shared +igbvf +eth\d/m);
  });

  test("set changes one VF; plan --check finds the drift, and apply mends it", () => {
    const { status, stdout } = host("set", "01:10.0", "vlan=300", "--yes");
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}VF 0 {10}vlan 100 -> 300$/m);
    assert.match(shell("ip link show eth0"), /vf 0 .*vlan 300/);
    assert.equal(host("plan", "-f", POLICY, "--check").status, 4);
    assert.equal(host("apply", "-f", POLICY, "--yes").status, 0);
    assert.match(shell("ip link show eth0"), /vf 0 .*vlan 100/);
  });

  test("set: slips of the hand are told, and nothing is asked of the host", () => {
    for (const [words, said] of [
      [["01:10.0", "vlna=3"], /did you mean vlan=/],
      [["01:10.0", "vlan=5000"], /vlan: 5000/],
      [["01:10.0", "vlan"], /no KEY=VALUE/],
      [["01:10.0", "vlan=[1"], /VFL-0001 .*vlan: "\[1" is no value/],
      [["01:10.0"], /what is to be set/],
      [["01:00.0", "vlan=3"], /which of its VFs/],
      [["eth0", "vf", "9", "vlan=3"], /VFL-0233 .*no VF 9/],
      [["05:00.0", "vf", "0", "vlan=3"], /VFL-0014/],
      [["01:10.0", "mac=auto"], /a policy's to derive/],
    ] as const) {
      const { status, stderr } = host("set", ...words, "--yes");
      assert.equal(status, 2, words.join(" "));
      assert.match(stderr, said);
    }
  });

  test("a VF that a process has open is not taken: refused first, with who, and what instead", () => {
    const group = shell("readlink /sys/bus/pci/devices/0000:01:10.0/iommu_group").split("/").at(-1);
    const pid = /\d+/.exec(shell(`hold /dev/vfio/${group}`))?.[0];
    const smaller = policy("smaller", "{select: {driver: igb}, numVfs: 3}");
    const { status, stdout } = host("apply", "-f", smaller, "--yes");
    assert.equal(status, 3);
    const lines = stdout.split("\n");
    assert.match(lines[1] ?? "", /^ {2}refused {7}VFL-0211 {2}1 VF is in use and would be lost$/);
    assert.match(lines[2] ?? "", new RegExp(`VF 0 {2}.*process ${pid}\\)? has /dev/vfio/${group} open`));
    assert.match(lines[3] ?? "", /^ {2}instead /);
    assert.match(stdout, /^refused: nothing was changed$/m);
    for (const command of ["reset", "bind"]) {
      const words = command === "bind" ? ["01:10.0", "default"] : ["01:10.0"];
      assert.equal(host(command, ...words, "--yes").status, 3, command);
    }
    const release = host("release", "--all", "--yes");
    assert.equal(release.status, 3);
    assertInDocs(release.stdout);
    assert.match(host("status").stdout, /has \/dev\/vfio\/\d+ open/);
    shell(`kill ${pid}`);
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "7");
  });

  test("reset: the VF as new, with what shows it", () => {
    const { status, stdout } = host("reset", "eth0", "vf", "5", "--yes");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /was reset by flr; before: Command .*after: Command/);
    assert.match(shell("ip link show eth0"), /vf 5 (?!.*vlan)/);
  });

  test("operations: each with its steps, old and new values, and the kernel's words", () => {
    const { stdout } = host("operations");
    assert.match(stdout, /^\d+ +settled +\S+ +.* reset 0000:01:00\.0 VF 5$/m);
    const shown = host("operations", "show", "2").stdout;
    assert.match(shown, /^operation 2 {2}settled {2}set 0000:01:00\.0 VF 0: vlan=300$/m);
    assert.match(shown, /✔ VF 0 vlan 100 -> 300$/m);
    assert.match(shown, /kernel: .*Setting VLAN 300, QOS 0x0 on VF 0/);
    assert.equal(JSON.parse(host("operations", "show", "2", "--json").stdout).operation.state, "settled");
    assert.equal(host("operations", "show", "99").status, 2);
    assert.match(host("recover").stdout, /^Nothing to recover/);
  });

  test("--persist keeps the files, and commands without -f go by them", () => {
    const nothing = host("plan");
    assert.equal(nothing.status, 2);
    assert.match(nothing.stderr, /VFL-0232/);
    const { status, stderr } = host("apply", "-f", POLICY, "--yes", "--persist");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /kept for the next boot: .*igb-two-pools\.yaml/);
    assert.equal(host("plan", "--check").status, 0);
    const other = policy("tenant-net", "{select: {driver: igb}, numVfs: 2}");
    const again = host("apply", "-f", other, "--yes", "--persist");
    assert.equal(again.status, 2);
    assert.match(again.stderr, /VfPolicy tenant-net already/);
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "7");
  });

  test("a wrong file: where, what, and what was meant; nothing is asked of the host", () => {
    const path = policy("wrong", "{select: {driver: igb}, numVFs: 3}");
    const { status, stderr } = host("apply", "-f", path, "--yes");
    assert.equal(status, 2);
    assert.match(stderr, /wrong\.yaml:4:\d+ numVFs is not known in spec; did you mean numVfs\?\n.*spec: .*\n *\^/);
  });

  test("a state folder that cannot be written to: told before anything is done", () => {
    const locked = join(temporary, "locked");
    mkdirSync(locked);
    writeFileSync(join(locked, "operations"), "not a folder");
    chmodSync(locked, 0o500);
    const { status, stderr } = host("set", "01:10.0", "vlan=9", "--yes", "--state", locked);
    assert.equal(status, 1);
    assert.match(stderr, /VFL-0307/);
    assert.match(shell("ip link show eth0"), /vf 0 .*vlan 100/);
  });

  test("a disk that is full, or read-only: told before anything is done", { skip: requireTool("root") }, () => {
    const state = join(temporary, "mounted");
    mkdirSync(state);
    for (const [options, errno] of [
      ["size=16k", "ENOSPC"],
      ["ro", "EROFS"],
    ] as const) {
      const set = ["set", "01:10.0", "vlan=9", "--yes", "--state", state, ...SOURCE];
      const { status, stderr } = spawnSync(
        "unshare",
        ["--mount", process.execPath, WITH_STATE_ON, state, options, process.execPath, VFLEET, ...set],
        { encoding: "utf8", env },
      );
      assert.equal(status, 1, stderr);
      assert.match(stderr, new RegExp(`VFL-0307 .*${errno}`));
      assert.match(shell("ip link show eth0"), /vf 0 .*vlan 100/);
    }
  });

  test("a VF that a claim has no use for any longer: nobody's before it was made as new", () => {
    const claim = (name: string, spec: string) => {
      const path = join(temporary, `claim-${name}.yaml`);
      writeFileSync(path, `apiVersion: vfleet.dev/v1alpha1\nkind: VfClaim\nmetadata: {name: ${name}}\nspec: ${spec}\n`);
      return ["-f", path];
    };
    const pool = ["-f", policy("pool", "{select: {driver: igb}, vfs: [{range: 4-6, pool: spare}]}")];
    const network = "network: {vlan: 9, trust: true}";
    const both = host("apply", ...pool, ...claim("k", `{guest: web, pool: spare, count: 2, ${network}}`), "--yes");
    assert.equal(both.status, 0, both.stdout);
    const k = claim("k", `{guest: web, pool: spare, ${network}}`);
    const { status, stdout } = host("apply", ...pool, ...k, ...claim("z", "{guest: db, pool: spare}"), "--yes");
    assert.equal(status, 0, stdout);
    assert.match(
      host("status", ...pool, ...k).stdout,
      /claim k: it asks for fewer VFs by now, .*0000:01:00\.0 VF 5 stays reserved until: vfleet release --ended/,
    );
    assert.match(shell("ip link show eth0"), /vf 5 .*vlan 9/);
    const released = host("release", "--ended", "--yes");
    assert.equal(released.status, 0, released.stdout);
    assert.match(shell("ip link show eth0"), /vf 4 .*vlan 9/);
    assert.doesNotMatch(shell("ip link show eth0"), /vf 5 .*vlan 9/);
    assert.match(host("release", "--ended", "--yes").stdout, /No claim has ended/);
    for (const name of ["k", "z"]) assert.equal(host("release", "--claim", name, "--yes").status, 0);
  });

  test("release, and a snapshot that takes no changes", () => {
    assert.equal(host("release").status, 2);
    const beside = policy("vlans", "{select: {driver: igb}, vfs: [{range: 0-1, network: {vlan: 5}}]}");
    const nothing = host("release", "--policy", "vlans", "-f", beside, "--yes");
    assert.equal(nothing.status, 2);
    assert.match(nothing.stderr, /VFL-0232 .*policy vlans makes no VFs/);
    assert.equal(host("release", "--policy", "tenant-net", "--yes").status, 0);
    assert.equal(shell(`cat ${PF}/sriov_numvfs`), "0");
    const picture = `snapshot:${join(ROOT, "fixtures/hosts/igb-nvme.tar.gz")}`;
    const plan = vfleet(["plan", "-f", POLICY, "--source", picture]);
    // The picture has no machine ID to make addresses of.
    assert.equal(plan.status, 3, plan.stderr);
    assert.match(plan.stdout, /VFL-0207/);
    const own = policy("own", "{select: {driver: igb, bdf: '*:00.0'}, numVfs: 2}");
    assert.equal(vfleet(["plan", "-f", own, "--source", picture]).status, 0);
    const apply = vfleet(["apply", "-f", own, "--yes", "--source", picture]);
    assert.equal(apply.status, 2);
    assert.match(apply.stderr, /VFL-0011 .*picture of a host, and takes no changes/);
  });

  test("explain knows fields beside codes", () => {
    const { stdout } = vfleet(["explain", "VfPolicy.spec.vfs.network.vlan"]);
    assert.match(stdout, /^VfPolicy\.spec\.vfs\.network\.vlan\n\n/);
    assert.match(stdout, /^example +vlan: 100$/m);
    assert.match(vfleet(["explain", "VfPolicy.spec.numVFs"]).stderr, /did you mean VfPolicy\.spec\.numVfs\?/);
  });

  test("nothing of it was written elsewhere", () => {
    const [machine = ""] = readdirSync(join(temporary, "state/vfleet/hosts"));
    const folder = join(temporary, "state/vfleet/hosts", machine);
    assert.deepEqual(readdirSync(folder).sort(), ["config", "locks", "state"]);
    assert.deepEqual(readdirSync(join(folder, "config")), ["igb-two-pools.yaml"]);
    assert.equal(readFileSync(join(folder, "config/igb-two-pools.yaml"), "utf8"), readFileSync(POLICY, "utf8"));
    assert.ok(existsSync(join(folder, "state/operations/000001.jsonl")));
  });
});
