import assert from "node:assert/strict";
import { test } from "node:test";
import { bdf } from "../../../pci/bdf.ts";
import { parseLinks, parsePacketSockets, parseRoutes } from "./parse-ip.ts";

const VF = bdf("0000:01:10.0");
const noOwner = () => [];

/** As iproute2 6.1 prints, shortened; the bond, VLAN and XDP by its sources. */
const LINKS = JSON.stringify([
  { ifindex: 1, ifname: "lo", flags: ["LOOPBACK", "UP"], link_type: "loopback", addr_info: [] },
  {
    ifindex: 4,
    ifname: "eth0",
    flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    link_type: "ether",
    master: "bond0",
    parentbus: "pci",
    parentdev: "0000:01:10.0",
    xdp: { mode: 1, prog: { id: 12, tag: "3b185187f1855c4c" } },
    addr_info: [{ family: "inet6", local: "fe80::fc:ff:fe00:1", prefixlen: 64, scope: "link" }],
  },
  {
    ifindex: 5,
    ifname: "bond0",
    flags: ["UP"],
    link_type: "ether",
    linkinfo: { info_kind: "bond" },
    addr_info: [{ family: "inet", local: "192.0.2.2", prefixlen: 24, scope: "global" }],
  },
  { ifindex: 6, link: "bond0", ifname: "bond0.7", flags: [], link_type: "ether", linkinfo: { info_kind: "vlan" } },
  { ifindex: 7, link_index: 4, link_netnsid: 0, ifname: "mv", link_type: "ether", linkinfo: { info_kind: "macvlan" } },
  { ifindex: 8, link_index: 4, link_netnsid: 0, ifname: "ve", link_type: "ether", linkinfo: { info_kind: "veth" } },
  { ifindex: 9, ifname: "old0", link_type: "ether" },
  {},
]);

test("parseLinks reads owners, masters, what is below, addresses and XDP", () => {
  const links = parseLinks(LINKS, (bus, name) => (bus === "pci" && name === VF ? [VF] : []));
  assert.deepEqual(
    links?.map(({ name, functions, master, lowerIfindex, lowerElsewhere, ownerUnknown }) => [
      name,
      functions.length,
      master,
      lowerIfindex,
      lowerElsewhere,
      ownerUnknown,
    ]),
    [
      ["lo", 0, undefined, undefined, false, false],
      ["eth0", 1, "bond0", undefined, false, false],
      ["bond0", 0, undefined, undefined, false, false],
      ["bond0.7", 0, undefined, 5, false, false],
      ["mv", 0, undefined, 4, true, false],
      ["ve", 0, undefined, undefined, false, false],
      ["old0", 0, undefined, undefined, false, true],
    ],
  );
  assert.equal(links?.[1]?.xdp, "program 12");
  assert.deepEqual(links?.[1]?.addresses, [{ address: "fe80::fc:ff:fe00:1/64", scope: "link" }]);
  assert.deepEqual(
    links?.map(({ up }) => up),
    [true, true, true, false, false, false, false],
  );
});

test("parseLinks tells nothing from something else", () => {
  assert.deepEqual(parseLinks("", noOwner), []);
  assert.deepEqual(parseLinks("[{}]", noOwner), []);
  for (const text of ["null", "{}", "Cannot open network namespace"])
    assert.equal(parseLinks(text, noOwner), undefined);
});

test("parseRoutes leaves out what comes with an address, and keeps each gateway's interface", () => {
  const routes = parseRoutes(
    JSON.stringify([
      { type: "unicast", dst: "default", gateway: "10.1.1.2", dev: "a0", table: "main", protocol: "boot" },
      { type: "unicast", dst: "default", via: { family: "inet6", host: "fe80::1" }, dev: "a0", protocol: "static" },
      { type: "unicast", dst: "10.1.1.0/24", dev: "a0", table: "main", protocol: "kernel", scope: "link" },
      { type: "blackhole", dst: "10.7.0.0/16", table: "main", protocol: "boot" },
      { dst: "10.9.0.0/16", table: "77", protocol: "boot", nexthops: [{ dev: "a0" }, { dev: "b0" }] },
    ]),
  );
  assert.deepEqual(routes, [
    { destination: "default", gateway: "10.1.1.2", table: "main", netdevs: ["a0"] },
    { destination: "default", gateway: "fe80::1", table: "main", netdevs: ["a0"] },
    { destination: "10.9.0.0/16", gateway: undefined, table: "77", netdevs: ["a0", "b0"] },
  ]);
  assert.equal(parseRoutes("no"), undefined);
});

test("parsePacketSockets leaves out the title and sockets on any interface", () => {
  const table = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000027b31ebe 3      3    0003   4     1 0      0      61291 
0000000027b31ebf 3      3    0003   0     1 0      0      61292 
`;
  assert.deepEqual(parsePacketSockets(table), [{ ifindex: 4, inode: 61291 }]);
  assert.deepEqual(parsePacketSockets(""), []);
});
