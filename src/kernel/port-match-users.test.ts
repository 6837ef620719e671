import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bdf } from "../pci/bdf.ts";
import { matchUsers } from "./port-match-users.ts";
import type { BlockDevice, FunctionFact, NetLink, NetNamespace, OpenDeviceFile, UseFacts } from "./port-use-facts.ts";
import type { DeviceUser, DeviceUsers } from "./port-users.ts";

const PF = bdf("0000:01:00.0");
const VF = bdf("0000:01:10.0");
const VF1 = bdf("0000:01:10.2");
const NOTHING: UseFacts = {
  functions: new Map(),
  openFiles: [],
  namespaces: [],
  blocks: new Map(),
  mounts: [],
  swaps: [],
  pools: [],
  rdma: [],
  guests: [],
  attachments: [],
  gaps: [],
};

function functions(...facts: FunctionFact[]): UseFacts["functions"] {
  return new Map(facts.map((fact) => [fact.bdf, fact]));
}

function fn(driver: FunctionFact["driver"], of = VF, vfs: FunctionFact["vfs"] = []): FunctionFact {
  return { bdf: of, driver, vfs };
}

function usersOf(facts: UseFacts, of = VF): DeviceUsers {
  return matchUsers(facts, [of]).get(of) ?? assert.fail("no answer");
}

function says(users: readonly DeviceUser[]): string[] {
  return users.map(({ kind, evidence }) => `${kind}: ${evidence}`);
}

describe("matchUsers of device files", () => {
  const qemu = { pid: 42, command: "qemu-system-x86", guest: { name: "web" } };
  const group: OpenDeviceFile = {
    process: qemu,
    path: "/dev/vfio/61",
    fd: 25,
    device: "/devices/virtual/vfio/61",
    functions: [VF, VF1],
    block: undefined,
  };

  it("a group of VFIO is a use of what is bound to VFIO", () => {
    const facts = { ...NOTHING, functions: functions(fn("vfio-pci"), fn("igbvf", VF1)), openFiles: [group, group] };
    assert.deepEqual(usersOf(facts).users, [
      {
        kind: "vfio",
        who: qemu,
        evidence: "guest web: qemu-system-x86 (process 42) has /dev/vfio/61 open (file 25, /devices/virtual/vfio/61)",
      },
    ]);
    assert.deepEqual(usersOf(facts, VF1).users, []);
  });

  it("bound to vfio-pci or pciback but not open is no use", () => {
    for (const driver of ["vfio-pci", "mlx5_vfio_pci", "pciback"]) {
      const { users, idle } = usersOf({ ...NOTHING, functions: functions(fn(driver)) });
      assert.deepEqual([users, says(idle)], [[], [`driver: it is bound to ${driver}, ready for a guest`]]);
    }
    assert.deepEqual(usersOf({ ...NOTHING, functions: functions(fn(null)) }).idle, []);
  });

  it("tells kinds of device files by their place in sysfs", () => {
    const at = "/devices/pci0000:00/0000:01:10.0";
    const kinds = (
      [
        ["/vfio-dev/vfio0", "vfio"],
        ["/drm/renderD128", "drm"],
        ["/accel/accel0", "drm"],
        ["/infiniband_verbs/uverbs0", "rdma"],
        ["/uio/uio0", "deviceFile"],
        ["", "deviceFile"],
      ] as const
    ).map(([below, kind]) => {
      const openFiles = [{ ...group, device: at + below, path: "/dev/x", functions: [VF] }];
      const { users } = usersOf({ ...NOTHING, functions: functions(fn("vfio-pci")), openFiles });
      return [users[0]?.kind, kind];
    });
    for (const [seen, expected] of kinds) assert.equal(seen, expected);
  });

  it("a PF's users include those of its VFs", () => {
    const facts = {
      ...NOTHING,
      functions: functions(fn("igb", PF, [VF, VF1]), fn("vfio-pci"), fn("vfio-pci", VF1)),
      openFiles: [{ ...group, functions: [VF1] }],
    };
    assert.deepEqual(
      usersOf(facts, PF).users.map(({ kind, vf }) => [kind, vf]),
      [["vfio", VF1]],
    );
    assert.equal(usersOf(facts, VF1).users[0]?.vf, undefined);
    assert.deepEqual(usersOf(facts, VF).users, []);
  });
});

describe("matchUsers of network interfaces", () => {
  function link(name: string, ifindex: number, more: Partial<NetLink> = {}): NetLink {
    return {
      name,
      ifindex,
      up: false,
      kind: undefined,
      functions: [],
      master: undefined,
      lowerIfindex: undefined,
      lowerElsewhere: false,
      addresses: [],
      xdp: undefined,
      ...more,
    };
  }
  function namespace(inode: number, links: NetLink[], more: Partial<NetNamespace> = {}): NetNamespace {
    const label = `network namespace ns${inode}`;
    return { inode, label, host: inode === 1, process: undefined, links, routes: [], packetSockets: [], ...more };
  }
  const of = functions(fn("igbvf"));

  it("an interface that is up with its link-local address is idle", () => {
    const own = link("eth1", 5, {
      functions: [VF],
      up: true,
      addresses: [{ address: "fe80::1/64", scope: "link" }],
    });
    const { users, idle } = usersOf({ ...NOTHING, functions: of, namespaces: [namespace(1, [own])] });
    assert.deepEqual(users, []);
    assert.deepEqual(says(idle), ["up: eth1 is up", "address: eth1 has the address fe80::1/64 (scope link)"]);
  });

  it("follows bond and bridge to the address and the default route", () => {
    const links = [
      link("eth1", 5, { functions: [VF], master: "bond0", xdp: "program 3" }),
      link("bond0", 6, { kind: "bond", master: "br0" }),
      link("br0", 7, { kind: "bridge", addresses: [{ address: "192.0.2.2/24", scope: "global" }] }),
      link("other", 8, { addresses: [{ address: "192.0.2.3/24", scope: "global" }] }),
    ];
    const routes = [{ destination: "default", gateway: "192.0.2.1", table: "main", netdevs: ["br0"] }];
    const packetSockets = [{ ifindex: 5, process: { pid: 9, command: "lldpd" } }];
    const { users } = usersOf({
      ...NOTHING,
      functions: of,
      namespaces: [namespace(1, links, { routes, packetSockets })],
    });
    assert.deepEqual(says(users), [
      "xdp: XDP program 3 is attached to eth1",
      "packetSocket: lldpd (process 9) has a packet socket on eth1",
      "upper: bond0 (bond) is built on it, upon eth1",
      "upper: br0 (bridge) is built on it, upon eth1, bond0",
      "address: br0 has the address 192.0.2.2/24 (scope global), upon eth1, bond0",
      "route: the default route by 192.0.2.1 leads through br0 (table main), upon eth1, bond0",
    ]);
    assert.equal(users[1]?.who.pid, 9);
  });

  it("another namespace is a use, named with its container", () => {
    const container = { runtime: "docker", id: "ab12" };
    const process = { pid: 77, command: "nginx", container };
    const inside = namespace(2, [link("net1", 5, { functions: [VF] })], { process });
    const { users } = usersOf({ ...NOTHING, functions: of, namespaces: [namespace(1, []), inside] });
    assert.deepEqual(users, [
      {
        kind: "namespace",
        who: { namespace: "network namespace ns2", container, netdev: "net1", pid: 77, command: "nginx" },
        evidence: "its network interface net1 is in network namespace ns2",
      },
    ]);
  });

  it("finds a macvlan that went to another namespace", () => {
    const upper = link("eth0", 2, { kind: "macvlan", lowerIfindex: 5, lowerElsewhere: true });
    const namespaces = [namespace(1, [link("eth1", 5, { functions: [VF] })]), namespace(2, [upper])];
    assert.deepEqual(says(usersOf({ ...NOTHING, functions: of, namespaces }).users), [
      "upper: eth0 (macvlan) is built on it in network namespace ns2, upon eth1",
    ]);
  });
});

describe("matchUsers of block devices", () => {
  function block(name: string, number: string, more: Partial<BlockDevice> = {}): [string, BlockDevice] {
    return [name, { name, number, label: undefined, mapperName: undefined, functions: [], above: [], ...more }];
  }
  const host = { host: true, process: undefined };
  const of = functions(fn("nvme"));

  it("follows partitions and holders to mount, swap and processes", () => {
    const blocks = new Map([
      block("nvme0n1", "259:0", { functions: [VF], above: ["nvme0n1p1", "nvme0n1p2"] }),
      block("nvme0n1p1", "259:1", { functions: [VF], above: ["dm-0"] }),
      block("nvme0n1p2", "259:2", { functions: [VF] }),
      block("dm-0", "253:0", { label: "logical volume vg-data", mapperName: "vg-data" }),
    ]);
    const process = { pid: 7, command: "postgres" };
    const { users } = usersOf({
      ...NOTHING,
      functions: of,
      blocks,
      mounts: [
        { number: "253:0", type: "ext4", source: "/dev/mapper/vg-data", point: "/srv", ...host },
        { number: "253:0", type: "ext4", source: "/dev/mapper/vg-data", point: "/home", ...host },
        { number: "253:0", type: "ext4", source: "/dev/mapper/vg-data", point: "/srv", host: false, process },
      ],
      swaps: ["nvme0n1p2"],
      openFiles: [
        { process, path: "/dev/nvme0n1", fd: 3, device: "/devices/x/nvme0n1", functions: [VF], block: "nvme0n1" },
      ],
    });
    assert.deepEqual(says(users), [
      "blockOpen: postgres (process 7) has /dev/nvme0n1 open (nvme0n1)",
      "holder: dm-0 (logical volume vg-data) is built on it, upon nvme0n1p1",
      "mount: dm-0 (ext4) is mounted at /srv, and at 1 more, upon nvme0n1p1",
      "swap: nvme0n1p2 is swap",
    ]);
    assert.equal(users[2]?.who.mountPoint, "/srv");
  });

  it("knows Btrfs by its members", () => {
    const blocks = new Map([block("nvme0n1", "259:0", { functions: [VF] })]);
    const pools = [{ type: "btrfs", name: "uuid", members: ["nvme0n1", "sda"] }];
    const mounts = [{ number: "0:33", type: "btrfs", source: "/dev/sda", point: "/pool", ...host }];
    assert.deepEqual(says(usersOf({ ...NOTHING, functions: of, blocks, pools, mounts }).users), [
      "holder: nvme0n1 is a member of btrfs uuid",
      "mount: nvme0n1 (btrfs) is mounted at /pool",
    ]);
  });

  it("names a container that alone has it mounted, and the other paths of NVMe multipath", () => {
    const process = { pid: 8, command: "app", container: { runtime: "docker", id: "cd34" } };
    const blocks = new Map([block("nvme0n1", "259:0", { functions: [VF, VF1] })]);
    const mounts = [{ number: "259:0", type: "xfs", source: "/dev/nvme0n1", point: "/data", host: false, process }];
    const { users } = usersOf({ ...NOTHING, functions: of, blocks, mounts });
    assert.deepEqual(says(users), [
      "mount: nvme0n1 (xfs) is mounted at /data by app (process 8); " +
        "NVMe multipath reaches nvme0n1 by 0000:01:10.0 and 0000:01:10.2",
    ]);
    assert.equal(users[0]?.who.container?.id, "cd34");
  });
});

describe("matchUsers of RDMA and of what was not looked at", () => {
  it("names the kernel's users of RDMA, too", () => {
    const queuePair = { device: "mlx5_2", functions: [VF], what: "queue pair 77 (RC)" };
    const rdma = [
      { ...queuePair, process: { pid: 5, command: "ib_send_bw" }, command: "ib_send_bw" },
      { ...queuePair, process: undefined, command: "rpcrdma" },
    ];
    assert.deepEqual(says(usersOf({ ...NOTHING, functions: functions(fn("mlx5_core")), rdma }).users), [
      "rdma: ib_send_bw (process 5) has queue pair 77 (RC) on mlx5_2",
      "rdma: the kernel (rpcrdma) has queue pair 77 (RC) on mlx5_2",
    ]);
  });

  it("names guests that have it in their definition", () => {
    const guests = [{ name: "web", uuid: undefined, path: "/etc/libvirt/qemu/web.xml", functions: [VF] }];
    assert.deepEqual(usersOf({ ...NOTHING, functions: functions(fn(null)), guests }).users, [
      {
        kind: "definedGuest",
        who: { guest: { name: "web" } },
        evidence: "the guest web has it in its definition (/etc/libvirt/qemu/web.xml)",
      },
    ]);
  });

  it("tells only of gaps that may hide a user of the function", () => {
    const gap = { errno: "EACCES", reason: "why" };
    const ways = ["openFiles", "namespaces", "mounts", "xen", "cniAttachments"] as const;
    const gaps = [...ways.map((way) => ({ ...gap, way })), { ...gap, way: "rdma" as const, functions: [VF1] }];
    const seen = (driver: FunctionFact["driver"]) =>
      usersOf({ ...NOTHING, functions: functions(fn(driver)), gaps }).notLookedAt.map(({ way }) => way);
    assert.deepEqual(seen("igbvf"), ["openFiles", "namespaces", "mounts", "cniAttachments"]);
    assert.deepEqual(seen("nvme"), ["openFiles", "mounts", "cniAttachments"]);
    assert.deepEqual(seen("vfio-pci"), ["openFiles", "cniAttachments"]);
    assert.deepEqual(seen("pciback"), ["openFiles", "xen", "cniAttachments"]);
    assert.deepEqual(seen(null), ["openFiles", "cniAttachments"]);
    assert.deepEqual(seen(undefined), [...ways]);
  });
});

describe("matchUsers of CNI attachments", () => {
  it("a container has what a plugin has given it, though no program of it has it open yet", () => {
    const own = { bdf: VF, namespace: "/run/netns/cni-1", containerId: "0123456789abcdef", path: "/r/a.json" };
    const other = { bdf: VF1, namespace: "/proc/42/ns/net", path: "/r/pci/0000:01:10.2" };
    const facts = { ...NOTHING, functions: functions(fn("vfio-pci"), fn(null, VF1)), attachments: [own, other] };
    assert.deepEqual(usersOf(facts).users, [
      {
        kind: "attachment",
        who: { container: { runtime: "cni", id: "0123456789abcdef" }, namespace: "cni-1" },
        evidence: "the container 0123456789ab (/run/netns/cni-1) has it by CNI (/r/a.json)",
      },
    ]);
    assert.deepEqual(says(usersOf(facts, VF1).users), [
      "attachment: a container (/proc/42/ns/net) has it by CNI (/r/pci/0000:01:10.2)",
    ]);
  });
});
