/**
 * Runs in a lab machine: what it costs to set VFs through the port, beside a shell script of the same settings, in turn.
 * The settings differ from round to round, so that each is a change.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openLinux } from "../../src/kernel/linux/linux-kernel.ts";
import type { VfChange } from "../../src/kernel/port-link.ts";
import { isPending } from "../../src/kernel/port-outcome.ts";
import { netdevOf } from "./netdev-of.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const kernel = openLinux();

const SIMULATED_VFS = 64;

await kernel.loadModule("igb");
await kernel.loadModule("netdevsim");
writeFileSync("/sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe", "0");
writeFileSync("/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "7");
writeFileSync("/sys/bus/netdevsim/new_device", "10 1");
writeFileSync("/sys/kernel/debug/netdevsim/netdevsim10/max_vfs", String(SIMULATED_VFS));
writeFileSync("/sys/bus/netdevsim/devices/netdevsim10/sriov_numvfs", String(SIMULATED_VFS));

// igb takes a rate only on a link that is up (igb_ndo_set_vf_bw).
const igb = netdevOf("/sys/bus/pci/devices/0000:01:00.0");
await kernel.setLink(igb, { up: true });
while (readFileSync(`/sys/class/net/${igb}/carrier`, "utf8").trim() !== "1") await sleep(100);

await compare("7 igb VFs", igb, 7, 5);
await compare("64 netdevsim VFs", netdevOf("/sys/bus/netdevsim/devices/netdevsim10"), SIMULATED_VFS, 2);

async function compare(what: string, netdev: string, vfs: number, rounds: number): Promise<void> {
  const portMs: number[] = [];
  const scriptMs: number[] = [];
  // The first round fills caches, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const changes = Array.from({ length: vfs }, (_, vfIndex) => change(vfIndex, round));
    const path = "/tmp/vf-settings.sh";
    writeFileSync(path, changes.map((one) => shellLines(netdev, one)).join(""));
    const scriptBegan = performance.now();
    const { status, stderr } = spawnSync("sh", ["-e", path], { encoding: "utf8" });
    const scriptTookMs = performance.now() - scriptBegan;
    if (status !== 0) throw new Error(`the script failed: ${stderr}`);

    const portBegan = performance.now();
    const outcomes = await kernel.setVfs(
      netdev,
      Array.from({ length: vfs }, (_, vfIndex) => change(vfIndex, round + 100)),
      { deadlineMs: 60_000 },
    );
    const portTookMs = performance.now() - portBegan;
    if (isPending(outcomes) || outcomes.some(({ outcome }) => outcome.kind !== "done")) {
      throw new Error(`the port failed: ${JSON.stringify(outcomes)}`);
    }
    if (round > 0) {
      portMs.push(portTookMs);
      scriptMs.push(scriptTookMs);
    }
  }
  appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "timing", what, portMs, scriptMs })}\n`);
}

function change(vfIndex: number, round: number): VfChange {
  const odd = (vfIndex + round) % 2 === 1;
  const last = (round * 7 + vfIndex).toString(16).padStart(4, "0");
  return {
    vfIndex,
    mac: `02:00:00:00:${last.slice(0, 2)}:${last.slice(2)}`,
    vlan: { id: 1 + ((vfIndex + round) % 4000) },
    txRateMbps: { max: 100 + ((vfIndex + round) % 800) },
    spoofCheck: odd,
    trust: !odd,
  };
}

/** As a person writes it: a command a setting. */
function shellLines(netdev: string, { vfIndex, mac, vlan, txRateMbps, spoofCheck, trust }: VfChange): string {
  const settings = [
    `mac ${mac}`,
    `vlan ${vlan?.id}`,
    `max_tx_rate ${txRateMbps?.max}`,
    `spoofchk ${spoofCheck ? "on" : "off"}`,
    `trust ${trust ? "on" : "off"}`,
  ];
  return settings.map((setting) => `ip link set ${netdev} vf ${vfIndex} ${setting}\n`).join("");
}
