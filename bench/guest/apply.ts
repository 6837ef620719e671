/**
 * Runs in a lab machine: a whole `vfleet apply` of examples/policies/igb-two-pools.yaml, Node's start included, beside a shell
 * script of the same kernel operations, in turn.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { netdevOf } from "./netdev-of.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const PF = "/sys/bus/pci/devices/0000:01:00.0";
const PROGRAM = "/opt/vfleet";
const ROUNDS = 3;
const FAST = [0, 1, 2, 3];
const SHARED = [4, 5, 6];

writeFileSync("/etc/machine-id", "5ca1ab1e0ddba11c0ffee0facade0001\n");
for (const module of ["igb", "igbvf", "vfio-pci"]) run("modprobe", module);
const netdev = netdevOf(PF);
// From a disk of the machine's own, as it is installed; /script is a folder of another machine.
run("cp", "-r", "/script/vfleet", PROGRAM);
const script = "/tmp/seven-vfs.sh";
writeFileSync(script, shellScript());

const vfleetMs: number[] = [];
const scriptMs: number[] = [];
// The first round fills caches, and does not count.
for (let round = 0; round <= ROUNDS; round++) {
  const ofScript = await measured("sh", "-e", script);
  const ofVfleet = await measured(
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    `${PROGRAM}/bin/vfleet.js`,
    "apply",
    "-f",
    `${PROGRAM}/examples/policies/igb-two-pools.yaml`,
    "--yes",
  );
  if (round === 0) continue;
  scriptMs.push(ofScript);
  vfleetMs.push(ofVfleet);
}
appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "apply", vfleetMs, scriptMs })}\n`);

/** From a PF with no VFs whose interface is down, and back to it. */
async function measured(program: string, ...args: string[]): Promise<number> {
  writeFileSync(`${PF}/sriov_numvfs`, "0");
  run("ip", "link", "set", netdev, "down");
  await sleep(1000);
  const began = performance.now();
  run(program, ...args);
  return performance.now() - began;
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
}

/** As a person writes it: a command a setting, and looking whether it is so. */
function shellScript(): string {
  const settings = [...FAST, ...SHARED].flatMap((vf) => {
    const mac = `mac 02:00:00:00:01:0${vf}`;
    const own = FAST.includes(vf) ? ["vlan 100", "max_tx_rate 500", "spoofchk on"] : ["vlan 200 qos 3"];
    return [mac, ...own].map((setting) => `ip link set ${netdev} vf ${vf} ${setting}`);
  });
  const vf = (index: number) => `$(basename $(readlink ${PF}/virtfn${index}))`;
  const devices = "/sys/bus/pci/devices";
  return [
    "modprobe -a vfio-pci igbvf",
    `ip link set ${netdev} up`,
    `echo 0 >${PF}/sriov_drivers_autoprobe`,
    `echo 7 >${PF}/sriov_numvfs`,
    `[ $(cat ${PF}/sriov_numvfs) = 7 ]`,
    `until [ "$(cat /sys/class/net/${netdev}/carrier)" = 1 ]; do sleep 0.1; done`,
    ...settings,
    `ip -details link show dev ${netdev} >/dev/null`,
    `echo 1 >${PF}/sriov_drivers_autoprobe`,
    ...FAST.flatMap((index) => [
      `vf=${vf(index)}`,
      `echo vfio-pci >${devices}/$vf/driver_override`,
      "echo $vf >/sys/bus/pci/drivers_probe",
      `[ $(basename $(readlink ${devices}/$vf/driver)) = vfio-pci ]`,
    ]),
    ...SHARED.flatMap((index) => [
      `vf=${vf(index)}`,
      "echo $vf >/sys/bus/pci/drivers_probe",
      `[ $(basename $(readlink ${devices}/$vf/driver)) = igbvf ]`,
    ]),
    "",
  ].join("\n");
}
