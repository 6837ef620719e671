import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import { frame } from "../nic/testing/card-with-guests.ts";
import type { Guest } from "./guest.ts";
import type { IncomingGuest } from "./incoming-guest.ts";
import { E1000_VF_SET_LPE, E1000_VF_SET_MULTICAST } from "./mailbox-messages.ts";
import { type MoveDestination, moveGuest } from "./move-guest.ts";
import type { OutgoingGuest } from "./outgoing-guest.ts";
import { moveByFailover, moveByVfio } from "./testing/echo-traffic.ts";
import { TwoSites } from "./testing/two-sites.ts";

const GUEST_BYTES = 2 ** 18;
const OPTIONS = { guestBytes: GUEST_BYTES, descriptors: 16 };
const STATION = Uint8Array.of(2, 0, 0, 0, 0, 9);

/** A destination at which something happens before one of its steps. */
function before(incoming: IncomingGuest, step: keyof MoveDestination, happen: () => void): MoveDestination {
  const at = (name: keyof MoveDestination) => {
    if (name === step) happen();
  };
  return {
    prepare: (guest) => {
      at("prepare");
      return incoming.prepare(guest);
    },
    takePages: (pages) => {
      at("takePages");
      incoming.takePages(pages);
    },
    takeDevice: (piece) => {
      at("takeDevice");
      incoming.takeDevice(piece);
    },
    run: (software) => {
      at("run");
      incoming.run(software);
    },
    abort: () => incoming.abort(),
  };
}

function memoryOf({ memory }: Guest): Uint8Array {
  return memory.memory.bytes;
}

function noFaults(sites: TwoSites): void {
  for (const { host } of [sites.here, sites.there]) {
    assert.deepEqual(host.takeFaults(), []);
    assert.equal(host.interrupts.spurious, 0);
  }
}

test("a guest goes to another machine with its VF, to other addresses there, and its traffic goes on (VFIO migration)", async () => {
  const sites = new TwoSites({ ...OPTIONS, numVfs: 3 });
  const { here, there, moving } = sites;
  const address = moving.driver.address.slice();
  // Frames that have arrived, and that the driver has not seen yet, go along.
  moving.mmio.write32(E1000.EIMC, 7);
  for (let sent = 0; sent < 5; sent++) here.guest(1).driver.send(frame(address, here.addressOf(1)));
  const ridBefore = moving.rid;
  const source = sites.outgoing();
  const incoming = sites.incoming({ base: there.baseOf(3), vfIndex: 0 });
  const report = await moveGuest(source, incoming, sites);
  const guest = sites.arrived;
  assert.equal(report.rounds[0], GUEST_BYTES / 4096);
  assert.equal(here.machine.fabric.portOf(here.host.function(ridBefore)).span(0, 1, false), undefined);
  assert.equal(guest.driver.poll(), 5);
  guest.mmio.write32(E1000.EIMS, 7);
  const left = here.machine.memory.bytes.slice(here.baseOf(0), here.baseOf(1));
  here.guest(1).driver.send(frame(address, here.addressOf(1)));
  there.guest(1).driver.send(frame(address, there.addressOf(1)));
  sites.pass(NS_PER_MS);
  assert.equal(sites.received.length, 7, "from the machine it left, over the wire, and from its new neighbour");
  assert.equal(Buffer.compare(here.machine.memory.bytes.subarray(here.baseOf(0), here.baseOf(1)), left), 0);
  guest.driver.send(frame(there.addressOf(2), address));
  guest.driver.send(frame(here.addressOf(1), address));
  sites.pass(NS_PER_MS);
  assert.deepEqual([there.received[2]?.length, here.received[1]?.length], [1, 1]);
  guest.detach();
  noFaults(sites);
});

test("what waits to be sent, and what waits to be told, does so at the destination, once", async () => {
  const sites = new TwoSites(OPTIONS);
  const { here, moving } = sites;
  const got: number[] = [];
  sites.station((bytes, at) => got.push(bytes[at + 20] as number));
  const sent = (index: number) => {
    const bytes = frame(STATION, moving.driver.address);
    bytes[20] = index;
    return bytes;
  };
  // Told of the first; of the second when the vector may speak again, which is later than the move.
  here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
  here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
  assert.equal(sites.received.length, 1);
  // In the ring, and the card has not been told; then two that a limited rate holds back.
  const destination = sites.incoming();
  const source = sites.outgoing();
  await moveGuest(
    source,
    before(destination, "prepare", () => {
      here.host.pf.vfs?.setRate(0, 0, 1);
      for (let index = 0; index < 5; index++) moving.driver.send(sent(index));
      moving.driver.send(sent(5), undefined, true);
    }),
    { bytesPerSecond: 1e12, pass: () => {} },
  );
  assert.ok(got.length > 5 - 4, `${got.length} were sent`);
  sites.arrived.driver.flush();
  sites.pass(NS_PER_MS);
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5]);
  assert.equal(sites.received.length, 2);
  noFaults(sites);
});

test("interrupts that come between the processor's stop and the VF's are the destination's", async () => {
  const sites = new TwoSites(OPTIONS);
  const { here, moving } = sites;
  const source: OutgoingGuest = sites.outgoing();
  const incoming = sites.incoming();
  await incoming.prepare(source.start());
  moving.pause();
  here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
  assert.equal(sites.received.length, 0);
  source.nextRound();
  source.stop();
  source.nextRound();
  for (let pages = source.takePages(64); pages.length > 0; pages = source.takePages(64)) incoming.takePages(pages);
  for (let piece = source.takeDevice(7); piece !== undefined; piece = source.takeDevice(7)) incoming.takeDevice(piece);
  const software = JSON.parse(JSON.stringify(source.software()));
  assert.deepEqual(software.waiting, [1]);
  incoming.run(software);
  assert.equal(sites.received.length, 1);
  await source.complete();
  noFaults(sites);
});

test("frames for a VF that stands still are lost, as with a card whose rings are full, and its state does not change", () => {
  const sites = new TwoSites(OPTIONS);
  const { here, moving } = sites;
  const source = sites.outgoing();
  source.start();
  source.stop();
  const state = JSON.stringify(here.host.function(moving.rid).model?.save());
  const memory = memoryOf(moving).slice();
  const { mmio } = moving;
  here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
  mmio.write32(E1000.EIMC, 7);
  assert.equal(mmio.read32(E1000.EIMS), 0xffff_ffff);
  sites.pass(5 * NS_PER_MS);
  assert.equal(JSON.stringify(here.host.function(moving.rid).model?.save()), state);
  assert.equal(Buffer.compare(memoryOf(moving), memory), 0);
  source.cancel();
  here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
  sites.pass(NS_PER_MS);
  assert.equal(sites.received.length, 1);
});

interface Failure {
  readonly what: string;
  readonly error: RegExp;
  destination(sites: TwoSites): MoveDestination;
}

const FAILURES: readonly Failure[] = [
  {
    what: "there is too little memory",
    error: /262144 bytes of memory, and there are 4096/,
    destination: (sites) => sites.incoming({ availableBytes: 4096 }),
  },
  { what: "there is no VF", error: /VF 5 is not enabled/, destination: (sites) => sites.incoming({ vfIndex: 5 }) },
  {
    what: "the VF's card is pulled out meanwhile",
    error: /the VF is gone/,
    destination: (sites) =>
      before(sites.incoming(), "run", () => {
        sites.there.host.resetFunction(sites.there.host.pfRid);
      }),
  },
  {
    what: "the VF's state comes damaged",
    error: /was changed on its way/,
    destination: (sites) => {
      const incoming = sites.incoming();
      return {
        prepare: (guest) => incoming.prepare(guest),
        takePages: (pages) => incoming.takePages(pages),
        takeDevice: ({ device, bytes }) => {
          const damaged = bytes.slice();
          damaged[50] = (damaged[50] as number) ^ 4;
          incoming.takeDevice({ device, bytes: damaged });
        },
        run: (software) => incoming.run(software),
        abort: () => incoming.abort(),
      };
    },
  },
  {
    what: "the administrator there has set another address",
    error: /does not let VF 0 have its MAC address/,
    destination: (sites) => {
      sites.there.host.pf.vfs?.setMac(0, Uint8Array.of(2, 0, 0, 0, 7, 7));
      return sites.incoming();
    },
  },
];

for (const { what, error, destination } of FAILURES) {
  test(`where ${what}, the guest goes on where it is, and nothing of it is there`, async () => {
    const sites = new TwoSites(OPTIONS);
    const { here, there, moving } = sites;
    const to = destination(sites);
    const filters = there.host.pf.vfs?.config(0);
    const got: number[] = [];
    sites.station((bytes, at) => got.push(bytes[at + 20] as number));
    const bytes = frame(STATION, moving.driver.address);
    moving.driver.send(bytes, undefined, true);
    await assert.rejects(moveGuest(sites.outgoing(), to, sites), error);
    sites.pass(NS_PER_MS);
    moving.driver.flush();
    here.guest(1).driver.send(frame(moving.driver.address, here.addressOf(1)));
    sites.pass(NS_PER_MS);
    assert.equal(got.length, 1);
    assert.equal(sites.received.length, 1);
    assert.equal(moving.memory.memory.writes, undefined, "nothing is kept any more");
    assert.deepEqual(there.host.pf.vfs?.config(0), filters);
    if (what.startsWith("the VF's card")) return;
    there.guest(0).attach(0);
    there.guest(1).driver.send(frame(there.guest(0).driver.address, there.addressOf(1)));
    there.machine.clock.advance(NS_PER_MS);
    assert.equal(there.received[0]?.length, 1, "who is given the VF next has it for itself");
    noFaults(sites);
  });
}

test("what the guest has asked its PF for comes along; what the administrator has set does not", async () => {
  const sites = new TwoSites(OPTIONS);
  const { here, there, moving } = sites;
  const group = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
  moving.driver.setMulticast([group]);
  assert.equal(moving.driver.setVlan(7, true), true);
  moving.driver.setMaximumFrame(1522);
  here.host.pf.vfs?.setSpoofCheck(0, false);
  here.host.pf.vfs?.setTrust(0, true);
  here.host.pf.vfs?.setRate(0, 0, 300);
  const asked = here.host.pf.vfs?.requests.of(0);
  const incoming = sites.incoming();
  await moveGuest(sites.outgoing(), incoming, sites);
  assert.deepEqual(there.host.pf.vfs?.requests.of(0), asked);
  const { spoofChecked, trusted, maxTxRateMbps } = there.host.pf.vfs?.config(0) ?? {};
  assert.deepEqual({ spoofChecked, trusted, maxTxRateMbps }, { spoofChecked: true, trusted: false, maxTxRateMbps: 0 });
  const station = sites.station(() => {});
  for (const bytes of [frame(group, STATION), frame(sites.arrived.driver.address, STATION, { vlan: 7 })]) {
    sites.wire.transmit(station, bytes, 0, bytes.length);
  }
  sites.pass(NS_PER_MS);
  assert.equal(sites.received.length, 2);
  const left = here.host.pf.vfs?.requests.of(0).map(([type = 0]) => type & 0xffff);
  assert.deepEqual(
    left,
    [E1000_VF_SET_MULTICAST, E1000_VF_SET_LPE],
    "neither address nor VLAN; igb keeps the frame size",
  );
});

test("the gap is the time that the guest stands still, with a failover pair too; that leaves it without a VF all the while", async () => {
  const options = { guestBytes: 2 ** 24, bytesPerSecond: 125e6, intervalNs: 1e6, pagesEach: 3, downtimeMs: 5 };
  const vfio = await moveByVfio(options);
  const failover = await moveByFailover(options);
  for (const { rounds, stoppedNs, gapMs, lost, sent } of [vfio, failover]) {
    assert.ok(rounds.length > 2, `${rounds}`);
    assert.ok((rounds.at(-1) ?? 0) < (rounds[0] ?? 0) / 20, `${rounds}`);
    const stoppedMs = stoppedNs / NS_PER_MS;
    assert.ok(gapMs >= stoppedMs && gapMs < stoppedMs + 3, `${gapMs} ms of ${stoppedMs}`);
    assert.ok(lost <= stoppedMs + 2 && sent > 100, `${lost} of ${sent}`);
  }
  assert.equal(vfio.withoutVfMs, 0);
  assert.ok(failover.withoutVfMs > 300);
});
