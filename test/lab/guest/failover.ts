/**
 * Runs in the lab machine "guests": a virtual machine with two VFs, and for each a virtio interface of its MAC address, moves from one
 * QEMU to another by `vfleet migrate`, while somebody sends it packets all the time. What is recorded, test/lab/failover.test.ts judges.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { InnerStatus } from "../../../src/lab/guest-channel.ts";
import { startInnerGuest } from "../../../src/lab/inner-guest.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const DEVICES = "/sys/bus/pci/devices";
const PF = "0000:01:00.0";
/** What the guest has twice: a VF, and who stands by for it. The address is that of the interface over both. */
const PAIRS = [
  { vf: 0, mac: "02:00:00:00:00:0a", port: "port2", address: "10.0.0.10" },
  { vf: 1, mac: "02:00:00:00:00:0b", port: "port4", address: "10.0.1.10" },
].map((pair, place) => ({
  ...pair,
  standby: `standby${place}`,
  standbyPort: `port${place * 2 + 1}`,
  /** Of the source, and of the destination. */
  taps: [`tapa${place}`, `tapb${place}`] as const,
}));
const [GUEST] = PAIRS.map(({ address }) => address) as [string];
const PEER = "10.0.0.20";
/** Minutes, so that there is a middle on a busy host, too; and seconds, so that packets go by the standby there. */
const SLOW_BYTES = 2 ** 18;
const FAST_BYTES = 8 * 2 ** 20;
const PROGRAM = "/opt/vfleet";
const VFLEET = ["--disable-warning=ExperimentalWarning", `${PROGRAM}/bin/vfleet.js`];
/** For the destination, and the one that only sends. */
const FREE_VFS = [2, 3];
const PEER_VF = 4;

const record = (kind: string, facts: object) => appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind, ...facts })}\n`);
const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" });
const vfOf = (index: number) => basename(readlinkSync(`${DEVICES}/${PF}/virtfn${index}`));
const setMac = (vf: number, mac: string) => run("ip", "link", "set", pfName, "vf", String(vf), "mac", mac);

run("cp", "-r", "/script/vfleet", PROGRAM);
run("modprobe", "-a", "igb", "igbvf", "vfio-pci", "bridge", "tun");
const pfName = readdirSync(`${DEVICES}/${PF}/net`)[0] ?? "";
run("ip", "link", "set", pfName, "up");
writeFileSync(`${DEVICES}/${PF}/sriov_drivers_autoprobe`, "0");
writeFileSync(`${DEVICES}/${PF}/sriov_numvfs`, String(PEER_VF + 1));
for (const { vf, mac } of PAIRS) setMac(vf, mac);
setMac(PEER_VF, "02:00:00:00:00:20");
for (const vf of [...PAIRS.map((pair) => pair.vf), ...FREE_VFS, PEER_VF]) {
  writeFileSync(`${DEVICES}/${vfOf(vf)}/driver_override`, vf === PEER_VF ? "igbvf" : "vfio-pci");
  writeFileSync("/sys/bus/pci/drivers_probe", vfOf(vf));
}

// The standbys' way: a bridge over the PF. The card gives the PF what no VF has asked for.
run("ip", "link", "add", "br0", "type", "bridge");
run("ip", "link", "set", pfName, "master", "br0");
run("ip", "link", "set", "br0", "up");
for (const tap of PAIRS.flatMap(({ taps }) => taps)) {
  run("ip", "tuntap", "add", tap, "mode", "tap");
  run("ip", "link", "set", tap, "master", "br0", "up");
}

// Who sends: the host by a VF of the same card; vfleet's pings go the same way. The bridge is in the same network, and would answer
// for the VF's address.
writeFileSync("/proc/sys/net/ipv4/conf/all/arp_ignore", "1");
const peerName = readdirSync(`${DEVICES}/${vfOf(PEER_VF)}/net`)[0] ?? "";
run("ip", "address", "add", `${PEER}/24`, "dev", peerName);
run("ip", "link", "set", peerName, "up");

const monitorOf = (name: string) => ["-name", `guest=${name}`, "-qmp", `unix:/run/${name}.qmp,server=on,wait=off`];

const source = await startInnerGuest({ name: "source", args: monitorOf("source") });
for (const [place, { mac, standby, standbyPort, taps }] of PAIRS.entries()) {
  const netdev = `net${place}`;
  await source.qmp.execute("netdev_add", { type: "tap", id: netdev, ifname: taps[0], script: "no", downscript: "no" });
  const device = { driver: "virtio-net-pci", id: standby, netdev, mac, failover: true, bus: standbyPort };
  await source.qmp.execute("device_add", device);
  const made = (place + 1) * 2;
  await source.awaitStatus(({ netDevices }) => netDevices.length >= made, "made no failover interface");
}
for (const { vf, port, standby } of PAIRS) {
  await source.deviceAdd({ driver: "vfio-pci", id: `vf${vf}`, host: vfOf(vf), bus: port, failover_pair_id: standby });
}
// A function has its driver before the driver has made its interface.
const withBoth = await source.awaitStatus(
  (status) => hasVfs(status) && status.netDevices.length >= 3 * PAIRS.length,
  "has no interfaces of igbvf",
);
record("guest", { when: "with both", status: withBoth });
record(
  "guest-links",
  await source.run(
    "for d in /sys/class/net/*; do [ -e $d/master ] && echo $(cat $d/address) $(basename $d) $(basename $(readlink $d/master)); done; true",
  ),
);
for (const { mac, address } of PAIRS) {
  const find = `for d in /sys/class/net/*; do [ -e $d/master ] && grep -q ${mac} $d/address && basename $(readlink $d/master); done | head -n 1`;
  const master = (await source.run(find)).output.trim();
  await source.run(`ip link set ${master} up && ip address add ${address}/24 dev ${master}`);
}
await sleep(3000);

const incoming = (name: string) =>
  startInnerGuest({
    name,
    start: { kind: "incoming" },
    args: [
      ...monitorOf(name),
      ...PAIRS.flatMap(({ mac, standby, standbyPort, taps }, place) => [
        ...["-netdev", `tap,id=net${place},ifname=${taps[1]},script=no,downscript=no`],
        ...["-device", `virtio-net-pci,id=${standby},netdev=net${place},mac=${mac},failover=on,bus=${standbyPort}`],
      ]),
    ],
  });

const probe = startProbe();
await sleep(3000);

// A destination that dies in the middle: the guest runs on where it was, and has its VF again.
await source.qmp.execute("migrate-set-parameters", { "max-bandwidth": SLOW_BYTES });
const doomed = await incoming("doomed");
await vfleet("rolled-back", ["migrate", "source", "--to", "doomed", "--probe", GUEST, "--yes"], (output) => {
  if (output.includes("moving")) void doomed.stop();
});
record("guest", { when: "rolled-back", status: await source.awaitStatus(hasVfs, "bound no igbvf again") });
record("host", { when: "rolled-back", ...hostNow() });

await sleep(2000);

await source.qmp.execute("migrate-set-parameters", { "max-bandwidth": FAST_BYTES });
const destination = await incoming("destination");
const began = Date.now();
await vfleet("moved", ["migrate", "source", "--to", "destination", "--probe", GUEST, "--yes", "--json"]);
record("seconds", { seconds: (Date.now() - began) / 1000 });
const up = await destination.awaitStatus(
  ({ netDevices }) => netDevices.length === 3 * PAIRS.length && netDevices.every(({ carrier }) => carrier === true),
  "had no carrier at its VFs",
);
record("guest", { when: "moved", status: up });
record("host", { when: "moved", ...hostNow() });
await sleep(4000);
const packets = await endProbe(probe);
record("packets", { packets });
await destination.stop();
await source.stop();

function hasVfs({ pciDevices }: InnerStatus): boolean {
  return pciDevices.filter(({ driver }) => driver === "igbvf").length === PAIRS.length;
}

/** What the PF has of its VFs, and where frames for the guest would go. */
function hostNow(): object {
  const [link] = JSON.parse(run("ip", "-json", "-details", "link", "show", pfName));
  const macs = (link.vfinfo_list as readonly { address: string }[]).map(({ address }) => address);
  const fdb = run("bridge", "fdb", "show")
    .split("\n")
    .filter((line) => PAIRS.some(({ mac }) => line.includes(mac)) && /self|static/.test(line));
  return { macs, fdb };
}

/** One command of vfleet, as a person gives it. @param onOutput is given all that it has printed so far */
async function vfleet(
  stage: string,
  args: readonly string[],
  onOutput: (output: string) => void = () => {},
): Promise<void> {
  const child = spawn(process.execPath, [...VFLEET, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onOutput(stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [status] = await once(child, "close");
  record("command", { stage, status, stdout, stderr });
  // Where the script fails nobody sees its records.
  process.stdout.write(`${stage}: ${status}\n${stdout.slice(-4000)}${stderr}\n`);
}

/** Sends an echo request every 50 ms, and notes when its answer came. */
function startProbe(): ChildProcess {
  writeFileSync(
    "/tmp/probe.pl",
    String.raw`use strict; use Socket;
sub now { my $t = "\0" x 16; syscall(228, 0, $t); my ($s, $ns) = unpack("qq", $t); return $s + $ns / 1e9 }
my ($to, $file) = @ARGV; my (%sent, %got); my $stop = 0; $SIG{TERM} = sub { $stop = 1 };
socket(my $s, PF_INET, SOCK_RAW, 1) or die $!; my $address = sockaddr_in(0, inet_aton($to)); my $seq = 0; my $next = now();
sub sum { my $c = 0; $c += $_ for unpack("n*", shift); $c = ($c >> 16) + ($c & 0xffff); $c += $c >> 16; return ~$c & 0xffff }
until ($stop) {
  if (now() >= $next) {
    my $p = pack("CCnnn", 8, 0, 0, 4711, $seq); $p = pack("CCnnn", 8, 0, sum($p), 4711, $seq);
    send($s, $p, 0, $address); $sent{$seq++} = now(); $next += 0.05; $next = now() if $next < now() - 1;
  }
  my $r = ""; vec($r, fileno($s), 1) = 1; my $wait = $next - now(); $wait = 0 if $wait < 0;
  if (select($r, undef, undef, $wait) > 0) {
    recv($s, my $a, 2000, 0); my ($type, $id, $n) = (unpack("C", substr($a, 20, 1)), unpack("nn", substr($a, 24, 4)));
    $got{$n} = now() if $type == 0 and $id == 4711;
  }
}
open(my $f, ">", "$file.new"); printf $f "%d %.3f %s\n", $_, $sent{$_}, defined $got{$_} ? sprintf("%.3f", $got{$_}) : "-" for 0 .. $seq - 1;
close $f; rename "$file.new", $file;
`,
  );
  return spawn("perl", ["/tmp/probe.pl", GUEST, "/tmp/probe.out"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

async function endProbe(
  child: ChildProcess,
): Promise<readonly { readonly sentMs: number; readonly gotMs: number | null }[]> {
  child.kill("SIGTERM");
  await once(child, "exit");
  if (!existsSync("/tmp/probe.out")) return [];
  return readFileSync("/tmp/probe.out", "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [, sent, got] = line.split(" ");
      return { sentMs: Number(sent) * 1000, gotMs: got === "-" ? null : Number(got) * 1000 };
    });
}
