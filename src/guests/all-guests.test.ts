import assert from "node:assert/strict";
import { test } from "node:test";
import { type GuestAddress, type GuestPort, holderOf, type SeenGuest, type VfForGuest } from "../host/guest-port.ts";
import { unread } from "../kernel/port.ts";
import { bdf } from "../pci/bdf.ts";
import { allGuests } from "./all-guests.ts";

const VF = bdf("0000:01:10.0");

function guest(address: GuestAddress, more: Partial<SeenGuest> = {}): SeenGuest {
  const name = address.replace(/^.*:/, "");
  return { address, name, uuid: null, pid: null, running: true, devices: [], unreachable: null, ...more };
}

/** A kind of guests that are these, and do what they are asked. */
function kind(name: GuestPort["kind"], guests: Awaited<ReturnType<GuestPort["guests"]>>): GuestPort {
  return {
    kind: name,
    guests: async () => guests,
    obstacles: async () => [],
    attach: async () => ({ kind: "done", tookMs: 0 }),
    detach: async () => ({ kind: "done", tookMs: 0 }),
  };
}

test("a domain of libvirt is told once, as libvirt's; a QEMU that nobody else knows stays, and says why it is out of reach", async () => {
  const other = "its monitor is another program's (fd=21)";
  const device = { bdf: VF, deviceId: null, byVfleet: false };
  const all = allGuests([
    kind("qemu", [
      guest("qemu:web", { pid: 42, unreachable: other, devices: [device] }),
      guest("qemu:db", { uuid: "u-1", pid: 43, unreachable: other }),
      guest("qemu:alone", { pid: 44, unreachable: other }),
      guest("qemu:own", { pid: 45 }),
    ]),
    kind("libvirt", [guest("libvirt:web", { pid: 42 }), guest("libvirt:db", { uuid: "u-1" })]),
  ]);
  const { guests, gaps } = await all.look();
  assert.deepEqual(
    guests.map(({ address }) => address),
    ["qemu:alone", "qemu:own", "libvirt:web", "libvirt:db"],
  );
  assert.deepEqual(gaps, []);
});

test("two QEMUs of one UUID, as the ends of a move are, are two: the one out of reach has what it has", async () => {
  const device = { bdf: VF, deviceId: null, byVfleet: true };
  const source = guest("qemu:web", { uuid: "u-1", pid: 42, unreachable: "its monitor is busy", devices: [device] });
  const all = allGuests([
    kind("qemu", [source, guest("qemu:web-dst", { uuid: "u-1", pid: 43 })]),
    kind("libvirt", [guest("libvirt:web", { uuid: "u-1", pid: 43 })]),
  ]);
  const { guests } = await all.look();
  assert.equal(holderOf({ guests, gaps: [] }, VF), source);
});

test("a kind that cannot be looked for is a gap; a guest of a kind that there is not takes nothing", async () => {
  const gap = unread("virsh list", "EIO", "Failed to connect socket");
  const all = allGuests([kind("libvirt", gap), kind("netns", [guest("netns:blue")])]);
  assert.deepEqual((await all.look()).gaps, [gap]);
  assert.equal((await all.detach("netns:blue", VF)).kind, "done");
  const refused = await all.detach("model:web", VF);
  assert.equal(refused.kind, "failed");
});

test("a guest's own kind is asked about a VF, and told of what else the guest gets", async () => {
  const asked: unknown[] = [];
  const qemu: GuestPort = {
    ...kind("qemu", [guest("qemu:web")]),
    obstacles: async (...words) => {
      asked.push(words);
      return [];
    },
  };
  const vf: VfForGuest = {
    bdf: VF,
    driver: "vfio-pci",
    iommuGroup: 7,
    netdev: null,
    isNetwork: true,
    mac: null,
    vlan: null,
    pfOnVfio: false,
    attachment: {},
  };
  const all = allGuests([kind("netns", []), qemu]);
  assert.deepEqual(await all.obstacles("qemu:web", vf, 1), []);
  assert.deepEqual(asked, [["qemu:web", vf, 1]]);
  assert.equal((await all.obstacles("model:web", vf))[0]?.code, "VFL-0224");
});
