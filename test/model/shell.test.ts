/** The shell on a modelled machine, as scripts drive it. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";

const VFLEET = join(ROOT, "bin/vfleet.js");
const EXAMPLE = join(ROOT, "examples/models/82576.yaml");
const temporary = mkdtempSync(join(tmpdir(), "vfleet-shell-"));
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };
const PF = "/sys/bus/pci/devices/0000:01:00.0";

interface Answered {
  readonly command: string;
  readonly ok: boolean;
  readonly errno: string | null;
  readonly output: string;
}

function vfleet(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env, input });
  return { status, stdout, stderr };
}

/** Runs commands on the machine; what each answered. */
function shell(...commands: readonly string[]): Answered[] {
  const { stdout, stderr } = vfleet(["model", "shell", EXAMPLE, "--json"], `${commands.join("\n")}\n`);
  assert.equal(stderr, "");
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Answered);
  assert.deepEqual(
    answers.map(({ command }) => command),
    commands,
  );
  return answers;
}

/** `errno: output`, or the output alone. */
function said(...commands: readonly string[]): string[] {
  return shell(...commands).map(({ ok, errno, output }) => (ok ? output : `${errno}: ${output}`));
}

after(() => {
  vfleet(["model", "off", EXAMPLE]);
  rmSync(temporary, { recursive: true });
});

describe("vfleet model shell", () => {
  test("reads and writes /sys as a shell does, with the kernel's errno", () => {
    assert.deepEqual(
      said(
        `cat ${PF}/vendor ${PF}/nothing`,
        `echo 3 > ${PF}/sriov_numvfs`,
        `echo 2 > ${PF}/sriov_numvfs`,
        `echo -n 3 > ${PF}/sriov_numvfs`,
        `echo 8 > ${PF}/sriov_numvfs`,
        `echo x > ${PF}/sriov_numvfs`,
        `echo 1 > ${PF}/vendor`,
        `echo 1 > ${PF}/new`,
        "echo 1 > /sys/nowhere/file",
        `echo 1 > ${PF}`,
      ),
      [
        `ENOENT: 0x8086\ncat: ${PF}/nothing: No such file or directory\n`,
        "",
        "EBUSY: bash: echo: write error: Device or resource busy\n",
        "",
        "ERANGE: bash: echo: write error: Numerical result out of range\n",
        "EINVAL: bash: echo: write error: Invalid argument\n",
        `EACCES: bash: ${PF}/vendor: Permission denied\n`,
        `EACCES: bash: ${PF}/new: Permission denied\n`,
        "ENOENT: bash: /sys/nowhere/file: No such file or directory\n",
        `EISDIR: bash: ${PF}: Is a directory\n`,
      ],
    );
  });

  test("goes about: cd, pwd, ls, readlink, patterns", () => {
    assert.deepEqual(
      said(
        `cd ${PF}`,
        "pwd",
        "ls -d virtfn*",
        "readlink virtfn0 driver",
        "readlink -f virtfn2",
        "cat ../0000:01:1*/device",
        "cd ..",
        "pwd",
        "cd vendor",
        "cat *nothing*",
      ),
      [
        "",
        `${PF}\n`,
        "virtfn0\nvirtfn1\nvirtfn2\n",
        "../0000:01:10.0\n../../../../bus/pci/drivers/igb\n",
        "/sys/devices/pci0000:00/0000:00:01.0/0000:01:10.4\n",
        "0x10ca\n0x10ca\n0x10ca\n",
        "",
        "/sys/bus/pci/devices\n",
        "ENOENT: bash: cd: vendor: No such file or directory\n",
        "ENOENT: cat: *nothing*: No such file or directory\n",
      ],
    );
    const [long] = said(`ls -l ${PF}/sriov_numvfs ${PF}/driver ${PF}/remove`);
    assert.match(
      long ?? "",
      /^-rw-r--r-- 1 root root 4096 .* \S+sriov_numvfs\nlrwxrwxrwx .* \S+driver -> \.\.\S+igb\n--w------- /m,
    );
  });

  test("sets and shows network devices in iproute2's words", () => {
    const [, set, text, json, trust, none, missing] = said(
      "ip link set eth0 up",
      "ip link set eth0 vf 0 mac 52:54:00:00:00:01 vlan 100 qos 3 spoofchk off",
      "ip link show eth0",
      "ip -j -d link show eth0",
      "ip link set eth0 vf 0 state disable",
      "ip link set eth0 vf 7 trust on",
      "ip link show eth9",
    );
    assert.equal(set, "");
    assert.match(
      text ?? "",
      /^ {4}vf 0 {5}link\/ether 52:54:00:00:00:01 brd ff:ff:ff:ff:ff:ff, vlan 100, qos 3, spoof checking off, link-state auto, trust off$/m,
    );
    const [link] = JSON.parse(json ?? "") as [{ parentdev: string; vfinfo_list: Record<string, unknown>[] }];
    assert.equal(link.parentdev, "0000:01:00.0");
    assert.deepEqual(link.vfinfo_list[0]?.vlan_list, [{ vlan: 100, qos: 3 }]);
    assert.equal(trust, "EOPNOTSUPP: RTNETLINK answers: Operation not supported\n");
    assert.equal(none, "EINVAL: RTNETLINK answers: Invalid argument\n");
    assert.equal(missing, 'ENODEV: Device "eth9" does not exist.\n');
  });

  test("shows registers, the log and modules; loads and unloads", () => {
    const [list, registers, bytes, log, busy, missing, loaded] = said(
      "lspci -s 01:00.0",
      "lspci -vvv -s 1:0.0",
      "lspci -xxxx -s 01:10.0",
      "dmesg",
      "modprobe -r vfio",
      "modprobe no-such",
      "lsmod",
    );
    assert.equal(list, "01:00.0 Ethernet controller: Intel Corporation 82576 Gigabit Network Connection (rev 01)\n");
    assert.match(registers ?? "", /Single Root I\/O Virtualization|SR-IOV/);
    assert.match(bytes ?? "", /^00: ff ff ff ff /m);
    assert.match(bytes ?? "", /^ff0: /m);
    assert.match(log ?? "", /igb 0000:01:00\.0/);
    assert.match(busy ?? "", /^EBUSY: modprobe: FATAL: Module vfio is in use\.$/m);
    assert.match(missing ?? "", /^ENOENT: modprobe: FATAL: Module no-such not found/);
    assert.match(loaded ?? "", /^igbvf +\d+ +\d+/m);
  });

  test("sends frames from VF to VF, and tells why they cannot be sent", () => {
    said("ip link set eth0 up", "ip link set eth1 up", "ip link set eth2 up", "ip link set eth3 up");
    const [sent, usage, none] = said("traffic eth0 1 2 50 128", "traffic eth0 x 1", "traffic lo 0 1");
    assert.match(sent ?? "", /^50 sent, 50 received in [\d.]+ ms\n.*\bto the network; 0 IOMMU faults$/m);
    assert.match(sent ?? "", /^2 +50 +6400 +0 +0 +0$/m);
    assert.match(usage ?? "", /^null: traffic: usage/);
    // eth3 is VF 2's.
    assert.match(said("ip -s link show eth3")[0] ?? "", /^ {4}RX: .*\n {4}6400 50 0 0 0 0$/m);
    assert.equal(none, "ENODEV: traffic: lo: No such device\n");
    const down = said("ip link set eth3 down", "traffic eth0 2 1", "traffic start eth0 2 pf", "ip link set eth3 up");
    for (const text of down.slice(1, 3)) {
      assert.match(text, /^ENETDOWN: traffic: eth0: Network is down\n {2}FROM is .* up \(ip link set DEV up\)/);
    }
  });

  test("traffic goes on between commands, until it is stopped", async () => {
    const [started, usage] = said("traffic start eth0 2 pf --rate 2000 --bytes 128", "traffic start eth0 2");
    const id = /^flow (\d+) has begun/.exec(started ?? "")?.[1] ?? "";
    assert.match(usage ?? "", /^null: traffic: usage/);
    const counts = () => new RegExp(`^${id} +eth0 +2 +pf +2000 +128 +[\\d.]+ +(\\d+) +(\\d+) +- +-$`, "m");
    const received = () => Number(counts().exec(said("traffic list")[0] ?? "")?.[2] ?? 0);
    const until = performance.now() + 20_000;
    while (received() < 500 && performance.now() < until) await delay(100);
    const [ended, none] = said(`traffic stop ${id}`, `traffic stop ${id}`);
    assert.ok(Number(counts().exec(ended ?? "")?.[2]) >= 500, ended ?? "");
    assert.match(none ?? "", /^ENOENT: /);
    assert.match(said("traffic list")[0] ?? "", /^no traffic runs/);
  });

  test("puts faults upon the hardware", () => {
    const answers = said(
      "fault hang 0000:01:00.0",
      "lspci -xxx -s 01:00.0",
      "fault recovery 82576",
      "fault hang nothing",
      "fault frob x",
    );
    assert.match(answers[1] ?? "", /^00: ff ff ff ff/m);
    assert.match(
      answers[3] ?? "",
      /^null: fault: nothing is no part of this machine; usage: fault hang FUNCTION \[vf N\]$/m,
    );
    assert.match(answers[4] ?? "", /^null: fault: there is no fault frob/);
    assert.match(said("fault")[0] ?? "", /root port 0 +port$/m);
  });

  test("a line that is not understood is told, and the next one is run", () => {
    const answers = shell("frob", "cat a | b", "pwd");
    assert.deepEqual(
      answers.map(({ ok, errno }) => [ok, errno]),
      [
        [false, null],
        [false, null],
        [true, null],
      ],
    );
    assert.equal(answers[0]?.output, "bash: frob: command not found\n");
  });

  test("without --json it prints what Linux would, and ends with 1 where a command failed", () => {
    const good = vfleet(["model", "shell", EXAMPLE], `# a comment\ncat ${PF}/vendor\n\n`);
    assert.deepEqual(good, { status: 0, stdout: "0x8086\n", stderr: "" });
    const bad = vfleet(["model", "shell", EXAMPLE], `cat /nothing\ncat ${PF}/device\n`);
    assert.deepEqual(bad, { status: 1, stdout: "0x10c9\n", stderr: "cat: /nothing: No such file or directory\n" });
  });
});

describe("a model as a source, and its power", () => {
  test("scan, show, preflight and capture see the same machine", () => {
    const source = ["--source", `model:${EXAMPLE}`];
    shell(`echo 0 > ${PF}/sriov_numvfs`, `echo 2 > ${PF}/sriov_numvfs`);
    assert.match(vfleet(["scan", ...source]).stdout, /0000:01:00\.0 .* igb +eth0 .* 2\/7 of 8/);
    assert.match(vfleet(["show", "01:10.0", ...source]).stdout, /VF 0 of 0000:01:00\.0/);
    assert.equal(vfleet(["preflight", "01:00.0", "--vfs", "2", ...source]).status, 0);
    const out = join(temporary, "host.tar.gz");
    assert.equal(vfleet(["capture", out, ...source]).status, 0);
    assert.match(vfleet(["scan", "--source", out]).stdout, /2\/7 of 8/);
  });

  test("list tells of it; reset powers it off and on, with the file as it is", () => {
    const file = join(temporary, "model.yaml");
    writeFileSync(file, readFileSync(EXAMPLE));
    vfleet(["model", "shell", file], `echo 2 > ${PF}/sriov_numvfs\n`);
    const { machines } = JSON.parse(vfleet(["model", "list", "--json"]).stdout);
    assert.equal(machines.find((each: { file: string }) => each.file === file)?.state, "on");
    writeFileSync(file, readFileSync(file, "utf8").replace("ports: 1", "ports: 2"));
    assert.match(vfleet(["scan", "--source", `model:${file}`]).stderr, /was changed since the machine was powered on/);
    assert.equal(vfleet(["model", "reset", file]).status, 0);
    const { stdout, stderr } = vfleet(["scan", "--source", `model:${file}`]);
    assert.match(stdout, /2 PFs, 0 VFs/);
    assert.equal(stderr, "");
    writeFileSync(file, "kind: Modle\n");
    const refused = vfleet(["model", "reset", file]);
    assert.equal(refused.status, 2);
    assert.match(
      refused.stderr,
      /VFL-0016 (?:.*\n)*.*model\.yaml:1:7 kind: Model was expected\n {4}kind: Modle\n {10}\^/,
    );
    // It runs on: nobody's machine goes for a bad file.
    assert.equal(vfleet(["model", "off", file]).stderr, "intel-82576 is off\n");
    assert.match(vfleet(["model", "off", file]).stderr, /off already/);
  });

  test("the bundled example is the machine where no file is named", () => {
    const output = execFileSync(process.execPath, [VFLEET, "model", "shell"], {
      encoding: "utf8",
      env,
      input: "pwd\n",
    });
    assert.equal(output, "/sys/bus/pci/devices\n");
  });
});
