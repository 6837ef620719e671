/**
 * Runs in the lab machine "guests": passes two VFs to two guests and takes one back. It checks nothing: what it records is
 * for test/lab/passthrough.test.ts to judge.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { type InnerGuest, startInnerGuest } from "../../../src/lab/inner-guest.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VFS = [
  { name: "a", mac: "02:00:00:00:00:0a", address: "10.0.0.10" },
  { name: "b", mac: "02:00:00:00:00:0b", address: "10.0.0.11" },
];
const PF_ADDRESS = "10.0.0.1";

const began = performance.now();
const seconds = (since: number) => Number(((performance.now() - since) / 1000).toFixed(2));
const { LAB_RECORDS: records = "/dev/stdout" } = process.env;
const record = (kind: string, facts: object) => appendFileSync(records, `${JSON.stringify({ kind, ...facts })}\n`);
const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8" });
const device = (bdf: string) => `/sys/bus/pci/devices/${bdf}`;
const driverOf = (bdf: string) => basename(readlinkSync(`${device(bdf)}/driver`));
const groupOf = (bdf: string) => basename(readlinkSync(`${device(bdf)}/iommu_group`));
const bindTo = (bdf: string, driver: string) => {
  writeFileSync(`${device(bdf)}/driver_override`, driver);
  writeFileSync("/sys/bus/pci/drivers_probe", bdf);
};

run("modprobe", "-a", "igb", "igbvf", "vfio-pci");
const [pfName = ""] = readdirSync(`${PF}/net`);
run("ip", "link", "set", pfName, "up");
run("ip", "address", "add", `${PF_ADDRESS}/24`, "dev", pfName);
writeFileSync(`${PF}/sriov_drivers_autoprobe`, "0");
writeFileSync(`${PF}/sriov_numvfs`, String(VFS.length));
const vfs = VFS.map(({ mac, ...vf }, index) => {
  run("ip", "link", "set", pfName, "vf", String(index), "mac", mac);
  const bdf = basename(readlinkSync(`${PF}/virtfn${index}`));
  bindTo(bdf, "vfio-pci");
  return { ...vf, mac, bdf, group: groupOf(bdf) };
});
for (const { bdf, group } of vfs) {
  const members = readdirSync(`/sys/kernel/iommu_groups/${group}/devices`);
  record("on-host", { bdf, driver: driverOf(bdf), group, members });
}
record("time", { of: "two VFs made and bound to vfio-pci", seconds: seconds(began) });

/** Plugs a VF in, and brings its link up. */
async function pass(guest: InnerGuest, { name, mac, address, bdf }: (typeof vfs)[number]): Promise<void> {
  const added = performance.now();
  await guest.deviceAdd({ driver: "vfio-pci", id: "vf", host: bdf, bus: "port1" });
  const bound = await guest.awaitStatus(({ netDevices }) => netDevices.length > 0, "showed no network device");
  const boundSeconds = seconds(added);
  const [net] = bound.netDevices;
  if (net === undefined) throw new Error("no network device");
  await guest.run(`ip link set ${net.name} up && ip address add ${address}/24 dev ${net.name}`);
  await guest.awaitStatus(({ netDevices }) => netDevices[0]?.carrier === true, "had no carrier");
  const carrierSeconds = seconds(added);
  const ping = await guest.run(`ping -c 1 -W 10 ${PF_ADDRESS}`);
  record("passed", { guest: name, mac, bdf, ping, status: await guest.status() });
  record("time", {
    of: `guest ${name}: from device_add`,
    boundSeconds,
    carrierSeconds,
    pingSeconds: seconds(added),
  });
}

const starting = performance.now();
const guests = await Promise.all(VFS.map(({ name }) => startInnerGuest({ name })));
const [a, b] = guests;
const [vfA, vfB] = vfs;
if (!(a && b && vfA && vfB)) throw new Error("two guests are wanted");
record("time", { of: "two guests restored", seconds: seconds(starting) });
record("before", { status: await a.status() });
await Promise.all([pass(a, vfA), pass(b, vfB)]);

record("ping", { from: "a", to: "b", ...(await a.run(`ping -c 3 -W 10 ${vfB.address}`)) });
record("ping", { from: "b", to: "a", ...(await b.run(`ping -c 3 -W 10 ${vfA.address}`)) });

// The group belongs to the guest: nobody else has the device, whoever asks.
let errno: string | undefined;
try {
  closeSync(openSync(`/dev/vfio/${vfA.group}`, "r+"));
} catch (error) {
  errno = (error as NodeJS.ErrnoException).code;
}
const stealing = await b.deviceAdd({ driver: "vfio-pci", id: "stolen", host: vfA.bdf, bus: "port2" }).catch(String);
record("second-user", { open: errno ?? "opened", deviceAdd: stealing ?? "added" });

const unplugging = performance.now();
await a.deviceDel("vf");
record("time", { of: "device_del, until DEVICE_DELETED", seconds: seconds(unplugging) });
record("unplugged", { guest: "a", status: await a.status() });
// The guest without a VF runs on; the other goes with its VF.
record("after", { run: await a.run("echo still here; printf '\\000🐧' >&2; exit 3") });
await b.stop();
await a.stop();

writeFileSync(`${device(vfA.bdf)}/driver/unbind`, vfA.bdf);
bindTo(vfA.bdf, "igbvf");
const [backName = ""] = readdirSync(`${device(vfA.bdf)}/net`);
const mac = readFileSync(`${device(vfA.bdf)}/net/${backName}/address`, "utf8").trim();
record("back", { bdf: vfA.bdf, driver: driverOf(vfA.bdf), mac });
writeFileSync(`${PF}/sriov_numvfs`, "0");
record("end-of-vfs", { numVfs: readFileSync(`${PF}/sriov_numvfs`, "utf8").trim() });
record("time", { of: "whole script", seconds: seconds(began) });
