import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CATALOGUE } from "../../errors/catalogue.ts";
import { isUnread, unread } from "../../kernel/port.ts";
import type { SeenGuest } from "../guest-port.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import {
  hostState,
  NOBODY,
  netdev,
  nvmePf,
  type PfParts,
  usedBy,
  vfioUser,
} from "../state/testing/host-state-builder.ts";
import type { Allocation } from "./allocation.ts";
import { isLocalUnicast } from "./mac-addresses.ts";
import { readPolicies } from "./read-documents.ts";
import { type Resolved, resolveDesired } from "./resolve-desired.ts";

const NONE = unread("/sys/x", "EACCES");

interface Spec {
  readonly [name: string]: string;
}

/** Policies by name, each with its spec as a flow mapping; claims likewise. */
function documents(policies: Spec, claims: Spec = {}) {
  const text = [
    ...Object.entries(policies).map((each) => documentOf("VfPolicy", each)),
    ...Object.entries(claims).map((each) => documentOf("VfClaim", each)),
  ].join("---\n");
  return readPolicies([{ label: "test", text }]);
}

function documentOf(kind: string, [name, spec]: [string, string]): string {
  return `apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
}

/** Bytes that count up, so that each address is another. */
function counting(): (count: number) => Uint8Array {
  let next = 0;
  return (count) => Uint8Array.from({ length: count }, () => next++ & 0xff);
}

function resolve(
  state: HostState,
  policies: Spec,
  claims: Spec = {},
  records: readonly Allocation[] = [],
  random = counting(),
): Resolved {
  return resolveDesired({ documents: documents(policies, claims), state, claims: records, random, now: new Date(0) });
}

function guest(name: string, more: Partial<SeenGuest>): SeenGuest {
  const usual = { uuid: null, pid: 1, running: true, devices: [], unreachable: null };
  return { address: `qemu:${name}`, name, ...usual, ...more };
}

function refusals(resolved: Resolved): string[] {
  return resolved.refusals.map(({ code, summary }) => `${code} ${summary}`);
}

const TWO_PORTS = hostState([{}, { bdf: "0000:01:00.1", numaNode: 1 }]);

describe("selectors", () => {
  const selected = (state: HostState, select: string) => {
    const resolved = resolve(state, { p: `select: {${select}}` });
    return resolved.refusals.length > 0 ? refusals(resolved) : resolved.desired.map(({ pf }) => pf);
  };
  const first = "0000:01:00.0";
  const both = [first, "0000:01:00.1"];

  test("all keys must fit, and each key can select", () => {
    const state = hostState([
      {
        netdevs: [netdev("ens1f0", undefined, { carrier: true })],
        identity: { serial: "00-1b", slotPath: "0000:00/1c.4/00.0", key: "a" },
      },
      {
        bdf: "0000:01:00.1",
        netdevs: [netdev("ens1f1", undefined, { up: false, carrier: null })],
        numaNode: 1,
        driver: "ixgbe",
        deviceId: 0x1521,
        identity: { serial: "00-1c", slotPath: "0000:00/1c.4/00.1", key: "b" },
      },
      nvmePf({ bdf: "0000:02:00.0", identity: { serial: null, slotPath: "0000:00/1d.0/00.0", key: "c" } }),
    ]);
    for (const select of [
      "bdf: 01:00.0",
      'vendor: "8086", driver: igb',
      'vendor: "8086:10c9"',
      'device: "10C9"',
      "driver: igb",
      "netdev: ens1f0",
      "serial: 00-1B",
      "slot: 0000:00/1c.4/00.0",
      "class: network, numaNode: 0",
      "link: up",
    ]) {
      assert.deepEqual(selected(state, select), [first], select);
    }
    for (const select of [
      "bdf: 01:00.*",
      "netdev: ens1f*",
      "slot: 0000:00/1c.4/*",
      "class: network",
      'vendor: "8086"',
    ]) {
      assert.deepEqual(selected(state, select), both, select);
    }
    assert.deepEqual(selected(state, "link: down"), ["0000:01:00.1"]);
    assert.deepEqual(selected(state, "class: storage"), ["0000:02:00.0"]);
  });

  test("none, or another number than match says, is refused, with what is there", () => {
    assert.deepEqual(selected(TWO_PORTS, "driver: ibg"), ["VFL-0202 policy p selects no PF of this host"]);
    assert.equal(resolve(TWO_PORTS, { p: "select: {driver: ibg}" }).refusals[0]?.remedy, "did you mean driver: igb?");
    assert.deepEqual(selected(TWO_PORTS, "driver: ice, match: any"), []);
    assert.deepEqual(selected(TWO_PORTS, "driver: igb, match: 2"), both);
    assert.deepEqual(selected(TWO_PORTS, "driver: igb, match: 1"), [
      "VFL-0202 policy p selects 2 PFs (0000:01:00.0, 0000:01:00.1), and says match: 1",
    ]);
  });

  test("a PF whose deciding fact is unread is refused by name; where another key says no, it is not asked", () => {
    const state = hostState([{ driver: NONE }, { bdf: "0000:01:00.1" }]);
    const { refusals: told } = resolve(state, { p: "select: {driver: igb}" });
    assert.deepEqual(
      told.map(({ code, evidence }) => [code, evidence[0]?.fact]),
      [["VFL-0202", "0000:01:00.0: whether driver: igb fits is unknown: permission denied; run as root"]],
    );
    assert.deepEqual(selected(state, 'driver: igb, bdf: "0000:01:00.1"'), ["0000:01:00.1"]);
  });
});

describe("numVfs", () => {
  const count = (numVfs: string, pf: Parameters<typeof hostState>[0] = [{}]) => {
    const resolved = resolve(hostState(pf), { p: `select: {bdf: "0000:01:00.0"}, numVfs: ${numVfs}` });
    return resolved.refusals.length > 0 ? refusals(resolved) : resolved.desired[0]?.numVfs;
  };

  test("max and shares are of what the driver offers, rounded down, one at least", () => {
    assert.equal(count("max"), 7);
    assert.equal(count("50%"), 3);
    assert.equal(count("100%"), 7);
    assert.equal(count("1%"), 1);
    assert.equal(count("0"), 0);
  });

  test("more than offered, none offered, or an unknown offer that must be known, is refused", () => {
    assert.deepEqual(count("8"), ["VFL-0203 policy p: 8 VFs are wanted, and 0000:01:00.0 offers 7 VFs"]);
    assert.deepEqual(count("max", [{ driverLimit: 0 }]), [
      "VFL-0203 policy p: 0000:01:00.0 offers 0 VFs: SR-IOV is off",
    ]);
    assert.deepEqual(count("max", [{ driverLimit: NONE }]), [
      "VFL-0203 policy p: how many VFs 0000:01:00.0 offers is unknown",
    ]);
    assert.equal(count("8", [{ driverLimit: NONE }]), 8);
  });

  test("a driver that makes all or none is asked for all or none", () => {
    const qat = [{ driver: "4xxx", driverLimit: 16 }];
    assert.match(String(count("4", qat)), /^VFL-0203 .*makes all 16 whatever number is asked for/);
    assert.equal(count("max", qat), 16);
    assert.equal(count("0", qat), 0);
  });
});

describe("VF ranges and merging", () => {
  test("entries of one policy and of several add to each other", () => {
    const { desired, refusals: told } = resolve(hostState(), {
      base: "select: {driver: igb}, numVfs: 4, pf: {up: true}, vfs: [{range: 0-, network: {spoofCheck: true}}]",
      net: 'select: {vendor: "8086"}, vfs: [{range: "0,2", pool: fast, driver: vfio-pci, network: {vlan: 5, protocol: 802.1ad}}], pf: {mtu: 9000}',
    });
    assert.deepEqual(told, []);
    const fast = {
      pool: "fast",
      driver: "vfio-pci",
      network: { spoofCheck: true, vlan: 5, vlanProtocol: "802.1ad" },
    };
    assert.deepEqual(desired, [
      {
        pf: "0000:01:00.0",
        wantedBy: ["policy base", "policy net"],
        numVfs: 4,
        onShrink: "refuse",
        up: true,
        mtu: 9000,
        vfs: [
          { vfIndex: 0, ...fast },
          { vfIndex: 1, network: { spoofCheck: true } },
          { vfIndex: 2, ...fast },
          { vfIndex: 3, network: { spoofCheck: true } },
        ],
      },
    ]);
  });

  test("two that contradict are refused with both names, the field and both values, once for all VFs", () => {
    const told = refusals(
      resolve(hostState(), {
        a: "select: {driver: igb}, numVfs: max, vfs: [{range: 0-3, network: {vlan: 5}}]",
        b: "select: {driver: igb}, numVfs: 7, onShrink: drain, vfs: [{range: 2-5, network: {vlan: 6}}]",
      }),
    );
    assert.deepEqual(told, [
      "VFL-0201 0000:01:00.0 VF 2-3: policy a and policy b want different network.vlan: 5 and 6",
    ]);
    assert.deepEqual(
      refusals(
        resolve(hostState(), { a: "select: {driver: igb}, numVfs: 50%", b: "select: {driver: igb}, numVfs: 7" }),
      ),
      ["VFL-0201 0000:01:00.0: policy a and policy b want different numVfs: 50% (3) and 7"],
    );
    assert.deepEqual(
      refusals(
        resolve(hostState([{ vfs: 1 }]), {
          a: "select: {driver: igb}, vfs: [{range: 0, network: {minTxRateMbps: 50}}]",
          b: "select: {driver: igb}, vfs: [{range: 0, network: {maxTxRateMbps: 40}}]",
        }),
      ),
      [
        "VFL-0201 0000:01:00.0 VF 0: policy a and policy b want network.minTxRateMbps above network.maxTxRateMbps: 50 and 40",
      ],
    );
  });

  test("a range beyond numVfs is refused; the number there is counts where nobody says one", () => {
    const vfs = "vfs: [{range: 2-4, driver: none}]";
    assert.deepEqual(refusals(resolve(hostState(), { p: `select: {driver: igb}, numVfs: 3, ${vfs}` })), [
      "VFL-0204 policy p: spec.vfs[0].range: 2-4: 0000:01:00.0 has 3 VFs, 0 to 2; VF 3-4 will not be there",
    ]);
    assert.deepEqual(resolve(hostState([{ vfs: 5 }]), { p: `select: {driver: igb}, ${vfs}` }).refusals, []);
    assert.match(
      String(refusals(resolve(hostState([{ numVfs: NONE }]), { p: `select: {driver: igb}, ${vfs}` }))),
      /^VFL-0204 .*how many VFs 0000:01:00\.0 has is unknown/,
    );
  });
});

describe("MAC addresses", () => {
  const macs = ({ desired }: Resolved) => desired.flatMap(({ vfs }) => vfs.map(({ network }) => network?.mac));
  const wanting = (mac: string) => ({
    p: `select: {driver: igb}, numVfs: 2, vfs: [{range: 0-1, network: {mac: ${mac}}}]`,
  });

  test("auto is by host, PF identity and VF, whatever the PF's address is", () => {
    const identity = { serial: null, slotPath: "s", key: "slot s" };
    const here = macs(resolve(hostState([{ identity }]), wanting("auto")));
    assert.deepEqual(here, macs(resolve(hostState([{ identity, bdf: "0000:05:00.0" }]), wanting("auto"))));
    const elsewhere = macs(resolve(hostState([{ identity }], { hostId: "other" }), wanting("auto")));
    assert.equal(new Set([...here, ...elsewhere]).size, 4);
    for (const mac of here) assert.ok(isLocalUnicast(mac ?? ""), String(mac));
  });

  test("auto gives way to an address that a policy names", () => {
    const [, second] = macs(resolve(hostState(), wanting("auto")));
    const named = `{range: 0, network: {mac: "${second}"}}, {range: 1, network: {mac: auto}}`;
    const resolved = resolve(hostState(), { p: `select: {driver: igb}, numVfs: 2, vfs: [${named}]` });
    assert.deepEqual(resolved.refusals, []);
    assert.equal(macs(resolved)[0], second);
    assert.notEqual(macs(resolved)[1], second);
  });

  test("auto without a host's id is refused", () => {
    const resolved = resolve(hostState([{}], { hostId: NONE }), wanting("auto"));
    assert.deepEqual(refusals(resolved), ["VFL-0207 policy p: mac: auto needs the host's id, which is unknown"]);
    assert.deepEqual(macs(resolved), [undefined, undefined]);
  });

  test("random keeps an address that was made, and makes one where there is none or the card's own", () => {
    const state = hostState([
      { vfs: [{ settings: { mac: "02:11:22:33:44:55" } }, { settings: { mac: "00:1b:21:00:00:01" } }] },
    ]);
    const [kept, made] = macs(resolve(state, wanting("random")));
    assert.equal(kept, "02:11:22:33:44:55");
    assert.ok(isLocalUnicast(made ?? ""), String(made));
    assert.deepEqual(macs(resolve(state, wanting("keep"))), [undefined, undefined]);
  });

  test("random and auto give way to an address that somebody else has", () => {
    const mac = "02:11:22:33:44:55";
    for (const state of [
      hostState([{ vfs: [{ settings: { mac } }, { settings: { mac } }] }]),
      hostState([{ netdevs: [netdev("eth0", mac)], vfs: [{ settings: { mac } }, {}] }]),
    ]) {
      const resolved = resolve(state, wanting("random"));
      assert.deepEqual(resolved.refusals, []);
      const others = new Set(macs(resolved));
      assert.equal(others.size, 2);
      if (isUnread(state.pfs[0]?.netdevs)) continue;
      assert.equal(others.has(mac), state.pfs[0]?.netdevs[0]?.mac !== mac);
    }
    const [, second = ""] = macs(resolve(hostState([{ vfs: 2 }]), wanting("auto")));
    const there = resolve(hostState([{ vfs: 2, netdevs: [netdev("eth0", second)] }]), wanting("auto"));
    assert.deepEqual(there.refusals, []);
    assert.notEqual(macs(there)[1], second);
  });

  test("one address for two is refused with both, wanted or there", () => {
    const one = (vf: number, mac: string) => `{range: ${vf}, network: {mac: "${mac}"}}`;
    const mac = "52:54:00:00:00:07";
    const twice = `select: {driver: igb}, numVfs: 2, vfs: [${one(0, mac)}, ${one(1, mac)}]`;
    assert.deepEqual(refusals(resolve(hostState(), { p: twice })), [
      `VFL-0206 ${mac} is wanted for 0000:01:00.0 VF 1 by policy p, and policy p gives it to 0000:01:00.0 VF 0`,
    ]);
    const single = { p: `select: {driver: igb}, numVfs: 2, vfs: [${one(0, mac)}]` };
    assert.deepEqual(refusals(resolve(hostState([{ netdevs: [netdev("eth0", mac)] }]), single)), [
      `VFL-0206 ${mac} is wanted for 0000:01:00.0 VF 0 by policy p, and eth0 (0000:01:00.0) has it`,
    ]);
    assert.deepEqual(refusals(resolve(hostState([{ vfs: [{}, { settings: { mac } }] }]), single)), [
      `VFL-0206 ${mac} is wanted for 0000:01:00.0 VF 0 by policy p, and 0000:01:00.0 VF 1 has it`,
    ]);
    // A VF that is made anew has its own again, where it stays.
    assert.match(
      refusals(resolve(hostState([{ vfs: [{}, { settings: { mac } }, {}] }]), single)).join(),
      /VFL-0206 .*0000:01:00\.0 VF 1 has it/,
    );
    // Its own, and those of VFs that go, are no obstacle.
    assert.deepEqual(resolve(hostState([{ vfs: [{ settings: { mac } }, {}] }]), single).refusals, []);
    assert.deepEqual(resolve(hostState([{ vfs: [{}, {}, { settings: { mac } }] }]), single).refusals, []);
  });
});

const POOL = "select: {driver: igb}, numVfs: 3, vfs: [{range: 0-2, pool: fast, network: {mac: auto, vlan: 7}}]";

describe("claims", () => {
  const owners = ({ desired }: Resolved) =>
    desired.flatMap(({ pf, vfs }) =>
      vfs.flatMap(({ vfIndex, claimedBy }) => (claimedBy ? [`${pf} ${vfIndex} ${claimedBy}`] : [])),
    );

  test("take VFs of their pool from the lowest on, with their settings, and are remembered", () => {
    const resolved = resolve(hostState(), { p: POOL }, { c: "guest: g, pool: fast, count: 2, network: {trust: true}" });
    assert.deepEqual(resolved.refusals, []);
    assert.deepEqual(owners(resolved), ["0000:01:00.0 0 g", "0000:01:00.0 1 g"]);
    const [pf] = resolved.desired;
    assert.deepEqual(pf?.wantedBy, ["claim c", "policy p"]);
    assert.equal(pf?.vfs[0]?.network?.trust, true);
    assert.equal(pf?.vfs[2]?.network?.trust, undefined);
    assert.deepEqual(
      resolved.allocations.map(({ claim, pfKey, vfIndex, mac }) => [
        claim,
        pfKey,
        vfIndex,
        mac === pf?.vfs[vfIndex]?.network?.mac,
      ]),
      [0, 1].map((vf) => ["c", "slot 0000:00/01.0/00.0", vf, true]),
    );
  });

  test("a record wins while it fits, though its guest uses the VF; else the claim gets another", () => {
    const record = { claim: "c", pfKey: "slot 0000:00/01.0/00.0", vfIndex: 2, mac: "02:00:00:00:00:99" };
    const inUse = hostState([{ vfs: [{}, {}, { users: usedBy(vfioUser()) }] }]);
    const claim = { c: "guest: g, pool: fast, network: {mac: random}" };
    const resolved = resolve(inUse, { p: POOL }, claim, [record]);
    assert.deepEqual(owners(resolved), ["0000:01:00.0 2 g"]);
    assert.deepEqual(resolved.allocations, [{ ...record, guest: "g" }]);
    const smaller = { p: "select: {driver: igb}, numVfs: 2, vfs: [{range: 0-1, pool: fast}]" };
    assert.deepEqual(owners(resolve(inUse, smaller, claim, [record])), ["0000:01:00.0 0 g"]);
  });

  test("a VF that a claim has no use for any longer is nobody's until it is released, unless the claim wants it back", () => {
    const state = hostState([{ vfs: 3 }]);
    const two = { k: "guest: web, pool: fast, count: 2" };
    const { allocations: had } = resolve(state, { p: POOL }, two);
    assert.deepEqual(
      had.map(({ vfIndex }) => vfIndex),
      [0, 1],
    );
    const fewer = resolve(state, { p: POOL }, { k: "guest: web, pool: fast", z: "guest: db, pool: fast" }, had);
    assert.deepEqual(fewer.refusals, []);
    assert.deepEqual(owners(fewer), ["0000:01:00.0 0 web", "0000:01:00.0 2 db"]);
    const left = fewer.allocations.filter((each) => each.left);
    assert.deepEqual(left, [{ ...had[1], left: true }]);
    assert.deepEqual(
      fewer.ended.map(({ claim, vfs }) => [claim, vfs.map(({ vfIndex }) => vfIndex)]),
      [["k", [1]]],
    );
    const again = resolve(
      state,
      { p: POOL },
      { k: "guest: web, pool: fast", z: "guest: db, pool: fast" },
      fewer.allocations,
    );
    assert.deepEqual(again.allocations, fewer.allocations);
    const full = resolve(state, { p: POOL }, { ...two, z: "guest: db, pool: fast" }, fewer.allocations);
    assert.deepEqual(owners(full), ["0000:01:00.0 0 web", "0000:01:00.0 1 web", "0000:01:00.0 2 db"]);
    assert.ok(full.allocations.every((each) => !each.left));
    // In no other's way either: it is told whose it is.
    const many = resolve(
      state,
      { p: POOL },
      { k: "guest: web, pool: fast", z: "guest: db, pool: fast, count: 2" },
      had,
    );
    assert.match(refusals(many).join(), /claim z for db wants 2 VFs; claimed by nobody else: 1 fits/);
    // A claim that moves leaves what it had.
    const elsewhere = { k: `guest: web, pool: fast, constraints: {vf: {pf: "01:00.0", vfIndex: 2}}` };
    const moved = resolve(state, { p: POOL }, { ...elsewhere, z: "guest: db, pool: fast" }, had);
    assert.match(refusals(moved).join(), /claimed by nobody else: 0 fit/);
  });

  test("a new claim gets no VF that somebody else uses, and no random address that was another's", () => {
    const state = hostState([{ vfs: [{ users: usedBy(vfioUser()) }, { settings: { mac: "02:11:22:33:44:55" } }, {}] }]);
    const resolved = resolve(state, { p: POOL }, { c: "guest: g, pool: fast, network: {mac: random}" });
    assert.deepEqual(owners(resolved), ["0000:01:00.0 1 g"]);
    assert.notEqual(resolved.allocations[0]?.mac, "02:11:22:33:44:55");
    const mine = hostState([{ vfs: [{ users: usedBy(vfioUser({ guest: { name: "g" } })) }, {}, {}] }]);
    assert.deepEqual(owners(resolve(mine, { p: POOL }, { c: "guest: g, pool: fast" })), ["0000:01:00.0 0 g"]);
  });

  test("a claim that could have any VF leaves the only one to the claim that needs it", () => {
    const claims = {
      a: "guest: g1, pool: fast, count: 2",
      b: `guest: g2, pool: fast, constraints: {vf: {pf: "01:00.0", vfIndex: 0}}`,
    };
    assert.deepEqual(owners(resolve(hostState(), { p: POOL }, claims)), [
      "0000:01:00.0 0 g2",
      "0000:01:00.0 1 g1",
      "0000:01:00.0 2 g1",
    ]);
  });

  test("constraints: NUMA node, one PF, distinct PFs, settings that a policy has", () => {
    const two = {
      p: "select: {driver: igb}, numVfs: 2, vfs: [{range: 0, pool: a, network: {vlan: 1}}, {range: 1, pool: a, network: {vlan: 2}}]",
    };
    const of = (claim: string) => owners(resolve(TWO_PORTS, two, { c: `guest: g, pool: a, ${claim}` }));
    assert.deepEqual(of("constraints: {numaNode: 1}"), ["0000:01:00.1 0 g"]);
    assert.deepEqual(of("count: 2, constraints: {samePf: true}"), ["0000:01:00.0 0 g", "0000:01:00.0 1 g"]);
    assert.deepEqual(of("count: 2, constraints: {distinctPfs: true}"), ["0000:01:00.0 0 g", "0000:01:00.1 0 g"]);
    assert.deepEqual(of("network: {vlan: 2}"), ["0000:01:00.0 1 g"]);
  });

  describe("near the guest", () => {
    const two = { p: "select: {driver: igb}, numVfs: 2, vfs: [{range: 0-1, pool: a}]" };
    const claim = (constraints: string) => ({ c: `guest: web, pool: a, constraints: {${constraints}}` });
    const seen = (...guests: readonly SeenGuest[]): HostState => ({ ...TWO_PORTS, guests: { guests, gaps: [] } });

    test("numaNode: guest is the node that its memory is bound to", () => {
      const bound = seen(guest("web", { numaNode: 1 }));
      assert.deepEqual(owners(resolve(bound, two, claim("numaNode: guest"))), ["0000:01:00.1 0 web"]);
      const none = resolve(seen(guest("web", { numaNode: 7 })), two, claim("numaNode: guest"));
      assert.match(refusals(none)[0] ?? "", /VFL-0205 .*numaNode: guest \(7\): 0 fit, 4 without that/);
    });

    test("where the guest's node is not known, what must be is refused, and what is preferred is any", () => {
      const unbound = [
        seen(guest("web", { numaNode: null })),
        seen(guest("web", {})),
        seen(guest("web", { numaNode: unread("/proc/1/status", "ENOENT") })),
        seen(),
        TWO_PORTS,
      ];
      for (const state of unbound) {
        assert.match(
          refusals(resolve(state, two, claim("numaNode: guest")))[0] ?? "",
          /VFL-0205 claim c: numaNode: guest: /,
        );
        assert.deepEqual(owners(resolve(state, two, claim("preferNumaNode: guest"))), ["0000:01:00.0 0 web"]);
      }
    });

    test("preferNumaNode: what is there first, else another", () => {
      assert.deepEqual(owners(resolve(TWO_PORTS, two, claim("preferNumaNode: 1"))), ["0000:01:00.1 0 web"]);
      const three = resolve(TWO_PORTS, two, { c: "guest: web, pool: a, count: 3, constraints: {preferNumaNode: 1}" });
      assert.deepEqual(owners(three), ["0000:01:00.0 0 web", "0000:01:00.1 0 web", "0000:01:00.1 1 web"]);
      const both = resolve(seen(guest("web", { numaNode: 0 })), two, claim("numaNode: 1, preferNumaNode: guest"));
      assert.deepEqual(owners(both), ["0000:01:00.1 0 web"]);
    });
  });

  describe("preferMac", () => {
    const MAC = "02:00:00:00:00:0a";
    const pool = { p: "select: {driver: igb}, numVfs: 3, vfs: [{range: 0-2, pool: a}]" };
    const claim = (more = "") => ({ c: `guest: g, pool: a, ${more}constraints: {preferMac: "${MAC}"}` });
    const macs = (resolved: Resolved) => resolved.allocations.map(({ vfIndex, mac }) => `${vfIndex} ${mac}`);

    test("is the VF that has the address", () => {
      const state = hostState([{ vfs: [{}, {}, { settings: { mac: MAC } }] }]);
      assert.deepEqual(owners(resolve(state, pool, claim())), ["0000:01:00.0 2 g"]);
    });

    test("else the claim's VF gets it, before the address that network.mac has", () => {
      const wanted = ({ desired }: Resolved) => desired[0]?.vfs[0]?.network?.mac;
      for (const more of ["", 'network: {mac: "02:00:00:00:00:0b"}, ', "network: {mac: auto}, "]) {
        const resolved = resolve(hostState([{ vfs: 3 }]), pool, claim(more));
        assert.deepEqual(macs(resolved), [`0 ${MAC}`], more);
        assert.equal(wanted(resolved), MAC, more);
      }
    });

    test("an address that a policy has, or another claim, comes first", () => {
      const exact = { p: `select: {driver: igb}, vfs: [{range: 0, pool: a, network: {mac: "02:00:00:00:00:0b"}}]` };
      assert.deepEqual(macs(resolve(hostState([{ vfs: 3 }]), exact, claim())), ["0 02:00:00:00:00:0b"]);
      const both = {
        c: `guest: g, pool: a, network: {mac: "02:00:00:00:00:0b"}, constraints: {preferMac: "02:00:00:00:00:0c"}`,
        d: `guest: h, pool: a, network: {mac: "02:00:00:00:00:0c"}, constraints: {preferMac: "02:00:00:00:00:0b"}`,
      };
      assert.deepEqual(macs(resolve(hostState([{ vfs: 3 }]), pool, both)), [
        "0 02:00:00:00:00:0b",
        "1 02:00:00:00:00:0c",
      ]);
    });

    test("where somebody else has it, network.mac counts, and nothing is refused", () => {
      const state = hostState([{ vfs: 3, netdevs: [netdev("eth0", MAC)] }]);
      assert.deepEqual(macs(resolve(state, pool, claim())), ["0 null"]);
      const [made] = resolve(state, pool, claim("network: {mac: auto}, ")).allocations;
      assert.ok(made?.mac && isLocalUnicast(made.mac) && made.mac !== MAC);
      const other = { ...claim(), a: `guest: h, pool: a, network: {mac: "${MAC}"}` };
      const both = resolve(hostState([{ vfs: 3 }]), pool, other);
      assert.deepEqual(refusals(both), []);
      assert.deepEqual(both.allocations.map(({ claim: name, mac }) => `${name} ${mac}`).sort(), [`a ${MAC}`, "c null"]);
    });
  });

  describe("lifetime", () => {
    const pool = { p: "select: {driver: igb}, numVfs: 3, vfs: [{range: 0-2, pool: a}]" };
    const state = hostState([{ vfs: 3 }]);
    const [
      {
        identity: { key },
      },
    ] = state.pfs as [PfState];
    const seen = (guests: readonly SeenGuest[], gaps = false): HostState => ({
      ...state,
      guests: { guests, gaps: gaps ? [unread("/proc", "EACCES")] : [] },
    });
    const record = (more: Partial<Allocation>): Allocation => ({
      claim: "c",
      guest: "web",
      pfKey: key,
      vfIndex: 1,
      mac: null,
      ...more,
    });
    const bound = { c: "guest: web, pool: a, lifetime: guest" };

    test("guest: begins when the guest is seen, and ends when it is gone", () => {
      const first = resolve(seen([]), pool, bound);
      assert.deepEqual(first.allocations, [
        { claim: "c", guest: "web", lifetime: "guest", pfKey: key, vfIndex: 0, mac: null },
      ]);
      const running = resolve(seen([guest("web", {})]), pool, bound, first.allocations);
      assert.equal(running.allocations[0]?.guestSeen, true);
      assert.deepEqual(running.ended, []);
      const gone = resolve(seen([]), pool, bound, running.allocations);
      assert.deepEqual(gone.ended, [{ claim: "c", why: "its guest web is gone", vfs: [{ pfKey: key, vfIndex: 0 }] }]);
      assert.deepEqual(gone.allocations, running.allocations, "it stays reserved");
      assert.deepEqual(gone.desired[0]?.vfs.map(({ guest: of }) => of).filter(Boolean), []);
    });

    test("a guest that could not be looked for is not gone", () => {
      const records = [record({ lifetime: "guest", guestSeen: true })];
      assert.deepEqual(resolve(seen([], true), pool, bound, records).ended, []);
      assert.deepEqual(resolve(state, pool, bound, records).ended, []);
      assert.equal(resolve(seen([guest("web", { running: false })]), pool, bound, records).ended.length, 1);
    });

    test("a time: until then", () => {
      const of = (lifetime: string) => resolve(state, pool, { c: `guest: web, pool: a, lifetime: "${lifetime}"` });
      assert.equal(of("1970-01-01T00:00:00Z").ended.length, 1);
      assert.deepEqual(of("1970-01-01T00:00:00Z").allocations, []);
      assert.deepEqual(of("1970-01-01T00:00:01Z").ended, []);
      assert.equal(of("1970-01-01T00:00:01+02:00").ended.length, 1);
    });

    test("what ended, or is not asked for here, keeps its VF from others", () => {
      const others = { d: "guest: db, pool: a, count: 3" };
      for (const records of [[record({ lifetime: "1970-01-01T00:00:00Z" })], [record({})]]) {
        const resolved = resolve(state, pool, others, records);
        assert.match(refusals(resolved)[0] ?? "", /claim d for db wants 3 VFs; claimed by nobody else: 2 fit/);
        const two = resolve(state, pool, { d: "guest: db, pool: a, count: 2" }, records);
        assert.deepEqual(owners(two), ["0000:01:00.0 0 db", "0000:01:00.0 2 db"]);
        assert.equal(two.allocations.length, 3);
      }
    });
  });

  test("one that does not fit is told which demand leaves too few, and what there is", () => {
    const misfit = (claim: string, others: Spec = {}) =>
      resolve(hostState(), { p: POOL }, { ...others, c: claim }).refusals.flatMap(({ code, summary, evidence }) => [
        `${code} ${summary}`,
        ...evidence.map(({ fact }) => fact),
      ]);
    assert.deepEqual(misfit("guest: g, pool: fats"), [
      "VFL-0205 claim c for g wants 1 VF; pool: fats: 0 fit, 3 without that",
      "the host has, or will have, 3 VFs",
      "pool: fats: none",
      "pools there are: fast; did you mean fast?",
    ]);
    assert.deepEqual(misfit("guest: g, pool: fast", { a: "guest: g0, pool: fast, count: 3" }), [
      "VFL-0205 claim c for g wants 1 VF; claimed by nobody else: 0 fit, 3 without that",
      "the host has, or will have, 3 VFs",
      "pool: fast: 0000:01:00.0 VF 0-2",
      "settings that no policy contradicts: 0000:01:00.0 VF 0-2",
      "in use by nobody else: 0000:01:00.0 VF 0-2",
      "claimed by nobody else: none",
      "claimed by a",
    ]);
    const first = (claim: string) => misfit(claim)[0] ?? "";
    assert.match(first("guest: g, pool: fast, constraints: {numaNode: 1}"), /numaNode: 1: 0 fit, 3 without that/);
    assert.match(
      first("guest: g, pool: fast, count: 2, constraints: {distinctPfs: true}"),
      /wants 2 VFs; distinctPfs: they are on 1 PF$/,
    );
    assert.match(first("guest: g, pool: fast, network: {vlan: 8}"), /no policy contradicts: 0 fit/);
    assert.equal(misfit("guest: g, pool: fast, network: {vlan: 8}").at(-1), "policy p has network.vlan: 7");
    assert.match(first("guest: g, select: {driver: igb}"), /in no pool: 0 fit, 3 without that/);
  });

  test("a PF of which it is unknown how many VFs it has gives none, and is named where that leaves too few", () => {
    const state = hostState([{ numVfs: NONE, vfs: 2 }]);
    const [refusal] = resolve(state, {}, { c: "guest: g, select: {driver: igb}" }).refusals;
    assert.equal(refusal?.code, "VFL-0205");
    assert.deepEqual(refusal?.evidence.slice(0, 2), [
      { fact: "the host has, or will have, 0 VFs" },
      { fact: "0000:01:00.0: how many VFs it has is unknown: permission denied; run as root", from: "/sys/x" },
    ]);
  });

  test("many VFs on one PF are found where the first PF is one short", () => {
    const state = hostState([
      { driverLimit: 100, totalVfs: 100, firstVfOffset: 8, vfStride: 1 },
      { bdf: "0000:02:00.0", driverLimit: 101, totalVfs: 101, firstVfOffset: 8, vfStride: 1 },
    ]);
    const resolved = resolve(
      state,
      { p: "select: {driver: igb}, numVfs: max, vfs: [{range: 0-, pool: fast}]" },
      { c: "guest: g, pool: fast, count: 101, constraints: {samePf: true}" },
    );
    assert.deepEqual(resolved.refusals, []);
    assert.equal(new Set(resolved.allocations.map(({ pfKey }) => pfKey)).size, 1);
  });
});

describe("laws", () => {
  const settings = fc.constantFrom(
    "network: {vlan: 5}",
    "network: {vlan: 6}",
    "driver: none",
    "network: {mac: auto}",
    "pool: a",
  );
  const entry = fc
    .tuple(fc.nat(6), fc.nat(6), settings)
    .map(([a, b, text]) => `{range: ${Math.min(a, b)}-${Math.max(a, b)}, ${text}}`);
  const policy = fc
    .tuple(fc.constantFrom("", "numVfs: 7,", "numVfs: 50%,", "pf: {mtu: 9000},"), fc.array(entry, { maxLength: 3 }))
    .map(([own, entries]) => `select: {driver: igb}, ${own} vfs: [${entries.join(", ")}]`);
  const constraints = fc.constantFrom("{}", "{samePf: true}", "{distinctPfs: true}", "{numaNode: 1}");
  const claim = fc
    .tuple(fc.integer({ min: 1, max: 4 }), constraints)
    .map(([count, each]) => `guest: g, pool: fast, count: ${count}, constraints: ${each}`);
  const named = (all: readonly string[]): Spec => Object.fromEntries(all.map((spec, index) => [`n${index}`, spec]));
  const reversed = (spec: Spec): Spec => Object.fromEntries(Object.entries(spec).reverse());

  test("the order of policies makes no difference", () => {
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 4 }), (policies) => {
        fc.pre(policies.length > 0);
        const spec = named(policies);
        assert.deepEqual(resolve(TWO_PORTS, spec), resolve(TWO_PORTS, reversed(spec)));
      }),
      { numRuns: 100 },
    );
  });

  const maybe = <T>(value: T) => fc.constantFrom(value, value, NONE);
  const pfParts = fc.record({
    driver: maybe("igb"),
    numVfs: maybe(2),
    driverLimit: fc.oneof(maybe(7), fc.constant(0)),
    numaNode: maybe(0),
    netdevs: maybe([netdev("eth0")]),
    users: fc.constantFrom(NOBODY, usedBy(vfioUser())),
    vfs: fc.constantFrom<NonNullable<PfParts["vfs"]>>(
      2,
      [{ settings: NONE, netdevs: NONE, users: usedBy(vfioUser()) }, { settings: null }],
      [{ settings: { mac: null } }, { settings: { mac: "02:11:22:33:44:55" } }],
    ),
  });

  test("whatever is unread, it is resolved or refused, by a code, with a way out, and never beyond the VFs that are wanted", () => {
    const host = fc.tuple(pfParts, pfParts, maybe("id"));
    fc.assert(
      fc.property(
        host,
        fc.array(policy, { maxLength: 3 }),
        fc.array(claim, { maxLength: 3 }),
        ([a, b, hostId], some, claims) => {
          const state = hostState([a, { ...b, bdf: "0000:01:00.1" }], { hostId });
          const { desired, refusals: told } = resolve(state, { ...named(some), p: POOL }, named(claims));
          for (const { code, summary, remedy } of told) {
            assert.ok(Object.hasOwn(CATALOGUE, code) && summary !== "" && remedy !== "", code);
          }
          for (const { numVfs, vfs } of desired) {
            const indexes = vfs.map(({ vfIndex }) => vfIndex);
            assert.deepEqual(
              indexes,
              [...new Set(indexes)].sort((x, y) => x - y),
            );
            if (numVfs !== undefined && told.length === 0) assert.ok(Math.max(-1, ...indexes) < numVfs);
          }
          const macs = desired.flatMap(({ vfs }) => vfs.flatMap(({ network }) => network?.mac ?? []));
          assert.equal(new Set(macs).size, macs.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("the order of claims makes no difference; with its records nothing moves, whatever claims come", () => {
    const pools = { p: POOL };
    const seen = { placed: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 4 }), claim, (before, added) => {
        const spec = named(before);
        const first = resolve(TWO_PORTS, pools, spec);
        fc.pre(first.refusals.length === 0);
        assert.deepEqual(resolve(TWO_PORTS, pools, reversed(spec)), first);
        const places = new Set(first.allocations.map(({ pfKey, vfIndex }) => `${pfKey} ${vfIndex}`));
        assert.equal(places.size, first.allocations.length, "no VF is given twice");
        const more = resolve(TWO_PORTS, pools, { a0: added, ...spec }, first.allocations);
        seen[more.refusals.length === 0 ? "placed" : "refused"]++;
        const kept = more.allocations.filter(({ claim: name }) => name !== "a0");
        for (const one of first.allocations) {
          assert.ok(
            kept.some((each) => each.claim === one.claim && each.pfKey === one.pfKey && each.vfIndex === one.vfIndex),
          );
        }
        assert.deepEqual(resolve(TWO_PORTS, pools, spec, first.allocations).allocations, first.allocations);
      }),
      { numRuns: 100 },
    );
    assert.ok(seen.placed > 10, "the law was put to claims that come to others");
  });
});

test("16 PFs of 256 VFs and a claim for each tenth VF: all claims get theirs", () => {
  const state = hostState(
    Array.from({ length: 16 }, (_, index) => ({
      bdf: `0000:${(index + 16).toString(16)}:00.0`,
      driverLimit: 256,
      totalVfs: 256,
      vfs: 256,
      firstVfOffset: 16,
      vfStride: 1,
    })),
  );
  const policies = {
    p: "select: {driver: igb}, numVfs: max, vfs: [{range: 0-, pool: fast, driver: vfio-pci, network: {mac: auto, vlan: 7, trust: false}}]",
  };
  const claims = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`c${index}`, "guest: g, pool: fast"]));
  const read = documents(policies, claims);
  const resolved = resolveDesired({ documents: read, state, claims: [], random: counting(), now: new Date(0) });
  assert.deepEqual(resolved.refusals, []);
  assert.equal(resolved.allocations.length, 400);
  const places = new Set(resolved.allocations.map(({ pfKey, vfIndex }) => `${pfKey} ${vfIndex}`));
  assert.equal(places.size, 400);
});
