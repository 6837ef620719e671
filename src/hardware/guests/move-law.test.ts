/** Laws of a move, over random histories. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frame } from "../nic/testing/card-with-guests.ts";
import type { Guest } from "./guest.ts";
import type { IncomingGuest } from "./incoming-guest.ts";
import type { OutgoingGuest } from "./outgoing-guest.ts";
import { TwoSites } from "./testing/two-sites.ts";

const OPTIONS = { guestBytes: 2 ** 18, descriptors: 16 };
const STATION = Uint8Array.of(2, 0, 0, 0, 0, 9);
/** Of a frame's number. */
const NUMBER_AT = 20;

type Step =
  | { do: "send"; more: boolean }
  | { do: "flush" | "station" | "neighbour" | "round" | "mask" | "unmask" }
  | { do: "copy"; pages: number }
  | { do: "write"; at: number; length: number }
  | { do: "pass"; us: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), more: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["flush", "station", "neighbour", "round", "mask", "unmask"] as const)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("copy" as const), pages: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      at: fc.nat({ max: 2 ** 18 - 5000 }),
      length: fc.integer({ min: 1, max: 5000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), us: fc.integer({ min: 1, max: 400 }) }) },
);

/** Guest, network and neighbour, with all frames numbered. */
class History {
  readonly sites = new TwoSites(OPTIONS);
  readonly source: OutgoingGuest = this.sites.outgoing();
  readonly incoming: IncomingGuest = this.sites.incoming();
  readonly got: number[] = [];
  readonly #station = this.sites.station((bytes, at) => {
    if (bytes[at + 5] === STATION[5]) this.got.push(bytes[at + NUMBER_AT] as number);
  });
  readonly #address = this.sites.moving.driver.address.slice();
  guest: Guest = this.sites.moving;
  sent = 0;
  toGuest = 0;

  run(steps: readonly Step[], moving: boolean): void {
    for (const each of steps) this.#run(each, moving);
  }

  #run(each: Step, moving: boolean): void {
    const { sites, guest } = this;
    if (each.do === "send") {
      if (guest.driver.send(numbered(STATION, this.#address, this.sent), undefined, each.more)) this.sent++;
    } else if (each.do === "flush") guest.driver.flush();
    else if (each.do === "station") {
      const bytes = numbered(this.#address, STATION, this.toGuest++);
      sites.wire.transmit(this.#station, bytes, 0, bytes.length);
    } else if (each.do === "neighbour") {
      sites.here.guest(1).driver.send(numbered(this.#address, sites.here.addressOf(1), this.toGuest++));
    } else if (each.do === "mask") guest.mmio.write32(0x1528, 7);
    else if (each.do === "unmask") guest.mmio.write32(0x1524, 7);
    else if (each.do === "pass") sites.pass(each.us * 1000);
    else if (each.do === "write") {
      // Where no ring is, which ends below; the software uses the rest as it likes.
      const at = Math.max(each.at, guest.memory.allocated);
      const length = Math.min(each.length, guest.sizeBytes - at);
      if (length > 0) guest.memory.memory.write(at, new Uint8Array(length).fill(this.sent + 1));
    } else if (moving && each.do === "round") this.source.nextRound();
    else if (moving && each.do === "copy") this.incoming.takePages(this.source.takePages(each.pages));
  }

  /** Stop, the rest, and on at the other side. */
  move(): void {
    const { source, incoming, sites } = this;
    source.stop();
    const asOfStop = sites.moving.memory.memory.bytes.slice();
    source.nextRound();
    for (let pages = source.takePages(9); pages.length > 0; pages = source.takePages(9)) incoming.takePages(pages);
    assert.equal(Buffer.compare(sites.arrived.memory.memory.bytes, asOfStop), 0, "its memory is as it was at the stop");
    for (let piece = source.takeDevice(99); piece !== undefined; piece = source.takeDevice(99))
      incoming.takeDevice(piece);
    const software = JSON.parse(JSON.stringify(source.software()));
    assert.equal(Buffer.compare(sites.moving.memory.memory.bytes, asOfStop), 0, "and nothing wrote there since");
    incoming.run(software);
    void source.complete();
    this.guest = sites.arrived;
  }
}

function numbered(to: Uint8Array, from: Uint8Array, number: number): Uint8Array {
  const bytes = frame(to, from);
  bytes[NUMBER_AT] = number;
  return bytes;
}

const steps = fc.array(step, { maxLength: 40 });

test("after a move the guest's memory is what it was at the stop, and each frame is sent, and had, exactly once", async () => {
  let [sent, received, moved] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(steps, steps, steps, async (earlier, meanwhile, later) => {
      const history = new History();
      const { sites, source, incoming } = history;
      history.run(earlier, false);
      await incoming.prepare(source.start());
      source.nextRound();
      history.run(meanwhile, true);
      history.move();
      history.run(later, false);
      const { driver, mmio } = history.guest;
      driver.flush();
      mmio.write32(0x1524, 7);
      sites.pass(1_000_000);
      driver.poll();
      assert.deepEqual(
        history.got,
        Array.from({ length: history.sent }, (_, index) => index),
      );
      const numbers = sites.received.map((bytes) => bytes[NUMBER_AT] as number);
      const lost = Number(driver.statistics().rxPackets) - numbers.length;
      assert.equal(lost, 0, "what the VF took, the software has");
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((one, other) => one - other),
      );
      for (const { host } of [sites.here, sites.there]) assert.deepEqual(host.takeFaults(), []);
      sent += history.sent;
      received += numbers.length;
      moved++;
    }),
    { numRuns: 60 },
  );
  assert.ok(sent > moved && received > moved, `${sent} frames sent, ${received} had, in ${moved} moves`);
});

test("a move that is given up leaves the guest as if nothing had been", async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, fc.boolean(), async (meanwhile, later, stopped) => {
      const history = new History();
      const { sites, source, incoming } = history;
      await incoming.prepare(source.start());
      source.nextRound();
      history.run(meanwhile, true);
      if (stopped) source.stop();
      await incoming.abort();
      source.cancel();
      history.run(later, false);
      history.guest.driver.flush();
      history.guest.mmio.write32(0x1524, 7);
      sites.pass(1_000_000);
      history.guest.driver.poll();
      assert.deepEqual(
        history.got,
        Array.from({ length: history.sent }, (_, index) => index),
      );
      // Rings have 15 places: what came while interrupts were masked may have found none.
      const { rxPackets } = history.guest.driver.statistics();
      assert.equal(sites.received.length, rxPackets);
    }),
    { numRuns: 25 },
  );
});
