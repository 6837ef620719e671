/**
 * Runs in the lab machine "guests": a virtual machine with a VF and a virtio interface of the same MAC address moves from one QEMU
 * to another by `vfleet migrate`, while somebody sends it packets all the time. What is recorded, test/lab/failover.test.ts judges.
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
const MAC = "02:00:00:00:00:0a";
const GUEST = "10.0.0.10";
const PEER = "10.0.0.20";
/** Minutes, so that there is a middle on a busy host, too; and as QEMU has it by itself. */
const SLOW_BYTES = 2 ** 18;
const FAST_BYTES = 128 * 2 ** 20;
const PROGRAM = "/opt/vfleet";
const VFLEET = ["--disable-warning=ExperimentalWarning", `${PROGRAM}/bin/vfleet.js`];
/** Of the VF that only sends. */
const PEER_VF = 2;

const record = (kind: string, facts: object) => appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind, ...facts })}\n`);
const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" });
const vfOf = (index: number) => basename(readlinkSync(`${DEVICES}/${PF}/virtfn${index}`));
const setMac = (vf: number, mac: string) => run("ip", "link", "set", pfName, "vf", String(vf), "mac", mac);

run("cp", "-r", "/script/vfleet", PROGRAM);
run("modprobe", "-a", "igb", "igbvf", "vfio-pci", "bridge", "tun");
const pfName = readdirSync(`${DEVICES}/${PF}/net`)[0] ?? "";
run("ip", "link", "set", pfName, "up");
writeFileSync(`${DEVICES}/${PF}/sriov_drivers_autoprobe`, "0");
writeFileSync(`${DEVICES}/${PF}/sriov_numvfs`, "3");
setMac(0, MAC);
setMac(PEER_VF, "02:00:00:00:00:20");
for (const [index, driver] of [
  [0, "vfio-pci"],
  [1, "vfio-pci"],
  [PEER_VF, "igbvf"],
] as const) {
  writeFileSync(`${DEVICES}/${vfOf(index)}/driver_override`, driver);
  writeFileSync("/sys/bus/pci/drivers_probe", vfOf(index));
}

// The standby's way: a bridge over the PF. The card gives the PF what no VF has asked for.
run("ip", "link", "add", "br0", "type", "bridge");
run("ip", "link", "set", pfName, "master", "br0");
run("ip", "link", "set", "br0", "up");
for (const tap of ["tapa", "tapb"]) {
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
const standby = (tap: string) => ({
  netdev: { type: "tap", id: "net0", ifname: tap, script: "no", downscript: "no" },
  device: { driver: "virtio-net-pci", id: "standby", netdev: "net0", mac: MAC, failover: true, bus: "port1" },
});

const source = await startInnerGuest({ name: "source", args: monitorOf("source") });
const { netdev, device } = standby("tapa");
await source.qmp.execute("netdev_add", netdev);
await source.qmp.execute("device_add", device);
await source.awaitStatus(({ netDevices }) => netDevices.length >= 2, "made no failover interface");
await source.deviceAdd({ driver: "vfio-pci", id: "vf", host: vfOf(0), bus: "port2", failover_pair_id: "standby" });
// A function has its driver before the driver has made its interface.
const withBoth = await source.awaitStatus(
  (status) => hasVf(status) && status.netDevices.length >= 3,
  "has no interface of igbvf",
);
record("guest", { when: "with both", status: withBoth });
const master = (
  await source.run("for d in /sys/class/net/*; do [ -e $d/master ] && basename $(readlink $d/master); done | head -n 1")
).output.trim();
record("guest-links", await source.run("ip addr; for d in /sys/class/net/*; do echo $d $(readlink $d/master); done"));
await source.run(`ip link set ${master} up && ip address add ${GUEST}/24 dev ${master}`);
await sleep(3000);

const incoming = (name: string) =>
  startInnerGuest({
    name,
    start: { kind: "incoming" },
    args: [
      ...monitorOf(name),
      ...["-netdev", "tap,id=net0,ifname=tapb,script=no,downscript=no"],
      ...["-device", `virtio-net-pci,id=standby,netdev=net0,mac=${MAC},failover=on,bus=port1`],
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
record("guest", { when: "rolled-back", status: await source.awaitStatus(hasVf, "bound no igbvf again") });
record("host", { when: "rolled-back", ...hostNow() });

await sleep(2000);

await source.qmp.execute("migrate-set-parameters", { "max-bandwidth": FAST_BYTES });
const destination = await incoming("destination");
const began = Date.now();
await vfleet("moved", ["migrate", "source", "--to", "destination", "--probe", GUEST, "--yes", "--json"]);
record("seconds", { seconds: (Date.now() - began) / 1000 });
const up = await destination.awaitStatus(
  ({ netDevices }) => netDevices.length === 3 && netDevices.every(({ carrier }) => carrier === true),
  "had no carrier at its VF",
);
record("guest", { when: "moved", status: up });
record("host", { when: "moved", ...hostNow() });
await sleep(4000);
const packets = await endProbe(probe);
record("packets", { packets });
await destination.stop();
await source.stop();

function hasVf({ pciDevices }: InnerStatus): boolean {
  return pciDevices.some(({ driver }) => driver === "igbvf");
}

/** What the PF has of its VFs, and where frames for the guest would go. */
function hostNow(): object {
  const [link] = JSON.parse(run("ip", "-json", "-details", "link", "show", pfName));
  const macs = (link.vfinfo_list as readonly { address: string }[]).map(({ address }) => address);
  const fdb = run("bridge", "fdb", "show")
    .split("\n")
    .filter((line) => line.includes(MAC) && /self|static/.test(line));
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
