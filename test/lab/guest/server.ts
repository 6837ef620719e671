/**
 * Runs in a lab machine, for server.test.ts: `vfleet up` over the real kernel, led to from outside, and what becomes of the PF, by
 * sysfs. Ends when there were VFs and are none any more.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MACHINE_ADDRESS, OUTSIDE_MAC } from "../../../src/lab/qemu-arguments.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const PORT = 7420;
const MACHINE_ID = "5ca1ab1e0ddba11c0ffee0facade0001";
const LIMIT_MS = 600_000;

function record(kind: string, more: object): void {
  appendFileSync(process.env.LAB_RECORDS ?? "", `${JSON.stringify({ kind, ...more })}\n`);
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

// What addresses by `auto` are derived from.
writeFileSync("/etc/machine-id", `${MACHINE_ID}\n`);
run("modprobe", "-a", "igb", "igbvf", "vfio-pci", "virtio_net");
await setUpOutside();
const child = spawn(
  process.execPath,
  [join(import.meta.dirname, "vfleet/bin/vfleet.js"), "up", "--listen", `127.0.0.1:${PORT}`, "--state", "/tmp/server"],
  { stdio: ["ignore", "pipe", "inherit"] },
);
try {
  const link = await linkOf(child);
  await forward();
  record("ready", { link });
  await watchVfs();
} finally {
  child.kill("SIGKILL");
}
process.exit(0);

async function setUpOutside(): Promise<void> {
  const isOutside = (name: string) => readFileSync(`/sys/class/net/${name}/address`, "utf8").trim() === OUTSIDE_MAC;
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const netdev = readdirSync("/sys/class/net").find(isOutside);
    if (netdev !== undefined) {
      run("ip", "address", "add", `${MACHINE_ADDRESS}/24`, "dev", netdev);
      run("ip", "link", "set", netdev, "up");
      return;
    }
    if (performance.now() > end) throw new Error("the device that leads outside did not come");
    await delay(50);
  }
}

/** As it is printed at the first start. */
async function linkOf({ stdout }: ChildProcess): Promise<string> {
  let output = "";
  for await (const text of stdout?.setEncoding("utf8").iterator({ destroyOnReturn: false }) ?? []) {
    output += text;
    const link = /^open (\S+)$/m.exec(output)?.[1];
    if (link !== undefined) return link;
  }
  throw new Error(`vfleet up ended: ${output}`);
}

/** The server listens on the machine's loopback, as it does on a host; this stands for the tunnel that leads there. */
function forward(): Promise<void> {
  const server = createServer((socket) => {
    const inner = connect(PORT, "127.0.0.1");
    socket.pipe(inner).pipe(socket);
    for (const end of [socket, inner]) {
      end.on("error", () => {
        socket.destroy();
        inner.destroy();
      });
    }
  });
  return new Promise((resolve) => server.listen(PORT, MACHINE_ADDRESS, resolve));
}

async function watchVfs(): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  let last = 0;
  let were = false;
  while (performance.now() < end) {
    const numVfs = Number(readFileSync(join(PF, "sriov_numvfs"), "utf8"));
    const links = readdirSync(PF).filter((name) => name.startsWith("virtfn")).length;
    if (numVfs !== last) record("vfs", { numVfs, links });
    last = numVfs;
    if (numVfs > 0) were = true;
    else if (were) return;
    await delay(200);
  }
  throw new Error("nobody made VFs and undid it");
}
