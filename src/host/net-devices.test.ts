import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUnread } from "../kernel/port.ts";
import { bdf } from "../pci/bdf.ts";
import { readDefaultRoutes, readDevices, readUppers } from "./net-devices.ts";
import { type TestHost, testKernel } from "./testing/host-builder.ts";

const ADDRESS = bdf("0000:01:00.0");
const ZERO = "0".repeat(32);

function kernel(files: TestHost["files"], functionFiles: Record<string, string> = {}, complete = true) {
  return testKernel({ functions: { [ADDRESS]: { config: {}, files: functionFiles } }, files: files ?? {}, complete });
}

/** A line of /proc/net/route (Linux `fib_route_seq_show`). */
function ipv4(name: string, destination: string, mask: string, flags = "0003"): string {
  return `${name}\t${destination}\t0101A8C0\t${flags}\t0\t0\t100\t${mask}\t0\t0\t0\n`;
}

/** A line of /proc/net/ipv6_route (Linux `rt6_info_route`). */
function ipv6(name: string, destination = ZERO, prefix = "00", flags = "00000003"): string {
  return `${destination} ${prefix} ${ZERO} 00 ${ZERO} 00000400 00000001 00000000 ${flags} ${name.padStart(8)}\n`;
}

async function routes(text4: string | undefined, text6: string | undefined = "", complete = true) {
  const files = { "/proc/net/route": text4, "/proc/net/ipv6_route": text6 };
  const names = await readDefaultRoutes(kernel(files, {}, complete));
  return isUnread(names) ? names.errno : names;
}

describe("readDefaultRoutes", () => {
  it("finds interfaces with an IPv4 or IPv6 default route, each once", async () => {
    const text = `Iface\tDestination\n${ipv4("eno1", "00000000", "00000000")}${ipv4("eno2", "0001A8C0", "00FFFFFF", "0001")}`;
    assert.deepEqual(await routes(text), ["eno1"]);
    assert.deepEqual(await routes(text, `${ipv6("eno1")}${ipv6("eno3")}`), ["eno1", "eno3"]);
  });

  it("leaves out routes that are down, reject, or lead to the loopback", async () => {
    assert.deepEqual(await routes(ipv4("eno1", "00000000", "00000000", "0002")), []);
    assert.deepEqual(await routes(ipv4("eno1", "00000000", "00000000", "0201")), []);
    // "unreachable default" of IPv6, as every host without a router has it.
    assert.deepEqual(await routes("", ipv6("lo", ZERO, "00", "00200200")), []);
  });

  it("takes half of all addresses for no default route", async () => {
    assert.deepEqual(await routes(ipv4("tun0", "00000000", "00000080")), []);
    assert.deepEqual(await routes("", ipv6("tun0", ZERO, "01")), []);
  });

  it("knows nothing where either table is missing, unless the kernel has no IPv6", async () => {
    const files = { "/proc/net/route": undefined };
    assert.ok(isUnread(await readDefaultRoutes(kernel(files))));
    const noIpv6 = { "/proc/net/ipv6_route": undefined, "/proc/net/route": ipv4("eno1", "00000000", "00000000") };
    assert.deepEqual(await readDefaultRoutes(kernel(noIpv6)), ["eno1"]);
    assert.ok(isUnread(await readDefaultRoutes(kernel(noIpv6, {}, false))));
  });

  it("never throws at lines of other shapes", async () => {
    assert.deepEqual(await routes("\n\t\nx\neno1\t00000000\n", "x y z\n"), []);
  });
});

describe("readUppers", () => {
  const stack = (...pairs: readonly (readonly [lower: string, upper: string])[]) =>
    Object.fromEntries(pairs.map(([lower, upper]) => [`/sys/class/net/${lower}/upper_${upper}/flags`, ""]));

  it("follows bond, bridge and VLAN, nearest first", async () => {
    const files = stack(["eno1", "bond0"], ["bond0", "br0"], ["bond0", "bond0.7"], ["br0", "br0.100"]);
    assert.deepEqual(await readUppers(kernel(files), "eno1"), ["eno1", "bond0", "bond0.7", "br0", "br0.100"]);
  });

  it("ends at a circle", async () => {
    const files = stack(["a", "b"], ["b", "c"], ["c", "a"]);
    assert.deepEqual(await readUppers(kernel(files), "a"), ["a", "b", "c"]);
  });

  it("gives the interface alone where nothing is known of it", async () => {
    assert.deepEqual(await readUppers(kernel({}), "eno1"), ["eno1"]);
  });
});

describe("readDevices", () => {
  it("finds network, NVMe, RDMA and graphics devices by name", async () => {
    const files = {
      "net/eno1/flags": "",
      "net/eno2/flags": "",
      "nvme/nvme0/model": "",
      "infiniband/mlx5_0/x": "",
      "drm/card0/x": "",
    };
    const devices = await readDevices(kernel({}, files), ADDRESS);
    assert.deepEqual(devices, { net: ["eno1", "eno2"], nvme: ["nvme0"], rdma: ["mlx5_0"], drm: ["card0"] });
  });

  it("finds a virtio function's interface below its virtio device", async () => {
    assert.deepEqual((await readDevices(kernel({}, { "virtio3/net/eth0/flags": "" }), ADDRESS)).net, ["eth0"]);
  });

  it("finds none on a host that shows all, and knows nothing of a dump", async () => {
    assert.deepEqual(await readDevices(kernel({}), ADDRESS), { net: [], nvme: [], rdma: [], drm: [] });
    const { net, nvme } = await readDevices(kernel({}, {}, false), ADDRESS);
    assert.deepEqual([isUnread(net), isUnread(nvme)], [true, true]);
  });
});
