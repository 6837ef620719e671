/** The CNI plugin as a runtime calls it, by environment and standard input, on real network namespaces; veths stand in for VFs. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildCni } from "../../scripts/build-cni.ts";
import { requireTool } from "../require-tool.ts";

const PLUGINS = "/usr/lib/cni";
const PAIRS = 25;
const ADDS = 100;
const KILLED_OF = 4;

interface Result {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: Record<string, unknown>;
}

/** What a test has made in the kernel, taken away whatever comes. */
class Bench {
  readonly #id = `${process.pid}`;
  readonly #namespaces: string[] = [];
  readonly #links: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "vfleet-cni-"));

  get plugin(): string {
    return join(this.folder, "main.cjs");
  }

  get records(): string {
    return join(this.folder, "records");
  }

  namespace(name: string): string {
    const whole = `vfc${this.#id}-${name}`;
    ip("netns", "add", whole);
    this.#namespaces.push(whole);
    return `/run/netns/${whole}`;
  }

  endNamespace(path: string): void {
    ip("netns", "del", nameOf(path));
  }

  /** @returns the end that stands in for a VF's interface */
  veth(name: string, mac?: string): string {
    const [near, far] = [`c${this.#id}${name}`, `d${this.#id}${name}`];
    ip("link", "add", near, ...(mac === undefined ? [] : ["address", mac]), "type", "veth", "peer", "name", far);
    this.#links.push(far);
    return near;
  }

  configuration(more: object): object {
    return { cniVersion: "1.0.0", name: "net", type: "vfleet-cni", cniDir: this.records, ...more };
  }

  ipam(): object {
    return {
      type: "host-local",
      dataDir: join(this.folder, "leases"),
      ranges: [[{ subnet: "10.99.0.0/16" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    };
  }

  leases(): readonly string[] {
    try {
      return readdirSync(join(this.folder, "leases", "net")).filter((name) => /^\d+\./.test(name));
    } catch {
      return [];
    }
  }

  recorded(): readonly string[] {
    try {
      return readdirSync(this.records).filter((name) => name.endsWith(".json"));
    } catch {
      return [];
    }
  }

  /** @param host another namespace in which the plugin runs, with /sys as it is here */
  call(
    command: string,
    environment: Record<string, string>,
    input: object | string,
    { killAfterMs, host }: { readonly killAfterMs?: number | undefined; readonly host?: string } = {},
  ): Promise<Result> {
    const inside = host === undefined ? [] : ["nsenter", `--net=${host}`];
    const [program = "", ...args] = [...inside, process.execPath, this.plugin];
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, CNI_COMMAND: command, CNI_PATH: PLUGINS, ...environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(typeof input === "string" ? input : JSON.stringify(input));
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    return new Promise((resolve) => {
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, output: text === "" ? {} : JSON.parse(text) });
      });
    });
  }

  end(): void {
    const quietly = (...args: string[]) => {
      try {
        ip(...args);
      } catch {
        // It went with its namespace.
      }
    };
    for (const link of this.#links) quietly("link", "del", link);
    for (const name of this.#namespaces) quietly("netns", "del", name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function nameOf(netns: string): string {
  return netns.split("/").at(-1) ?? "";
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function link(
  name: string,
  netns?: string,
): { address: string; mtu: number; flags: string[]; addr_info: { local: string }[] } | undefined {
  try {
    return JSON.parse(
      ip(...(netns === undefined ? [] : ["-n", nameOf(netns)]), "-j", "address", "show", "dev", name),
    )[0];
  } catch {
    return undefined;
  }
}

const of = (containerId: string, netns: string, ifname = "net1") => ({
  CNI_CONTAINERID: containerId,
  CNI_NETNS: netns,
  CNI_IFNAME: ifname,
});

describe("the CNI plugin", { skip: requireTool("netns") || requireTool("host-local"), timeout: 600_000 }, () => {
  let bench: Bench;
  before(async () => {
    bench = new Bench();
    await buildCni(bench.plugin);
  });
  after(() => bench.end());

  test("ADD gives an interface its place, name, addresses; CHECK sees what was changed; DEL puts all back", async () => {
    const netns = bench.namespace("a");
    const device = bench.veth("a", "02:00:00:00:0a:01");
    ip("link", "set", device, "mtu", "1400");
    const input = bench.configuration({
      device,
      ipam: bench.ipam(),
      mtu: 1300,
      runtimeConfig: { mac: "02:00:00:00:0A:02" },
    });
    const added = await bench.call("ADD", of("a1", netns), input);
    assert.equal(added.code, 0, JSON.stringify(added.output));
    const { interfaces, ips, routes } = added.output as {
      interfaces: object[];
      ips: { address: string }[];
      routes: object[];
    };
    assert.deepEqual(interfaces, [{ name: "net1", mac: "02:00:00:00:0a:02", sandbox: netns }]);
    assert.equal(ips.length, 1);
    assert.deepEqual(routes, [{ dst: "0.0.0.0/0" }]);
    const inside = link("net1", netns);
    assert.ok(inside);
    assert.ok(inside.flags.includes("UP"));
    assert.deepEqual([inside.address, inside.mtu], ["02:00:00:00:0a:02", 1300]);
    assert.ok(inside.addr_info.some(({ local }) => `${local}/16` === ips[0]?.address));
    assert.match(ip("-n", nameOf(netns), "route", "show", "default"), /via 10\.99\.0\.1 dev net1/);
    assert.equal(link(device), undefined);

    const withResult = { ...input, prevResult: added.output };
    assert.deepEqual(await bench.call("CHECK", of("a1", netns), withResult), { code: 0, signal: null, output: {} });
    ip("-n", nameOf(netns), "address", "flush", "dev", "net1");
    ip("-n", nameOf(netns), "link", "set", "net1", "address", "02:00:00:00:0a:03");
    const checked = await bench.call("CHECK", of("a1", netns), withResult);
    assert.equal(checked.output.code, 101);
    assert.match(String(checked.output.details), /MAC address is 02:00:00:00:0a:03.*has not the address 10\.99\./);
    ip("-n", nameOf(netns), "link", "set", "net1", "address", "02:00:00:00:0a:02");

    assert.deepEqual(await bench.call("DEL", of("a1", netns), input), { code: 0, signal: null, output: {} });
    const back = link(device);
    assert.deepEqual([back?.address, back?.mtu, back?.flags.includes("UP")], ["02:00:00:00:0a:01", 1400, false]);
    assert.equal(link("net1", netns), undefined);
    assert.deepEqual([bench.recorded(), bench.leases()], [[], []]);
    assert.equal((await bench.call("DEL", of("a1", netns), input)).code, 0, "a second DEL finds nothing to do");
  });

  test("an address is told to the neighbours, who may know it by a container that is gone", async () => {
    const [netns, neighbour] = [bench.namespace("n"), bench.namespace("o")];
    const device = bench.veth("n", "02:00:00:00:0e:01");
    const peer = `d${process.pid}n`;
    ip("link", "set", peer, "netns", neighbour);
    const inNeighbour = (...args: string[]) => ip("-n", nameOf(neighbour), ...args);
    inNeighbour("address", "add", "10.99.255.254/16", "dev", peer);
    inNeighbour("address", "add", "fd99::ffff/64", "dev", peer, "nodad");
    inNeighbour("link", "set", peer, "up");
    const ranges = [[{ subnet: "10.99.0.0/16" }], [{ subnet: "fd99::/64" }]];
    const ipam = { type: "host-local", dataDir: join(bench.folder, "leases"), ranges };
    const known = () => inNeighbour("neigh", "show", "dev", peer);
    inNeighbour("neigh", "replace", "10.99.0.2", "lladdr", "02:00:00:00:0e:ff", "nud", "stale", "dev", peer);
    inNeighbour("neigh", "replace", "fd99::2", "lladdr", "02:00:00:00:0e:ff", "nud", "stale", "dev", peer);
    const added = await bench.call("ADD", of("n1", netns), bench.configuration({ name: "told", device, ipam }));
    assert.equal(added.code, 0, JSON.stringify(added.output));
    const has = (address: string) => known().includes(`${address} lladdr 02:00:00:00:0e:01`);
    // Duplicate address detection takes a second.
    const end = performance.now() + 20_000;
    while (!(has("10.99.0.2") && has("fd99::2")) && performance.now() < end) await sleep(50);
    assert.ok(has("10.99.0.2") && has("fd99::2"), known());
    assert.equal(
      (await bench.call("DEL", of("n1", netns), bench.configuration({ name: "told", device, ipam }))).code,
      0,
    );
  });

  test("an interface that was up is up again; one of a namespace that /sys does not show is put back as it was there", async () => {
    const [host, netns] = [bench.namespace("h"), bench.namespace("i")];
    const device = bench.veth("h", "02:00:00:00:0b:01");
    ip("link", "set", device, "mtu", "1400", "netns", host);
    ip("-n", nameOf(host), "link", "set", device, "up");
    // Of the same name, and here: what /sys shows.
    ip("link", "add", device, "address", "02:00:00:00:0b:02", "type", "veth", "peer", "name", `${device}p`);
    try {
      ip("link", "set", device, "up");
      for (const [at, mac, mtu] of [
        [host, "02:00:00:00:0b:01", 1400],
        [undefined, "02:00:00:00:0b:02", 1500],
      ] as const) {
        const input = bench.configuration({ device });
        const from = at === undefined ? {} : { host: at };
        const added = await bench.call("ADD", of("h1", netns), input, from);
        assert.equal(added.code, 0, JSON.stringify(added.output));
        assert.deepEqual([link("net1", netns)?.address, link("net1", netns)?.mtu], [mac, mtu]);
        assert.equal((await bench.call("DEL", of("h1", netns), input, from)).code, 0);
        const back = link(device, at);
        assert.deepEqual([back?.address, back?.mtu, back?.flags.includes("UP")], [mac, mtu, true]);
      }
    } finally {
      ip("link", "del", device);
    }
  });

  test("an ADD that fails leaves nothing, wherever it fails", async () => {
    const netns = bench.namespace("b");
    const device = bench.veth("b");
    const was = link(device);
    ip("-n", nameOf(netns), "link", "add", "net1", "type", "veth", "peer", "name", "other");
    const taken = await bench.call("ADD", of("b1", netns), bench.configuration({ device, ipam: bench.ipam() }));
    assert.equal(taken.output.code, 100);
    assert.match(String(taken.output.details), /File exists/);
    ip("-n", nameOf(netns), "link", "del", "net1");
    const full = { type: "host-local", dataDir: join(bench.folder, "leases"), ranges: [[{ subnet: "10.98.0.0/30" }]] };
    const noAddress = bench.configuration({ name: "small", device, ipam: full });
    const others = [bench.veth("b2"), bench.veth("b3")];
    const first = await bench.call("ADD", of("b2", netns, "net2"), { ...noAddress, device: others[0] });
    assert.equal(first.code, 0, JSON.stringify(first.output));
    const none = await bench.call("ADD", of("b1", netns), noAddress);
    assert.match(String(none.output.msg), /host-local failed/);
    for (const ipam of [{ type: "no-such-plugin" }, bench.ipam()]) {
      const wrong = await bench.call("ADD", of("b1", `${netns}x`), bench.configuration({ device, ipam }));
      assert.equal(wrong.output.code, 4);
    }
    const missing = await bench.call(
      "ADD",
      of("b1", netns),
      bench.configuration({ device, ipam: { type: "no-such-plugin" } }),
    );
    assert.equal(missing.output.code, 7);
    assert.deepEqual([link(device)?.address, link("net1", netns)], [was?.address, undefined]);
    assert.equal((await bench.call("DEL", of("b2", netns, "net2"), { ...noAddress, device: others[0] })).code, 0);
    assert.deepEqual(bench.recorded(), []);
  });

  test("what a container has no other gets; when its namespace is gone another may, and a late DEL takes nothing", async () => {
    const [one, two] = [bench.namespace("c"), bench.namespace("d")];
    const device = bench.veth("c");
    const input = bench.configuration({ device, ipam: bench.ipam() });
    assert.equal((await bench.call("ADD", of("c1", one), input)).code, 0);
    const again = await bench.call("ADD", of("c1", one), input);
    assert.equal(again.output.code, 100);
    // The veth itself ends with the namespace; another of its name is what a VF that came back would be.
    bench.endNamespace(one);
    const end = performance.now() + 10_000;
    while (link(`d${process.pid}c`) !== undefined && performance.now() < end) await sleep(20);
    bench.veth("c");
    const second = await bench.call("ADD", of("c2", two), input);
    assert.equal(second.code, 0, JSON.stringify(second.output));
    assert.equal((await bench.call("DEL", of("c1", one), input)).code, 0);
    assert.equal((await bench.call("CHECK", of("c2", two), { ...input, prevResult: second.output })).code, 0);
    assert.equal(bench.leases().length, 1);
    assert.equal((await bench.call("DEL", of("c2", ""), input)).code, 0, "DEL without CNI_NETNS");
    assert.deepEqual([bench.recorded(), bench.leases()], [[], []]);
  });

  test("a container that renames its interface, or gives it another address, gives it back all the same", async () => {
    const netns = bench.namespace("r");
    const device = bench.veth("r", "02:00:00:00:0f:01");
    const input = bench.configuration({ device });
    assert.equal((await bench.call("ADD", of("r1", netns), input)).code, 0);
    const inside = (...words: string[]) => ip("-n", nameOf(netns), ...words);
    inside("link", "set", "net1", "down");
    inside("link", "set", "net1", "name", "mine");
    // Of the same address, as a VLAN's or macvlan's would be, and not the one that was given.
    inside("link", "add", "other", "address", "02:00:00:00:0f:01", "type", "veth", "peer", "name", "peer");
    assert.equal((await bench.call("DEL", of("r1", netns), input)).code, 0);
    assert.deepEqual([link(device)?.address, link("mine", netns)], ["02:00:00:00:0f:01", undefined]);

    const other = { ...input, mac: "02:00:00:00:0f:02" };
    assert.equal((await bench.call("ADD", of("r2", netns), other)).code, 0);
    inside("link", "set", "net1", "address", "02:00:00:00:0f:01");
    assert.equal((await bench.call("DEL", of("r2", netns), other)).code, 0);
    assert.equal(link(device)?.address, "02:00:00:00:0f:01");
    assert.deepEqual(bench.recorded(), []);
  });

  test("routes come beside those that the container has, in their table and scope", async () => {
    const netns = bench.namespace("s");
    const inside = (...words: string[]) => ip("-n", nameOf(netns), ...words);
    inside("link", "add", "eth0", "type", "veth", "peer", "name", "eth0p");
    for (const name of ["eth0", "eth0p"]) inside("link", "set", name, "up");
    inside("address", "add", "10.50.0.2/24", "dev", "eth0");
    inside("route", "add", "default", "via", "10.50.0.1");
    const device = bench.veth("s");
    const routes = [
      { dst: "0.0.0.0/0" },
      { dst: "0.0.0.0/0", table: 100 },
      { dst: "10.60.0.0/16", scope: 253, priority: 7, mtu: 1300, advmss: 1200 },
    ];
    // host-local knows no tables: one of its own, which says the same to each command.
    const ipam = { cniVersion: "1.1.0", ips: [{ address: "10.99.0.9/16", gateway: "10.99.0.1" }], routes };
    writeFileSync(join(bench.folder, "told"), `#!/bin/sh\necho '${JSON.stringify(ipam)}'\n`, { mode: 0o755 });
    const input = bench.configuration({ cniVersion: "1.1.0", name: "routed", device, ipam: { type: "told" } });
    const environment = { ...of("s1", netns), CNI_PATH: bench.folder };
    const added = await bench.call("ADD", environment, input);
    assert.equal(added.code, 0, JSON.stringify(added.output));
    const table = (name: string) => inside("route", "show", "table", name);
    assert.match(table("main"), /default via 10\.50\.0\.1 dev eth0/);
    assert.match(table("main"), /default via 10\.99\.0\.1 dev net1/);
    assert.match(table("main"), /10\.60\.0\.0\/16 .*dev net1 scope link metric 7 .*mtu 1300 advmss 1200/);
    assert.match(table("100"), /default via 10\.99\.0\.1 dev net1/);
    assert.equal((await bench.call("DEL", environment, input)).code, 0);
    assert.match(table("main"), /^default via 10\.50\.0\.1 dev eth0/);
  });

  test("what the host itself uses is not taken: a port of a bridge, the way of the default route", async () => {
    const [host, netns] = [bench.namespace("t"), bench.namespace("u")];
    const device = bench.veth("t");
    ip("link", "set", device, "netns", host);
    const inHost = (...words: string[]) => ip("-n", nameOf(host), ...words);
    const refusal = async () => {
      const { output } = await bench.call("ADD", of("t1", netns), bench.configuration({ device }), { host });
      return [output.code, output.msg];
    };
    inHost("link", "add", "br0", "type", "bridge");
    inHost("link", "set", device, "master", "br0");
    assert.deepEqual(await refusal(), [11, `${device} is in use by the host: it is a port of br0`]);
    inHost("link", "set", device, "nomaster", "up");
    inHost("address", "add", "10.51.0.2/24", "dev", device);
    inHost("route", "add", "default", "via", "10.51.0.1");
    const isWay = `${device} is in use by the host: it is the way of the host's default route`;
    assert.deepEqual(await refusal(), [11, isWay]);
    inHost("route", "del", "default");
    assert.equal((await bench.call("ADD", of("t1", netns), bench.configuration({ device }), { host })).code, 0);
    assert.equal((await bench.call("DEL", of("t1", netns), bench.configuration({ device }), { host })).code, 0);
    assert.deepEqual(bench.recorded(), []);
  });

  test("what a killed call has started is waited for: it may go on, and change what is put back", async () => {
    const netns = bench.namespace("w");
    const device = bench.veth("w");
    const [began, ended] = [join(bench.folder, "began"), join(bench.folder, "ended")];
    const script = `#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\ntouch ${began}\nsleep 2\ntouch ${ended}\n`;
    writeFileSync(join(bench.folder, "slow"), script, { mode: 0o755 });
    const input = bench.configuration({ name: "slow", device, ipam: { type: "slow" } });
    const environment = { ...of("w1", netns), CNI_PATH: bench.folder };
    const killed = bench.call("ADD", environment, input, { killAfterMs: 1000 });
    await killed;
    assert.deepEqual([existsSync(began), existsSync(ended)], [true, false], "it was killed while its program ran");
    assert.equal((await bench.call("DEL", environment, input)).code, 0);
    assert.equal(existsSync(ended), true, "that had ended before anything was put back");
    assert.ok(link(device));
    assert.deepEqual(bench.recorded(), []);
  });

  test("GC of a node on which nothing is valid any more takes all, also where libcni writes that as null", async () => {
    const netns = bench.namespace("v");
    const device = bench.veth("v", "02:00:00:00:0f:11");
    const input = bench.configuration({ cniVersion: "1.1.0", name: "empty", device });
    assert.equal((await bench.call("ADD", of("v1", netns), input)).code, 0);
    assert.equal((await bench.call("GC", {}, input)).output.code, 7);
    assert.equal((await bench.call("GC", {}, { ...input, "cni.dev/valid-attachments": null })).code, 0);
    assert.deepEqual([link(device)?.address, bench.recorded()], ["02:00:00:00:0f:11", []]);
  });

  test("each wrong input has its code, says what and where, and changes nothing", async () => {
    const netns = bench.namespace("e");
    const cases: readonly [object | string, Record<string, string>, number, RegExp][] = [
      ["{", of("e1", netns), 6, /no JSON/],
      ["[]", of("e1", netns), 6, /no JSON object/],
      [bench.configuration({ cniVersion: "9.0.0" }), of("e1", netns), 1, /9\.0\.0/],
      [bench.configuration({}), of("e1", netns), 7, /deviceID is missing/],
      [bench.configuration({ deviceID: "zz" }), of("e1", netns), 7, /deviceID is "zz"/],
      [bench.configuration({ deviceID: "ffff:00:00.0" }), of("e1", netns), 7, /no device ffff:00:00\.0/],
      [bench.configuration({ device: "nothere" }), of("e1", netns), 7, /no interface nothere/],
      [bench.configuration({ device: "lo", vlan: 4095 }), of("e1", netns), 7, /vlan is 4095/],
      [bench.configuration({ device: "lo", vlan: 10 }), of("e1", netns), 7, /only a VF/],
      [bench.configuration({ deviceID: "0000:00:00.0", vlanQoS: 3 }), of("e1", netns), 7, /vlanQoS wants a vlan/],
      [
        bench.configuration({ deviceID: "0000:00:00.0", vlanProto: "802.1q" }),
        of("e1", netns),
        7,
        /vlanProto wants a vlan/,
      ],
      [
        bench.configuration({ deviceID: "0000:00:00.0", vlan: 0, vlanProto: "802.1ad" }),
        of("e1", netns),
        7,
        /vlanProto wants a vlan/,
      ],
      // The SR-IOV network operator writes it so where there is no VLAN: what is wrong is the device alone.
      [
        bench.configuration({ deviceID: "ffff:00:00.0", vlan: 0, vlanQoS: 0, vlanProto: "802.1Q" }),
        of("e1", netns),
        7,
        /no device ffff/,
      ],
      [bench.configuration({ deviceID: "0000:00:00.0", spoofchk: "maybe" }), of("e1", netns), 7, /on or off/],
      [
        bench.configuration({ device: "lo", runtimeConfig: { mac: "01:00:00:00:00:01" } }),
        of("e1", netns),
        7,
        /runtimeConfig\.mac/,
      ],
      [bench.configuration({ device: "lo", ipam: { type: "../sh" } }), of("e1", netns), 7, /ipam\.type/],
      [bench.configuration({ device: "lo" }), of("e/1", netns), 4, /CNI_CONTAINERID/],
      [bench.configuration({ device: "lo" }), of("e1", netns, "a b"), 4, /CNI_IFNAME/],
      [bench.configuration({ device: "lo" }), of("e1", "here"), 4, /CNI_NETNS/],
      [bench.configuration({ device: "lo" }), { ...of("e1", netns), CNI_ARGS: "MAC=zz" }, 4, /CNI_ARGS/],
    ];
    for (const [input, environment, code, message] of cases) {
      const result = await bench.call("ADD", environment, input);
      assert.deepEqual([result.code, result.output.code], [1, code], JSON.stringify(result.output));
      assert.match(String(result.output.msg), message);
    }
    assert.equal((await bench.call("NONSENSE", {}, "{}")).output.code, 4);
    assert.match(String((await bench.call("GC", {}, bench.configuration({}))).output.msg), /valid-attachments/);
    assert.deepEqual(bench.recorded(), []);
  });

  test("VERSION and STATUS say what there is", async () => {
    const version = await bench.call("VERSION", {}, { cniVersion: "1.1.0" });
    assert.deepEqual(version.output, {
      cniVersion: "1.1.0",
      supportedVersions: ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
    });
    assert.equal(
      (await bench.call("STATUS", {}, bench.configuration({ cniVersion: "1.1.0", ipam: bench.ipam() }))).code,
      0,
    );
    const gone = await bench.call("STATUS", {}, bench.configuration({ deviceID: "ffff:00:00.0" }));
    assert.equal(gone.output.code, 50);
  });

  test(`${2 * ADDS} ADDs and DELs at once, some killed at any moment: GC leaves nothing`, async (context) => {
    const spaces = Array.from({ length: PAIRS }, (_, index) => bench.namespace(`k${index}`));
    const devices = Array.from({ length: PAIRS }, (_, index) => bench.veth(`k${index}`));
    const macs = devices.map((device) => link(device)?.address);
    let killed = 0;
    let added = 0;
    await Promise.all(
      spaces.map(async (netns, pair) => {
        const input = bench.configuration({ device: devices[pair], ipam: bench.ipam() });
        for (let round = 0; round < ADDS / PAIRS; round++) {
          const container = `k${pair}-${round}`;
          const kill = () => (Math.random() < 1 / KILLED_OF ? Math.random() * 1500 : undefined);
          const add = await bench.call("ADD", of(container, netns), input, { killAfterMs: kill() });
          const del = await bench.call("DEL", of(container, netns), input, { killAfterMs: kill() });
          killed += Number(add.signal !== null) + Number(del.signal !== null);
          added += Number(add.code === 0);
        }
      }),
    );
    const collected = await bench.call(
      "GC",
      {},
      bench.configuration({ ipam: bench.ipam(), "cni.dev/valid-attachments": [] }),
    );
    assert.equal(collected.code, 0, JSON.stringify(collected.output));
    assert.deepEqual([bench.recorded(), bench.leases()], [[], []]);
    assert.deepEqual(
      devices.map((device) => link(device)?.address),
      macs,
    );
    for (const netns of spaces) assert.equal(link("net1", netns), undefined);
    assert.ok(killed > 10 && added > ADDS / 4, `${killed} killed, ${added} added`);
    context.diagnostic(`${ADDS} pairs: ${added} added, ${killed} calls killed`);
  });
});
