import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c, frameCheckSequence } from "./checksum.ts";
import { FrameHeader } from "./frame-header.ts";
import { HEADROOM, PacketBuffer } from "./packet-buffer.ts";
import { verifyChecksums } from "./receive-checksum.ts";
import { insertChecksums, segment } from "./transmit-offload.ts";

const ALL_OFFLOADS = 0xb00;
const IPCS = 0x40;
const TCPCS = 0x20;
const UDPCS = 0x10;
const ERRORS = 0x6000_0000;
const IXSM_TXSM = 0x300;
const IPV4 = 0x400;
const TCP = 0x800;
const SCTP = 0x1000;

/** The checksum as RFC 1071 defines it, word by word. */
function reference(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return ~sum & 0xffff;
}

/** An IPv4 packet with the pseudo header's sum where software puts it. */
function ipv4(protocol: number, l4Header: number, payload: Uint8Array, segmented: boolean) {
  const l4Length = l4Header + payload.length;
  const bytes = new Uint8Array(34 + l4Length);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 192, 168, 255, 254], 14);
  view.setUint16(16, segmented ? 0 : 20 + l4Length);
  bytes.set(payload, 34 + l4Header);
  if (protocol === 6) bytes.set([0x50, 0x99], 34 + 12);
  else view.setUint16(38, segmented ? 0 : l4Length);
  const pseudo = new Uint8Array(12);
  pseudo.set(bytes.subarray(26, 34));
  pseudo[9] = protocol;
  new DataView(pseudo.buffer).setUint16(10, segmented ? 0 : l4Length);
  if (protocol !== 132) view.setUint16(34 + (protocol === 6 ? 16 : 6), ~reference(pseudo) & 0xffff);
  return bytes;
}

function load(bytes: Uint8Array): PacketBuffer {
  const packet = new PacketBuffer(16384);
  packet.bytes.set(bytes, HEADROOM);
  return packet;
}

/** What the receiver says of a frame, and a check that does not share code with it. */
function verdict(packet: PacketBuffer, length: number): number {
  const header = new FrameHeader();
  header.readAddresses(packet.view, HEADROOM, 0x8100);
  header.readProtocols(packet.view, HEADROOM, length);
  return verifyChecksums(header, ALL_OFFLOADS, packet.bytes, packet.view, HEADROOM);
}

const payloads = fc.uint8Array({ maxLength: 1400 });
const context = (l4: number, mss = 0, l4Length = 0) => ({
  lengths: (14 << 9) | 20,
  command: IPV4 | l4,
  segment: (mss << 16) | (l4Length << 8),
});

test("inserted IPv4, TCP and UDP checksums are those of RFC 1071, and the receiver finds them right", () => {
  fc.assert(
    fc.property(payloads, fc.constantFrom(6, 17), (payload, protocol) => {
      const header = protocol === 6 ? 20 : 8;
      const bytes = ipv4(protocol, header, payload, false);
      const packet = load(bytes);
      insertChecksums(packet, bytes.length, IXSM_TXSM, context(protocol === 6 ? TCP : 0));
      const out = packet.bytes.slice(HEADROOM, HEADROOM + bytes.length);
      assert.equal(reference(out.subarray(14, 34)), 0);
      const pseudo = Uint8Array.of(...out.subarray(26, 34), 0, protocol, 0, 0, ...out.subarray(34));
      new DataView(pseudo.buffer).setUint16(10, header + payload.length);
      assert.equal(reference(pseudo), 0);
      const expected = IPCS | TCPCS | (protocol === 17 ? UDPCS : 0);
      assert.equal(verdict(packet, bytes.length), expected);
    }),
  );
});

test("one changed bit is an error of the header's or the transport's checksum", () => {
  fc.assert(
    fc.property(payloads, fc.nat({ max: 7 }), fc.nat(), (payload, bit, where) => {
      const bytes = ipv4(6, 20, payload, false);
      const packet = load(bytes);
      insertChecksums(packet, bytes.length, IXSM_TXSM, context(TCP));
      const at = HEADROOM + 34 + (where % (20 + payload.length));
      packet.bytes[at] = (packet.bytes[at] as number) ^ (1 << bit);
      assert.equal(verdict(packet, bytes.length) & ERRORS, 0x2000_0000);
      packet.bytes[at] = (packet.bytes[at] as number) ^ (1 << bit);
      const ttl = HEADROOM + 22;
      packet.bytes[ttl] = (packet.bytes[ttl] as number) ^ (1 << bit);
      assert.equal(verdict(packet, bytes.length) & ERRORS, 0x4000_0000);
    }),
  );
});

test("SCTP has CRC32c, whose check value is E3069283; Ethernet's is CBF43926", () => {
  const digits = new TextEncoder().encode("123456789");
  assert.equal(crc32c(digits, 0, 9), 0xe306_9283);
  assert.equal(frameCheckSequence(digits, 0, 9), 0xcbf4_3926);
  const bytes = ipv4(132, 12, Uint8Array.of(1, 2, 3, 4), false);
  const packet = load(bytes);
  insertChecksums(packet, bytes.length, IXSM_TXSM, context(SCTP));
  assert.equal(verdict(packet, bytes.length), IPCS | TCPCS);
  packet.bytes[HEADROOM + 47] = 9;
  assert.equal(verdict(packet, bytes.length) & ERRORS, 0x2000_0000);
});

test("a segmented TCP packet is its payload again, in frames of the MSS that are each right", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 6000 }),
      fc.integer({ min: 88, max: 1460 }),
      (payload, mss) => {
        const bytes = ipv4(6, 20, payload, true);
        bytes.set([0xff, 0xff, 0xff, 0x00], 38);
        const large = load(bytes);
        const out = new PacketBuffer(16384);
        const parts: Uint8Array[] = [];
        const flags: number[] = [];
        const done = segment(large, bytes.length, context(TCP, mss, 20), out, (length) => {
          assert.equal(verdict(out, length), IPCS | TCPCS);
          const view = new DataView(out.bytes.buffer, HEADROOM);
          assert.equal(view.getUint16(18), (0x1234 + parts.length) & 0xffff, "identification");
          assert.equal(view.getUint32(38), (0xffff_ff00 + parts.length * mss) >>> 0, "sequence number");
          flags.push(view.getUint8(47));
          parts.push(out.bytes.slice(HEADROOM + 54, HEADROOM + length));
        });
        assert.equal(done, true);
        assert.equal(parts.length, Math.ceil(payload.length / mss));
        assert.deepEqual(Uint8Array.from(parts.flatMap((part) => [...part])), payload);
        // CWR in the first only, FIN and PSH in the last (§7.2.4).
        flags.forEach((value, index) => {
          const first = index === 0 ? 0x80 : 0;
          const last = index === flags.length - 1 ? 0x09 : 0;
          assert.equal(value, 0x10 | first | last);
        });
      },
    ),
    { numRuns: 50 },
  );
});

test("a segmented UDP packet has lengths and checksums of its own in each frame", () => {
  const payload = Uint8Array.from({ length: 1000 }, (_, index) => index);
  const bytes = ipv4(17, 8, payload, true);
  const out = new PacketBuffer(16384);
  const lengths: number[] = [];
  segment(load(bytes), bytes.length, context(0, 300, 8), out, (length) => {
    assert.equal(verdict(out, length), IPCS | TCPCS | UDPCS);
    lengths.push(length);
  });
  assert.deepEqual(lengths, [342, 342, 342, 142]);
});

test("headers that are not what the context says are not segmented", () => {
  const bytes = ipv4(6, 20, new Uint8Array(100), true);
  const out = new PacketBuffer(16384);
  const refuse = () => assert.fail("nothing is to be sent");
  assert.equal(segment(load(bytes), 50, context(TCP, 100, 20), out, refuse), false);
  assert.equal(segment(load(bytes), bytes.length, context(TCP, 0, 20), out, refuse), false);
  assert.equal(segment(load(bytes), bytes.length, context(TCP, 100, 8), out, refuse), false);
});
