import type { ModelClock } from "../src/hardware/clock.ts";
import type { IgbvfDriver } from "../src/hardware/guests/igbvf-driver.ts";
import { TenantMachine } from "../src/hardware/guests/testing/tenant-machine.ts";
import { checksumOf, sumWords } from "../src/hardware/nic/checksum.ts";
import { CardWithGuests, frame, vfAddress } from "../src/hardware/nic/testing/card-with-guests.ts";
import { median } from "./figure.ts";

/** What a frame has on the wire beside what is in memory. */
const FCS_BYTES = 4;
const FRAMES_PER_ROUND = 100_000;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 9;
/** Frames that a guest hands over at a time, as a kernel under load does (xmit_more). */
const BURST = 16;
const NS_PER_ROUND = 1_000_000;
const MICROSECONDS = 1e6;

interface Pair {
  readonly sender: IgbvfDriver;
  readonly receiver: IgbvfDriver;
  readonly clock: ModelClock;
  readonly addresses: readonly [from: Uint8Array, to: Uint8Array];
}

/**
 * Frames that one core carries from guest to guest in a second: UDP, from a driver's transmit ring through the card's switch,
 * with all its checks and counters, to another driver's receive ring; memory is flat.
 * @param wireBytes of each frame, its check sequence included
 */
export function cardFramesPerSecond(wireBytes: number): number {
  return framesPerSecond(wireBytes, (receive) => {
    const { vfs, clock } = new CardWithGuests({ numVfs: 2, receive: (_vf, _bytes, _at, length) => receive(length) });
    const [sender, receiver] = vfs;
    if (sender === undefined || receiver === undefined) throw new Error("two VFs were enabled");
    return { sender, receiver, clock, addresses: [vfAddress(0), vfAddress(1)] };
  });
}

/** As {@link cardFramesPerSecond}, on a whole machine: fabric, and each guest's memory behind VT-d. */
export function guestFramesPerSecond(wireBytes: number): number {
  return framesPerSecond(wireBytes, (receive) => {
    const tenants = new TenantMachine({ numVfs: 2, receive: (_guest, _bytes, _at, length) => receive(length) });
    return {
      sender: tenants.guest(0).driver,
      receiver: tenants.guest(1).driver,
      clock: tenants.machine.clock,
      addresses: [tenants.addressOf(0), tenants.addressOf(1)],
    };
  });
}

function framesPerSecond(wireBytes: number, pairOf: (receive: (length: number) => void) => Pair): number {
  let received = 0;
  const { sender, receiver, clock, addresses } = pairOf((length) => {
    received += length === wireBytes - FCS_BYTES ? 1 : 0;
  });
  const packet = udpFrame(wireBytes - FCS_BYTES, ...addresses);
  const seconds: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    received = 0;
    const started = process.cpuUsage();
    for (let sent = 0; sent < FRAMES_PER_ROUND; ) {
      for (let burst = 0; burst < BURST; burst++, sent++) sender.send(packet, undefined, true);
      sender.flush();
      receiver.poll();
    }
    // Time of this process, as others may want the core too.
    if (round >= 0) seconds.push(process.cpuUsage(started).user / MICROSECONDS);
    if (received !== FRAMES_PER_ROUND) throw new Error(`${received} of ${FRAMES_PER_ROUND} frames came through`);
    clock.advance(NS_PER_ROUND);
  }
  return FRAMES_PER_ROUND / median(seconds);
}

/** IPv4 and UDP with right checksums, which the card verifies. */
function udpFrame(length: number, from: Uint8Array, to: Uint8Array): Uint8Array {
  const bytes = frame(to, from, { length, etherType: 0x0800 });
  const view = new DataView(bytes.buffer);
  const udpLength = length - 34;
  bytes.set([0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 14);
  view.setUint16(16, length - 14);
  view.setUint16(24, checksumOf(sumWords(view, 14, 20)));
  bytes.set([0x30, 0x39, 0x30, 0x3a, udpLength >> 8, udpLength & 0xff, 0, 0], 34);
  view.setUint16(40, checksumOf(sumWords(view, 26, 8) + 17 + udpLength + sumWords(view, 34, udpLength)));
  return bytes;
}
