import assert from "node:assert/strict";
import { test } from "node:test";
import { PingTally } from "./ping-output.ts";

/** Of iputils 20221126, over a link that is down for a while. */
const OUTPUT = `PING 198.18.7.2 (198.18.7.2) 56(84) bytes of data.
[1795795725.900000] 64 bytes from 198.18.7.2: icmp_seq=1 ttl=64 time=0.058 ms
[1795795725.950000] 64 bytes from 198.18.7.2: icmp_seq=2 ttl=64 time=0.044 ms
[1795795726.050000] no answer yet for icmp_seq=3
[1795795726.100000] no answer yet for icmp_seq=4
[1795795726.100400] From 198.18.7.1 icmp_seq=5 Destination Host Unreachable
[1795795726.200000] 64 bytes from 198.18.7.2: icmp_seq=6 ttl=64 time=0.039 ms
[1795795726.210000] 64 bytes from 198.18.7.2: icmp_seq=4 ttl=64 time=160 ms
[1795795726.220000] 64 bytes from 198.18.7.2: icmp_seq=6 ttl=64 time=20.1 ms (DUP!)

--- 198.18.7.2 ping statistics ---`;

function tally(lines: readonly string[]): PingTally {
  const found = new PingTally();
  for (const line of lines) found.line(line);
  return found;
}

test("PingTally counts what was answered, late too, and what was lost; the gap is from answer to answer", () => {
  const { answered, lost, longestGapMs, lastAnswerMs } = tally(OUTPUT.split("\n"));
  assert.deepEqual([answered, lost, Math.round(longestGapMs ?? 0)], [4, 2, 250]);
  assert.equal(Math.round(lastAnswerMs ?? 0), 1_795_795_726_220);
});

test("PingTally: an answer of IPv6 counts; what ping says of itself does not", () => {
  const { answered, lost } = tally([
    "PING fd00::2(fd00::2) 56 data bytes",
    "[1795795725.900000] 64 bytes from fd00::2: icmp_seq=1 ttl=64 time=0.058 ms",
    "ping: sendmsg: Network is unreachable",
  ]);
  assert.deepEqual([answered, lost], [1, 0]);
});

test("PingTally: a packet is not answered by another of the same 16 bits", () => {
  const unanswered = (seq: number) => `[1.0] no answer yet for icmp_seq=${seq}`;
  const answer = (seq: number) => `[1.0] 64 bytes from 198.18.7.2: icmp_seq=${seq} ttl=64 time=0.1 ms`;
  const around = Array.from({ length: 0x1_0000 + 3 }, (_, place) => (place + 1) & 0xffff);
  const { answered, lost } = tally(around.map((seq, place) => (place === 2 ? unanswered(seq) : answer(seq))));
  assert.deepEqual([answered, lost], [0x1_0000 + 2, 1]);
});
