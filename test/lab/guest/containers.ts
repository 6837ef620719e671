/**
 * Runs in the lab machine "igb": VFs of a real card given to containers and taken back, by vfleet's own commands and its CNI plugin.
 * It checks nothing: what it records is for test/lab/containers.test.ts to judge.
 */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DEVICES,
  document,
  guestsNow,
  linkName,
  PROGRAM,
  record,
  run,
  secondsSince,
  setUp,
  vfleet,
  vfOf,
} from "./commands.ts";

const pfName = setUp();
const nics = document("VfPolicy", "nics", {
  select: { driver: "igb" },
  numVfs: 4,
  pf: { up: true },
  vfs: [{ range: "2-3", driver: "default", network: { mac: "auto" } }],
});
vfleet("apply", "apply", "-f", nics, "--yes");

for (const name of ["one", "two", "three"]) run("ip", "netns", "add", name);
const settings = { vlan: 100, vlanQoS: 3, spoofchk: "on", trust: "off", max_tx_rate: 500 };
const macs = ["02:00:00:00:00:21", "02:00:00:00:00:22"];
const network = (mac?: string) => ({ ...settings, runtimeConfig: { mac } });
// A namespace by hand, before any runtime comes.
run("ip", "netns", "add", "blue");
vfleet("netns-attach", "attach", vfOf(2), "netns:blue", "--yes");
record("netns", { links: run("ip", "-n", "blue", "-br", "link"), guests: guestsNow("netns-guests") });
vfleet("netns-refused", "bind", vfOf(2), "vfio", "--yes");
vfleet("netns-detach", "detach", vfOf(2), "--yes");
record("netns-back", { names: readdirSync(`${DEVICES}/${vfOf(2)}/net`) });
run("ip", "netns", "del", "blue");
cni("add-one", "ADD", 2, "one", network(macs[0]));
cni("add-two", "ADD", 3, "two", network(macs[1]));
cni("taken", "ADD", 2, "three", network());
cni("check", "CHECK", 2, "one", network(macs[0]));
await linkUp("one");
await linkUp("two");
frame("one VLAN", "own");
frame("one VLAN, a source that is not the VF's", "02:00:00:00:00:66");
run("ip", "link", "set", pfName, "vf", "3", "vlan", "200");
frame("two VLANs", "own");
cni("check-changed", "CHECK", 3, "two", network(macs[1]));
// What a container may do with its own interface.
run("ip", "-n", "one", "link", "set", "net1", "down");
run("ip", "-n", "one", "link", "set", "net1", "name", "mine");
cni("del-one", "DEL", 2, "one", network(macs[0]));
// The runtime died, and so did the container: its VF comes back by itself, and GC makes it what it was.
run("ip", "netns", "del", "two");
cni("gc", "GC", 3, "two", { "cni.dev/valid-attachments": [] });
run("ip", "netns", "del", "one");

// A VF that a program in the container is to open itself: till then only the plugin's record tells whose it is.
vfleet("bind-vfio", "bind", vfOf(2), "vfio", "--yes");
const group = openSync(`/dev/vfio/${linkName(`${DEVICES}/${vfOf(2)}/iommu_group`)}`, "r+");
cni("vfio-held", "ADD", 2, "three", network(macs[0]));
closeSync(group);
cni("vfio-add", "ADD", 2, "three", network(macs[0]));
vfleet("vfio-refused", "bind", vfOf(2), "default", "--yes");
cni("vfio-del", "DEL", 2, "three", network(macs[0]));
vfleet("vfio-back", "bind", vfOf(2), "default", "--yes");

function cni(stage: string, command: string, index: number, container: string, more: object = {}): void {
  const since = performance.now();
  const bdf = vfOf(index);
  const { status, stdout } = spawnSync(process.execPath, [`${PROGRAM}/dist/cni/main.cjs`], {
    input: JSON.stringify({ cniVersion: "1.1.0", name: "tenants", type: "vfleet-cni", deviceID: bdf, ...more }),
    encoding: "utf8",
    env: {
      ...{ PATH: process.env.PATH, CNI_COMMAND: command, CNI_PATH: "/usr/lib/cni" },
      ...{ CNI_CONTAINERID: container, CNI_NETNS: `/run/netns/${container}`, CNI_IFNAME: "net1" },
    },
  });
  const info = JSON.parse(run("ip", "-j", "-d", "link", "show", "dev", pfName))[0].vfinfo_list[index];
  const inside = spawnSync("ip", ["-n", container, "-j", "link", "show", "dev", "net1"], { encoding: "utf8" });
  record("cni", {
    ...{ stage, status, output: stdout === "" ? null : JSON.parse(stdout), info, seconds: secondsSince(since) },
    inside: inside.status === 0 ? JSON.parse(inside.stdout)[0] : null,
    host: existsSync(`${DEVICES}/${bdf}/net`) ? readdirSync(`${DEVICES}/${bdf}/net`) : [],
  });
}

/** Sends a frame from one container's interface and tells whether the other's gets it. */
function frame(of: string, source: string): void {
  const macOf = (container: string) =>
    run("ip", "netns", "exec", container, "cat", "/sys/class/net/net1/address").trim();
  const index = (container: string) =>
    run("ip", "netns", "exec", container, "cat", "/sys/class/net/net1/ifindex").trim();
  const hex = (macOf("two") + (source === "own" ? macOf("one") : source)).replaceAll(":", "");
  const address = "my $a = pack('SnlSCCa8', 17, 0x88b5, $ARGV[0], 0, 0, 6, '');";
  const receive = `${address} socket($s, 17, 3, 0xb588) or die; bind($s, $a) or die $!; $| = 1; print "ready\\n"; $SIG{ALRM} = sub { print "nothing\\n"; exit }; alarm 3; recv($s, $f, 2000, 0); print "frame\\n";`;
  const send = `${address} socket($s, 17, 3, 0) or die; send($s, pack('H*', $ARGV[1]) . ("x" x 50), 0, $a) or die $!;`;
  const shell =
    'ip netns exec two perl -e "$1" "$2" >/tmp/got & until grep -q ready /tmp/got; do sleep 0.1; done; ip netns exec one perl -e "$3" "$4" "$5"; wait';
  run("sh", "-c", shell, "sh", receive, index("two"), send, index("one"), `${hex}88b5`);
  record("frame", { of, got: run("tail", "-n", "1", "/tmp/got").trim() });
}

async function linkUp(container: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (run("ip", "-n", container, "link", "show", "dev", "net1").includes("LOWER_UP")) return;
    await sleep(100);
  }
}
