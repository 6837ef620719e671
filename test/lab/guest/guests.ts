/**
 * Runs in the lab machine "guests": VFs of a real card given to two virtual machines and taken back, by vfleet's own commands.
 * It checks nothing: what it records is for test/lab/guests.test.ts to judge.
 */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { type InnerGuest, startInnerGuest } from "../../../src/lab/inner-guest.ts";
import {
  DEVICES,
  deviceOf,
  document,
  guestsNow,
  linkName,
  record,
  run,
  secondsSince,
  setUp,
  vfleet,
  vfOf,
} from "./commands.ts";

const NVME = "0000:02:00.0";
const PF_ADDRESS = "10.0.0.1";
const ADDRESSES = { web: "10.0.0.10", db: "10.0.0.11" };
const BULK_KIB = 512;
const BULK_PORT = 5000;

const began = performance.now();

const policy = (numVfs: number, onShrink: string) =>
  document("VfPolicy", "nics", {
    select: { driver: "igb" },
    numVfs,
    onShrink,
    pf: { up: true },
    vfs: [
      { range: "0-1", pool: "vm", driver: "vfio-pci", network: { mac: "auto" } },
      { range: `2-${numVfs - 1}`, driver: "default", network: { mac: "auto" } },
    ],
  });

const pfName = setUp("nvme");
run("ip", "address", "add", `${PF_ADDRESS}/24`, "dev", pfName);

// What is wanted: two VFs for virtual machines, claimed by name, and two for the host.
const nics = policy(4, "refuse");
const claims = ["web", "db"].map((guest) => document("VfClaim", `${guest}-nic`, { guest, pool: "vm" }));
vfleet("apply", "apply", "-f", nics, ...claims.flatMap((path) => ["-f", path]), "--yes");

const monitor = (name: string) => `/run/${name}.qmp`;
const start = (name: string) =>
  startInnerGuest({ name, args: ["-name", `guest=${name}`, "-qmp", `unix:${monitor(name)},server=on,wait=off`] });
const [web, db] = await Promise.all([start("web"), start("db")]);
if (!(web && db)) throw new Error("two guests are wanted");
vfleet("guests", "guests", "--json");
vfleet("no-such-guest", "attach", "--claim", "web-nic", "wbe", "--yes");

/** Its VF found by its own driver, and with an address. */
async function bringUp(guest: InnerGuest, address: string): Promise<string> {
  const status = await guest.awaitStatus(({ netDevices }) => netDevices.length > 0, "showed no network device");
  const name = status.netDevices.at(-1)?.name ?? "";
  await guest.run(`ip link set ${name} up && ip address add ${address}/24 dev ${name}`);
  const up = await guest.awaitStatus(({ netDevices }) => netDevices.at(-1)?.carrier === true, "had no carrier");
  record("in-guest", { guest: guest.name, status: up });
  return name;
}

vfleet("attach-web", "attach", "--claim", "web-nic", "--yes");
vfleet("attach-db", "attach", "--claim", "db-nic", "--yes");
await bringUp(web, ADDRESSES.web);
await bringUp(db, ADDRESSES.db);

// Traffic: between guests, to the PF, and a bulk that must arrive as it was.
record("ping", { of: "web -> pf", ...(await web.run(`ping -c 2 -W 10 ${PF_ADDRESS}`)) });
record("ping", { of: "web -> db", ...(await web.run(`ping -c 2 -W 10 ${ADDRESSES.db}`)) });
// Its own input stays open: at its end nc would take the connection down. Nobody connects before it listens.
await db.run(
  `sleep 600 | nc -l -p ${BULK_PORT} >/tmp/bulk & until grep -qi ':${BULK_PORT.toString(16)} ' /proc/net/tcp*; do sleep 0.1; done`,
);
const sent = await web.run(
  `dd if=/dev/urandom of=/tmp/bulk bs=1k count=${BULK_KIB} 2>/dev/null; nc ${ADDRESSES.db} ${BULK_PORT} </tmp/bulk 2>/tmp/nc & sha256sum /tmp/bulk`,
);
const received = await db.run(
  `for i in $(seq 100); do [ $(wc -c </tmp/bulk) -ge ${BULK_KIB << 10} ] && break; sleep 1; done; wc -c </tmp/bulk; sha256sum /tmp/bulk`,
  300_000,
);
record("bulk", { kib: BULK_KIB, sent, received, sender: await web.run("cat /tmp/nc") });

// Who has it, has it: a change that would take it away is refused, by name.
const webVf = deviceOf("web");
let errno = "opened";
try {
  closeSync(openSync(`/dev/vfio/${linkName(`${DEVICES}/${webVf}/iommu_group`)}`, "r+"));
} catch (error) {
  errno = (error as NodeJS.ErrnoException).code ?? "EIO";
}
record("second-user", { errno });
vfleet("refused", "bind", webVf, "default", "--yes");
vfleet("given-twice", "attach", webVf, "db", "--yes");

// While packets flow, web's VF is taken; db gets it, once web's claim has none of it.
await web.run(`ping -i 0.2 ${ADDRESSES.db} >/tmp/flow 2>&1 & sleep 1`);
vfleet("detach", "detach", webVf, "--yes");
record("detached", { flow: await web.run("killall ping; sleep 0.2; cat /tmp/flow"), status: await web.status() });
vfleet("reattach-refused", "attach", webVf, "db", "--yes");
vfleet("attach-again", "attach", webVf, "web", "--yes");
await bringUp(web, ADDRESSES.web);

// More VFs: the guests do without theirs for a while, and are told of.
const drain = policy(5, "drain");
vfleet("drain", "apply", "-f", drain, ...claims.flatMap((path) => ["-f", path]), "--yes");
const webName = await bringUp(web, ADDRESSES.web);
await bringUp(db, ADDRESSES.db);
record("ping", { of: "web -> db after drain", ...(await web.run(`ping -I ${webName} -c 2 -W 10 ${ADDRESSES.db}`)) });

// A guest that dies lets go; its claim's VF is made as new, and is nobody's: the other guest may have it.
const { pid } = guestsNow("before-kill").find(({ name }) => name === "web") ?? {};
if (pid !== undefined) process.kill(pid, "SIGKILL");
await web.stop();
vfleet("release", "release", "--claim", "web-nic", "--yes", "--json");
vfleet("reattach", "attach", webVf, "db", "--yes");
const second = await db.awaitStatus(({ netDevices }) => netDevices.length === 2, "showed no second network device");
record("in-guest", { guest: "db", status: second });
vfleet("detach-second", "detach", webVf, "--yes");

// A namespace of a disk, read by a guest.
await nvme();
vfleet("end", "guests", "--json");
await token(db);
await db.stop();
record("time", { of: "whole script", seconds: secondsSince(began) });

async function nvme(): Promise<void> {
  const disks = document("VfPolicy", "disks", {
    select: { bdf: NVME },
    numVfs: 1,
    vfs: [{ range: "0", pool: "disks", driver: "vfio-pci", nvme: { queues: 2, interrupts: 2, online: true } }],
  });
  if (vfleet("nvme-apply", "apply", "-f", disks, "--yes").status !== 0) return;
  const text = "written by the host, read by the guest\n";
  const fd = openSync("/dev/nvme0n1", "r+");
  writeFileSync(fd, text.padEnd(4096, "."));
  closeSync(fd);
  run("sync");
  vfleet("nvme-attach", "attach", vfOf(0, NVME), "db", "--yes");
  const status = await db?.awaitStatus(
    ({ pciDevices }) => pciDevices.some(({ driver }) => driver === "nvme"),
    "bound no nvme",
  );
  const read = await db?.run(
    "for i in 1 2 3 4 5; do ls /dev/nvme0n1 2>/dev/null && break; sleep 1; done; ls /dev/nvme*; head -c 39 /dev/nvme0n1",
  );
  record("nvme", { status, read });
  vfleet("nvme-detach", "detach", vfOf(0, NVME), "--yes");
}

/** The PF itself is a guest's: its VFs want the token that the guest's QEMU has set with it. */
async function token(guest: InnerGuest): Promise<void> {
  const own = "00112233-4455-6677-8899-aabbccddeeff";
  for (const [name, uuid] of [
    ["right", own],
    ["wrong", own.replace("0", "f")],
  ] as const) {
    writeFileSync(`/run/${name}.token`, `${uuid}\n`, { mode: 0o600 });
  }
  writeFileSync("/sys/module/vfio_pci/parameters/enable_sriov", "Y");
  writeFileSync(`${DEVICES}/${NVME}/sriov_numvfs`, "0");
  writeFileSync(`${DEVICES}/${NVME}/driver_override`, "vfio-pci");
  writeFileSync(`${DEVICES}/${NVME}/driver/unbind`, NVME);
  writeFileSync("/sys/bus/pci/drivers_probe", NVME);
  await guest.deviceAdd({ driver: "vfio-pci", id: "pf", host: NVME, bus: "port4", "vf-token": own });
  writeFileSync(`${DEVICES}/${NVME}/sriov_numvfs`, "1");
  const vf = vfOf(0, NVME);
  vfleet("token-missing", "attach", vf, guest.name, "--yes");
  vfleet("token-wrong", "attach", vf, guest.name, "--vf-token-file", "/run/wrong.token", "--yes");
  vfleet("token-right", "attach", vf, guest.name, "--vf-token-file", "/run/right.token", "--yes");
  record("token-journal", { holds: run("sh", "-c", `grep -rl ${own} /var/lib/vfleet || true`) });
}
