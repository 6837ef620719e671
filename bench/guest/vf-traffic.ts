/**
 * Runs in a lab machine: how many frames of 64 bytes a second go from one VF of QEMU's igb to another, each VF with igbvf in a
 * network namespace of its own. UDP from iperf3, as fast as it can; frames are counted where they arrive.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { netdevOf } from "./netdev-of.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const PF = "/sys/bus/pci/devices/0000:01:00.0";
const SECONDS = 10;
/** With Ethernet, IPv4 and UDP headers and the check sequence: 64. */
const PAYLOAD_BYTES = 18;
const RECEIVER = "10.7.0.2";

execFileSync("modprobe", ["igb"]);
execFileSync("modprobe", ["igbvf"]);
const pf = netdevOf(PF);
execFileSync("ip", ["link", "set", pf, "up"]);
writeFileSync(`${PF}/sriov_numvfs`, "2");
const sender = await vfInNamespace(0, "sender", "10.7.0.1");
const receiver = await vfInNamespace(1, "receiver", RECEIVER);
await answers();

const server = spawn("ip", ["netns", "exec", "receiver", "iperf3", "-s", "-1"], { stdio: "ignore" });
try {
  await sleep(2000);
  const client = spawn(
    "ip",
    ["netns", "exec", "sender", "iperf3", "-u", "-c", RECEIVER, "-b", "0", "-l", `${PAYLOAD_BYTES}`, "-t", "60"],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  try {
    await sleep(5000);
    const before = { frames: frames(receiver, "rx"), sent: frames(sender, "tx"), at: performance.now() };
    await sleep(SECONDS * 1000);
    const seconds = (performance.now() - before.at) / 1000;
    const received = frames(receiver, "rx") - before.frames;
    const sent = frames(sender, "tx") - before.sent;
    if (received === 0) throw new Error("no frame arrived");
    appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "traffic", received, sent, seconds })}\n`);
  } finally {
    client.kill();
  }
} finally {
  server.kill();
}

interface Interface {
  readonly namespace: string;
  readonly name: string;
}

async function vfInNamespace(index: number, namespace: string, address: string): Promise<Interface> {
  const device = `${PF}/virtfn${index}`;
  for (let tries = 0; tries < 100 && !hasNetdev(device); tries++) await sleep(100);
  const name = netdevOf(device);
  execFileSync("ip", ["netns", "add", namespace]);
  execFileSync("ip", ["link", "set", name, "netns", namespace]);
  execFileSync("ip", ["-n", namespace, "address", "add", `${address}/24`, "dev", name]);
  execFileSync("ip", ["-n", namespace, "link", "set", name, "up"]);
  return { namespace, name };
}

function hasNetdev(device: string): boolean {
  try {
    return readdirSync(`${device}/net`).length > 0;
  } catch {
    return false;
  }
}

/** Until the links are up. */
async function answers(): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    const ping = spawnSync("ip", ["netns", "exec", "sender", "ping", "-c", "1", "-W", "1", RECEIVER]);
    if (ping.status === 0) return;
    await sleep(500);
  }
  throw new Error(
    `no answer from ${RECEIVER}; carrier of ${pf}: ${readFileSync(`/sys/class/net/${pf}/carrier`, "utf8")}`,
  );
}

function frames({ namespace, name }: Interface, direction: "rx" | "tx"): number {
  const text = execFileSync("ip", ["-n", namespace, "-s", "-j", "link", "show", "dev", name], { encoding: "utf8" });
  const [link] = JSON.parse(text) as { stats64: Record<"rx" | "tx", { packets: number }> }[];
  if (link === undefined) throw new Error(`${name} is gone`);
  return link.stats64[direction].packets;
}
