import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figure, median } from "./figure.ts";

const PEER = "/usr/lib/cni/host-device";
const ROUNDS = 60;
const WARM_UP_ROUNDS = 5;
const NINETY_NINTH = 0.99;

/**
 * ADD and DEL of the CNI plugin beside Debian's host-device, which moves an interface and no more, on the same veth by turns; and
 * what the plugin's start costs over Node's own.
 * @param plugin the built file
 */
export function cniFigures(plugin: string): void {
  if (process.getuid?.() !== 0 || !existsSync(PEER)) {
    console.error("no figures of CNI: they take root and Debian's containernetworking-plugins");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "vfleet-bench-cni-"));
  const netns = `vfb${process.pid}`;
  const [device, far] = [`b${process.pid}`, `p${process.pid}`];
  ip("netns", "add", netns);
  try {
    ip("link", "add", device, "type", "veth", "peer", "name", far);
    const bare = timesOf(() => run([process.execPath, "-e", "0"], {}, ""));
    const version = timesOf(() => run([process.execPath, plugin], { CNI_COMMAND: "VERSION" }, "{}"));
    figure("CNI plugin's start over node -e 0", median(version) - median(bare), "ms", { wanted: "a few" });

    const base = { cniVersion: "1.0.0", name: "bench", device };
    const ours = { command: [process.execPath, plugin], input: { ...base, type: "vfleet-cni", cniDir: folder } };
    const peers = { command: [PEER], input: { ...base, type: "host-device" } };
    const times = {
      ours: { ADD: [] as number[], DEL: [] as number[] },
      peers: { ADD: [] as number[], DEL: [] as number[] },
    };
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (const [name, { command, input }] of Object.entries({ ours, peers }) as ["ours" | "peers", typeof ours][]) {
        for (const call of ["ADD", "DEL"] as const) {
          const environment = {
            CNI_COMMAND: call,
            CNI_CONTAINERID: "bench",
            CNI_NETNS: `/run/netns/${netns}`,
            CNI_IFNAME: "net1",
            CNI_PATH: "/usr/lib/cni",
          };
          const began = performance.now();
          run(command, environment, JSON.stringify(input));
          if (round >= 0) times[name][call].push(performance.now() - began);
        }
      }
    }
    for (const call of ["ADD", "DEL"] as const) {
      const [own, peer] = [times.ours[call], times.peers[call]];
      for (const [what, of] of [
        ["p50", median],
        ["p99", ninetyNinth],
      ] as const) {
        figure(`CNI ${call}, ${what}`, of(own), "ms", { peer: of(peer) });
        figure(`CNI ${call}, ${what} / host-device`, of(own) / of(peer), "ratio");
      }
    }
  } finally {
    spawnSync("ip", ["link", "del", far], { stdio: "ignore" });
    ip("netns", "del", netns);
    rmSync(folder, { recursive: true });
  }
}

function timesOf(work: () => void): number[] {
  const times: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS / 2; round++) {
    const began = performance.now();
    work();
    if (round >= 0) times.push(performance.now() - began);
  }
  return times;
}

function ninetyNinth(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * NINETY_NINTH))] ?? Number.NaN;
}

function run([program = "", ...args]: readonly string[], environment: Record<string, string>, input: string): void {
  const { PATH } = process.env;
  const { status, stdout } = spawnSync(program, args, { input, encoding: "utf8", env: { PATH, ...environment } });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}`);
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: "ignore" });
}
