import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { isUnread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import type { LinkChange, VfOutcome } from "../port-link.ts";
import { isPending, type Within } from "../port-outcome.ts";
import { openLinux } from "./linux-kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-ip-"));
after(() => rmSync(folder, { recursive: true }));

/** The kernel by way of an `ip` that does `line`. */
function kernelBy(name: string, line: string): ChangeableKernel {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
  return openLinux("/", { programs: { ip: path } });
}

function words(answer: Within<readonly VfOutcome[]>): string[] {
  assert.ok(!isPending(answer));
  return answer.map(({ vfIndex, setting, outcome }) => {
    return `${vfIndex} ${setting} ${outcome.kind === "failed" ? (outcome.errno ?? outcome.reason) : outcome.kind}`;
  });
}

const SKIP = requireTool("root") || requireTool("ip");

describe("rtnetlink on this kernel", { skip: SKIP }, () => {
  const netns = `vfleet-test-${process.pid}`;
  const kernel = kernelBy("netns-ip", `exec ip -netns ${netns} "$@"`);
  before(() => {
    execFileSync("ip", ["netns", "add", netns]);
    execFileSync("ip", ["-netns", netns, "link", "add", "a0", "type", "veth", "peer", "name", "a1"]);
  });
  after(() => execFileSync("ip", ["netns", "delete", netns]));

  async function set(netdev: string, change: LinkChange): Promise<string> {
    const answer = await kernel.setLink(netdev, change);
    return answer.kind === "failed" ? `${answer.errno}: ${answer.reason}` : answer.kind;
  }

  async function link(netdev: string): Promise<Record<string, unknown>> {
    const json = await kernel.ipLink(netdev);
    assert.ok(!isUnread(json), JSON.stringify(json));
    return JSON.parse(json)[0];
  }

  it("sets a network device", async () => {
    for (const change of [{ up: true }, { mtu: 1400 }, { mac: "02:00:00:00:00:0a" }, { up: false }, { name: "b0" }]) {
      assert.equal(await set("a0", change), "done");
    }
    const { mtu, address, flags } = await link("b0");
    assert.deepEqual(
      { mtu, address, up: (flags as string[]).includes("UP") },
      { mtu: 1400, address: "02:00:00:00:00:0a", up: false },
    );
    assert.equal(await set("b0", { name: "a0" }), "done");
  });

  it("gives the kernel's errno, also where iproute2 shows the kernel's words alone", async () => {
    assert.equal(await set("a0", { mac: "01:00:00:00:00:00" }), "EADDRNOTAVAIL: the kernel answered EADDRNOTAVAIL");
    assert.equal(await set("a0", { mtu: 100_000 }), "EINVAL: mtu greater than device maximum");
    assert.equal(await set("a0", { mtu: 1 }), "EINVAL: mtu less than device minimum");
    assert.equal(await set("a0", { name: "a1" }), "EEXIST: the kernel answered EEXIST");
    assert.equal(await set("none", { up: true }), 'ENODEV: Cannot find device "none"');
    assert.match(await set("a b", { up: true }), /^ENODEV: "a b" is no name/);
    const unknown = await kernel.ipLink("none");
    assert.ok(isUnread(unknown) && unknown.errno === "ENODEV");
  });

  it("answers for each setting of VFs", async () => {
    const answer = await kernel.setVfs("a0", [
      { vfIndex: 0, mac: "02:00:00:00:00:01", vlan: { id: 5, qos: 1, protocol: "802.1ad" }, txRateMbps: { max: 10 } },
      { vfIndex: 1, mac: "02:00", txRateMbps: { max: 10, min: 5 }, spoofCheck: true, linkState: "auto" },
      {
        vfIndex: 2,
        queryRss: true,
        trust: false,
        nodeGuid: "00:11:22:33:44:55:66:77",
        portGuid: "00:11:22:33:44:55:66:77",
      },
    ]);
    // No VFs on a veth; what reached the kernel was refused by it.
    assert.deepEqual(words(answer), [
      "0 mac EOPNOTSUPP",
      "0 vlan EOPNOTSUPP",
      "0 txRateMbps EOPNOTSUPP",
      "1 mac EINVAL",
      "1 txRateMbps EOPNOTSUPP",
      "1 spoofCheck EOPNOTSUPP",
      "1 linkState EOPNOTSUPP",
      "2 queryRss EOPNOTSUPP",
      "2 trust EOPNOTSUPP",
      "2 nodeGuid EOPNOTSUPP",
      "2 portGuid EOPNOTSUPP",
    ]);
    assert.deepEqual(words(await kernel.setVfs("none", [{ vfIndex: 0, trust: true }])), ["0 trust ENODEV"]);
    assert.deepEqual(await kernel.setVfs("a0", []), []);
  });
});

describe("setVfs", () => {
  const two = [
    { vfIndex: 0, trust: true, spoofCheck: false },
    { vfIndex: 1, vlan: { id: 7 } },
  ] as const;

  it("asks by one ip, a line a setting", async () => {
    const log = join(folder, "asked");
    const kernel = kernelBy("asked-ip", `printf '%s\\n' "$*" >${log}; cat >>${log}`);
    assert.deepEqual(words(await kernel.setVfs("eth0", two)), ["0 spoofCheck done", "0 trust done", "1 vlan done"]);
    assert.equal(
      readFileSync(log, "utf8"),
      "-force -batch -\nlink set dev eth0 vf 0 spoofchk off\nlink set dev eth0 vf 0 trust on\nlink set dev eth0 vf 1 vlan 7 qos 0\n",
    );
  });

  it("tells settings that were made from those that were not", async () => {
    const kernel = kernelBy(
      "mixed-ip",
      `printf '%s\\n' 'Warning: driver: as you like.' 'RTNETLINK answers: Device or resource busy' 'Command failed -:2' >&2; exit 1`,
    );
    assert.deepEqual(words(await kernel.setVfs("eth0", two)), ["0 spoofCheck done", "0 trust EBUSY", "1 vlan done"]);
  });

  it("keeps the kernel's words, and does not make up an errno for them", async () => {
    const kernel = kernelBy(
      "words-ip",
      "printf '%s\\n' 'Error: driver: VLAN offload is off.' 'Command failed -:3' >&2; exit 1",
    );
    assert.deepEqual(words(await kernel.setVfs("eth0", two)).at(-1), "1 vlan driver: VLAN offload is off");
  });

  it("says of none that it was made where ip ended early", async () => {
    for (const [name, line] of [
      ["gone-ip", "kill -9 $$"],
      ["usage-ip", "echo 'Error: argument \"trust\" is wrong' >&2; exit 255"],
    ] as const) {
      for (const text of words(await kernelBy(name, line).setVfs("eth0", two))) {
        assert.match(text, /whether it was set is not known/);
      }
    }
    const answer = await openLinux("/", { programs: { ip: join(folder, "no-ip") } }).setVfs("eth0", two);
    assert.deepEqual(words(answer), [
      "0 spoofCheck ip is not installed",
      "0 trust ip is not installed",
      "1 vlan ip is not installed",
    ]);
  });

  it("is pending as a whole", async () => {
    const answer = await kernelBy("slow-ip", "sleep 0.3").setVfs("eth0", two, { deadlineMs: 50 });
    assert.ok(isPending(answer));
    assert.deepEqual(words(await answer.finished()), ["0 spoofCheck done", "0 trust done", "1 vlan done"]);
  });

  it("reaches no host from a file system elsewhere", async () => {
    const elsewhere = openLinux(folder);
    const [text] = words(await elsewhere.setVfs("lo", [{ vfIndex: 0, trust: true }]));
    assert.equal(text, "0 trust of a file system elsewhere there are only files");
    const json = await elsewhere.ipLink("lo");
    assert.ok(isUnread(json) && json.errno === "ENODATA");
  });
});
