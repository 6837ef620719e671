import assert from "node:assert/strict";
import { test } from "node:test";
import { IDE } from "./ide.ts";
import { decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

test("IDE shows link streams, then selective ones with their addresses (PCIe 6.0 §7.9.26)", () => {
  const { values, sizeBytes } = decodeInstance(IDE, [
    0x0101_2043, // link IDE on two TCs, two selective streams, IDE_KM, TEE-limited
    0x4,
    0x0500_0101, // link stream 0: enabled, PCRC, ID 5
    0x2,
    0x0608_0000, // link stream 1: TC 1, ID 6
    0x8000_0000,
    1, // selective stream 0: one address association
    0x0740_02a5, // enabled, aggregation 2/4/4, configuration requests, default, ID 7
    0x2,
    0x01ff_ff00,
    0x0002_0001,
    0x1230_4501,
    0x7,
    0x6,
    0, // selective stream 1: none
    0x0800_4000,
    0x5,
    0,
    0,
  ]);
  assert.partialDeepStrictEqual(values, {
    linkIdeStreamSupported: true,
    selectiveIdeStreamsSupported: true,
    ideKmProtocolSupported: true,
    supportedAlgorithms: "aes-gcm-256-96b-mac",
    tcsSupportedForLinkIde: 2,
    selectiveIdeStreamsCount: 2,
    teeLimitedStreamSupported: true,
    flowThroughIdeStreamEnabled: true,
  });
  assert.partialDeepStrictEqual(values.linkStreams, [
    {
      streamEnable: true,
      pcrcEnable: true,
      streamId: 5,
      streamState: "secure",
      receivedIntegrityCheckFailMessage: false,
    },
    {
      streamEnable: false,
      trafficClass: 1,
      streamId: 6,
      streamState: "insecure",
      receivedIntegrityCheckFailMessage: true,
    },
  ]);
  assert.partialDeepStrictEqual(values.selectiveStreams, [
    {
      numberOfAddressAssociations: 1,
      streamEnable: true,
      txAggregationNonPostedRequests: 2,
      txAggregationPostedRequests: 4,
      txAggregationCompletions: 4,
      configurationRequestsEnable: true,
      defaultStream: true,
      streamState: "secure",
      ridLimit: 0xffff,
      ridValid: true,
      ridBase: 0x0200,
      segmentBase: 0,
    },
    {
      numberOfAddressAssociations: 0,
      selectedAlgorithm: { kind: "unknown", id: 1 },
      streamId: 8,
      streamState: { kind: "unknown", id: 5 },
    },
  ]);
  assert.partialDeepStrictEqual(values.addressAssociations, [
    { selectiveStreamIndex: 0, addressValid: true, memoryBase: 0x6_0450_0000n, memoryLimit: 0x7_123f_ffffn },
  ]);
  assert.equal(sizeBytes, 0x0c + 2 * 8 + 2 * 20 + 12);
});

test("IDE has no streams that it does not support", () => {
  const values = decodeDwords(IDE, [0x00ff_e000]);
  assert.equal("linkStreams" in values, false);
  assert.equal("selectiveStreams" in values, false);
});

test("IDE ends where a stream was not read, and with configuration space", () => {
  const unread = decodeDwords(IDE, [0x00ff_0002], { readBytes: 0x10c });
  assert.deepEqual((unread.selectiveStreams as unknown[]).length, 1);
  const last = decodeInstance(IDE, [0x00ff_0002], { offset: 0xfc0 });
  assert.equal((last.values.selectiveStreams as unknown[]).length, 2);
  assert.ok(0xfc0 + last.sizeBytes <= 4096);
});
