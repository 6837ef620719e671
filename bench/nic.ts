import { checksumOf, sumWords } from "../src/hardware/nic/checksum.ts";
import { type CardOptions, CardWithGuests, frame, vfAddress } from "../src/hardware/nic/testing/card-with-guests.ts";
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

/**
 * Frames that one core carries from guest to guest in a second: UDP, from a driver's transmit ring through the card's switch,
 * with all its checks and counters, to another driver's receive ring.
 * @param wireBytes of each frame, its check sequence included
 * @param port what the card's functions see memory through; flat where left out
 */
export function guestFramesPerSecond(wireBytes: number, port?: CardOptions["port"]): number {
  let received = 0;
  const lab = new CardWithGuests({
    numVfs: 2,
    receive: (_vf, _bytes, _at, length) => {
      received += length === wireBytes - FCS_BYTES ? 1 : 0;
    },
    ...(port && { port }),
  });
  const [sender, receiver] = lab.vfs;
  if (sender === undefined || receiver === undefined) throw new Error("two VFs were enabled");
  const packet = udpFrame(wireBytes - FCS_BYTES);
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
    lab.clock.advance(NS_PER_ROUND);
  }
  return FRAMES_PER_ROUND / median(seconds);
}

/** IPv4 and UDP with right checksums, which the card verifies. */
function udpFrame(length: number): Uint8Array {
  const bytes = frame(vfAddress(1), vfAddress(0), { length, etherType: 0x0800 });
  const view = new DataView(bytes.buffer);
  const udpLength = length - 34;
  bytes.set([0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 14);
  view.setUint16(16, length - 14);
  view.setUint16(24, checksumOf(sumWords(view, 14, 20)));
  bytes.set([0x30, 0x39, 0x30, 0x3a, udpLength >> 8, udpLength & 0xff, 0, 0], 34);
  view.setUint16(40, checksumOf(sumWords(view, 26, 8) + 17 + udpLength + sumWords(view, 34, udpLength)));
  return bytes;
}
