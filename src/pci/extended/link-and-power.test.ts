import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Capability, decodeCapability } from "../capability.ts";
import { ConfigSpace } from "../config-space.ts";
import { configSpace, extendedCapability } from "../testing/config-builder.ts";
import { ALTERNATE_PROTOCOL } from "./alternate-protocol.ts";
import { DATA_LINK_FEATURE } from "./data-link-feature.ts";
import { DEVICE_3 } from "./device-3.ts";
import { FLIT_ERROR_INJECTION } from "./flit-error-injection.ts";
import { FLIT_LOGGING } from "./flit-logging.ts";
import { FRS_QUEUEING } from "./frs-queueing.ts";
import { HIERARCHY_ID } from "./hierarchy-id.ts";
import { LANE_MARGINING } from "./lane-margining.ts";
import { LINK_AND_POWER_CAPABILITIES } from "./link-and-power.ts";
import { LN_REQUESTER } from "./ln-requester.ts";
import { M_PCIE } from "./m-pcie.ts";
import { MMIO_REGISTER_BLOCK_LOCATOR } from "./mmio-register-block-locator.ts";
import { NPEM } from "./npem.ts";
import { PROTOCOL_MULTIPLEXING } from "./protocol-multiplexing.ts";
import { READINESS_TIME_REPORTING } from "./readiness-time-reporting.ts";
import { STREAMLINED_VIRTUAL_CHANNEL } from "./streamlined-virtual-channel.ts";

test("the capabilities are in the order of their IDs, each once", () => {
  const ids = LINK_AND_POWER_CAPABILITIES.map(({ id }) => id);
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
  );
});

test("no field has a reserved name, and within a capability each has its own", () => {
  for (const definition of LINK_AND_POWER_CAPABILITIES) {
    const view = { space: configSpace({ portType: 4, maxLinkWidth: 1 }), offset: 0x100, version: 1, devicePortType: 4 };
    const names = Object.values(definition.table).flatMap(({ fields }) => Object.keys(fields));
    const ones = decodeAll(definition, new Uint8Array(4096).fill(0xff)).values;
    for (const { name, table } of definition.blocks?.(ones as Record<string, unknown>, view) ?? []) {
      if (name === undefined) names.push(...Object.values(table).flatMap(({ fields }) => Object.keys(fields)));
    }
    assert.equal(new Set(names).size, names.length, `${definition.name} has a field twice`);
    for (const name of ["id", "name", "offset", "version"]) assert.equal(names.includes(name), false, definition.name);
  }
});

test("whatever the bytes are, decoding neither throws nor runs far past configuration space", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), fc.nat(4096), (bytes, end) => {
      for (const definition of LINK_AND_POWER_CAPABILITIES) {
        const { sizeBytes } = decodeAll(definition, bytes, end);
        assert.ok(sizeBytes <= 4096, `${definition.name} claims ${sizeBytes} bytes`);
      }
    }),
    { numRuns: 50 },
  );
});

test("a register that was not read gives null", () => {
  for (const definition of LINK_AND_POWER_CAPABILITIES) {
    const { values } = decodeAll(definition, new Uint8Array(4096), 0x100);
    for (const [name, value] of Object.entries(values)) {
      if (!Array.isArray(value)) assert.equal(value, null, `${definition.name}: ${name}`);
    }
  }
});

test("Data Link Feature decodes both ends", () => {
  const { values } = extendedCapability(DATA_LINK_FEATURE, [0x8000_0001, 0x8000_0000]);
  assert.equal(values.localScaledFlowControlSupported, true);
  assert.equal(values.localDataLinkFeatures, "000001");
  assert.equal(values.dataLinkFeatureExchangeEnable, true);
  assert.equal(values.remoteScaledFlowControlSupported, false);
  assert.equal(values.remoteDataLinkFeatureValid, true);
});

test("Lane Margining decodes the No Command that each lane holds after a reset", () => {
  const { values } = extendedCapability(LANE_MARGINING, [0x0003_0001, 0x9c38_9c38], { maxLinkWidth: 1 });
  assert.equal(values.marginingUsesDriverSoftware, true);
  assert.equal(values.marginingReady, true);
  assert.equal(values.marginingSoftwareReady, true);
  assert.deepEqual(values.lanes, [
    {
      receiverNumber: 0,
      marginType: 7,
      usageModel: false,
      marginPayload: 0x9c,
      receiverNumberStatus: 0,
      marginTypeStatus: 7,
      usageModelStatus: false,
      marginPayloadStatus: 0x9c,
    },
  ]);
});

test("Readiness Time Reporting gives times in nanoseconds", () => {
  // Value 11h, scale 1 · value 100h, scale 5 · reserved scale 7 · value 1, scale 0.
  const first = 0x8000_0000 + (((0xb00 << 12) | 0x211) >>> 0);
  const { values } = extendedCapability(READINESS_TIME_REPORTING, [first, (0x001 << 12) | 0xe05]);
  assert.equal(values.resetTimeNs, 0x11 * 32);
  assert.equal(values.dlUpTimeNs, 0x100 * 32 ** 5);
  assert.equal(values.readinessTimesValid, true);
  assert.deepEqual(values.flrTimeNs, { kind: "unknown", id: 0xe05 });
  assert.equal(values.d3HotToD0TimeNs, 1);
});

test("Protocol Multiplexing lists the protocols of its array", () => {
  const dwords = [0x0000_0c02, 0x0000_0201, 0x0000_0200, 0x1e98_0001, 0x1234_0002];
  const { values, sizeBytes } = extendedCapability(PROTOCOL_MULTIPLEXING, dwords);
  assert.deepEqual(values.pmuxSupportedLinkSpeedsGtps, [8, 16]);
  assert.equal(values.pmuxChannel0Assignment, 1);
  assert.equal(values.pmuxChannel1Assignment, 2);
  assert.equal(values.pmuxChannel1DisabledLinkWidth, true);
  assert.deepEqual(values.protocols, [
    { protocolId: 1, authorityId: "1e98" },
    { protocolId: 2, authorityId: "1234" },
  ]);
  assert.equal(sizeBytes, 0x18);
});

test("LN Requester counts registrations in powers of two", () => {
  const { values } = extendedCapability(LN_REQUESTER, [0x0401_0501]);
  assert.equal(values.lnr64Supported, true);
  assert.equal(values.lnrRegistrationMax, 32);
  assert.equal(values.lnrEnable, true);
  assert.equal(values.lnrRegistrationLimit, 16);
});

test("PCI Express over M-PHY decodes gears and widths", () => {
  const { values, sizeBytes } = extendedCapability(M_PCIE, [0x0f8f_8003, 1, 0x0c02_8002, 0, 0xc22a_0055, 0x4000_0013]);
  assert.deepEqual(values.mpcieLinkSpeedCapability, ["HS-G1", "HS-G2"]);
  assert.deepEqual(values.maximumTxLaneWidths, [1, 2, 4, 8, { kind: "unknown", id: 7 }]);
  assert.deepEqual(values.mpcieCurrentLinkSpeed, ["HS-G2"]);
  assert.equal(values.txLaneWidth, 2);
  assert.equal(values.rxLaneWidth, 12);
  assert.equal(values.phyUpperAddress, 0x2a);
  assert.equal(values.phyLocation, "remote");
  assert.equal(values.rrapAbort, true);
  assert.equal(sizeBytes, 0x1c);
});

test("FRS Queueing decodes the oldest message", () => {
  const { values } = extendedCapability(FRS_QUEUEING, [0x0006_0055, 0x0001_0001, 0x0c03_0800]);
  assert.equal(values.frsQueueMaxDepth, 0x55);
  assert.equal(values.frsInterruptMessageNumber, 6);
  assert.equal(values.frsMessageReceived, true);
  assert.equal(values.frsMessageOverflow, false);
  assert.equal(values.frsInterruptEnable, true);
  assert.equal(values.frsMessageQueueFunctionId, 0x0800);
  assert.equal(values.frsMessageQueueReason, 3);
  assert.equal(values.frsMessageQueueDepth, 0xc0);
});

test("Hierarchy ID shows its registers", () => {
  const { values, sizeBytes } = extendedCapability(HIERARCHY_ID, [0x9000_0008, 0x0001_0001, 1, 2, 3, 4, 5]);
  assert.equal(values.hierarchyIdStatus, "90000008");
  assert.equal(values.hierarchyIdGuid5, "00000005");
  assert.equal(sizeBytes, 0x20);
});

test("NPEM tells capable indicators from lit ones", () => {
  // pci_regs.h: PCI_NPEM_CAP_CAPABLE, PCI_NPEM_IND_OK, _LOCATE, _FAIL · PCI_NPEM_CTRL_ENABLE, PCI_NPEM_IND_LOCATE.
  const { values } = extendedCapability(NPEM, [0x8000_001d, 0x0000_0009, 1]);
  assert.equal(values.npemCapable, true);
  assert.equal(values.npemResetCapable, false);
  assert.equal(values.npemFailCapable, true);
  assert.equal(values.npemEnclosureSpecificCapabilities, 0x80);
  assert.equal(values.npemEnable, true);
  assert.equal(values.npemLocateControl, true);
  assert.equal(values.npemFailControl, false);
  assert.equal(values.npemCommandCompleted, true);
});

test("Alternate Protocol has the enable mask only where it says so", () => {
  const masked = extendedCapability(ALTERNATE_PROTOCOL, [0x102, 1, 0x1e98_0002, 0, 0x3]);
  assert.equal(masked.values.alternateProtocolCount, 2);
  assert.equal(masked.values.alternateProtocolIndexSelect, 1);
  assert.equal(masked.values.alternateProtocolSelectiveEnableMask, "00000003");
  assert.equal(masked.sizeBytes, 0x18);
  assert.equal(extendedCapability(ALTERNATE_PROTOCOL, [0x002]).sizeBytes, 0x14);
});

test("Device 3 decodes tags, L0p and whether the segment is known", () => {
  const { values } = extendedCapability(DEVICE_3, [0x0000_0c0f, 0x0000_0193, 0x0000_0018]);
  assert.equal(values.dmwrRequestRoutingSupported, true);
  assert.equal(values.tag14BitRequesterSupported, true);
  assert.equal(values.l0pSupported, true);
  assert.equal(values.portL0pExitLatency, "less than 1 us");
  assert.equal(values.uioMemRdWrRequesterSupported, true);
  assert.equal(values.dmwrEgressBlocking, true);
  assert.equal(values.tag14BitRequesterEnable, false);
  assert.equal(values.targetLinkWidth, 2);
  assert.equal(values.uioRequest256bBoundaryDisable, true);
  assert.equal(values.initialLinkWidth, 1);
  assert.equal(values.segmentCaptured, true);
  assert.equal(values.remoteL0pSupported, true);
});

test("Flit Logging decodes the log, the counter and each lane's count", () => {
  const dwords = [
    0x1122_8109, 0x4433_2211, 0x0703_0ff3, 0x0000_000d, 100, 7, 0x0002_0001, 0, 0, 0, 0, 0, 0, 0x0010_000f,
  ];
  const { values, sizeBytes } = extendedCapability(FLIT_LOGGING, dwords);
  assert.equal(values.flitErrorLogValid, true);
  assert.equal(values.flitErrorLinkWidth, 16);
  assert.equal(values.consecutiveFlitErrors, 1);
  assert.equal(values.fecUncorrectableErrorInFlit, true);
  assert.equal(values.syndromeCheckGroup0, 0x11);
  assert.equal(values.flitErrorTriggerCount, 0xff);
  assert.equal(values.flitErrorCounter, 7);
  assert.equal(values.fberGranularity, "mismatch");
  assert.equal(values.flitCounter, 100);
  assert.equal(values.invalidFlitCounter, 7);
  assert.equal(values.lane1CorrectableCounter, 2);
  assert.equal(values.lane15CorrectableCounter, 16);
  assert.equal(sizeBytes, 0x3c);
});

test("Flit Error Injection has two bits of status for each place", () => {
  const { values, sizeBytes } = extendedCapability(FLIT_ERROR_INJECTION, [0, 0x841, 0x8, 0x9, 0x0201_0001, 0, 0x8, 0]);
  assert.equal(values.flitErrorInjectionEnable, true);
  assert.equal(values.flitErrorInjectionAt2p5gt, true);
  assert.equal(values.flitErrorInjectionAt64gt, true);
  assert.equal(values.flitErrorType, "correctable in a single group");
  assert.equal(values.flitErrorTxInjectionStatus, "started");
  assert.equal(values.flitErrorRxInjectionStatus, "completed");
  assert.equal(values.orderedSetErrorInTs0, true);
  assert.equal(values.orderedSetErrorInL0, true);
  assert.equal(values.txInjectionStatusTs1, "completed");
  assert.equal(values.rxInjectionStatusEqualizationPhase3, "not started");
  assert.equal(sizeBytes, 0x24);
});

test("Streamlined Virtual Channel has one resource more than Extended VC Count", () => {
  const dwords = [0x1, 0, 0, 0, 0, 0x8000_00f7, 0, 0x3000, 0x8000_0208, 0x2];
  const { values, sizeBytes } = extendedCapability(STREAMLINED_VIRTUAL_CHANNEL, dwords);
  const channels = values.virtualChannels as Record<string, unknown>[];
  assert.equal(channels.length, 2);
  assert.deepEqual(channels[1]?.svcTcVcMap, [3]);
  assert.equal(channels[1]?.svcProtocolSelected, 2);
  assert.equal(channels[1]?.svcEnable, true);
  assert.equal(channels[1]?.svcNegotiationPending, true);
  assert.equal(sizeBytes, 0x14 + 2 * 0x0c);
});

test("MMIO Register Block Locator lists the blocks within its length", () => {
  const dwords = [0x18, 0x0001_0102, 0x0000_0001, 0x0002_ff04, 0];
  const { values, sizeBytes } = extendedCapability(MMIO_REGISTER_BLOCK_LOCATOR, dwords);
  assert.deepEqual(
    (values.registerBlocks as Record<string, unknown>[]).map((entry) => [
      entry.blockBir,
      entry.registerBlockId,
      entry.blockOffset,
    ]),
    [
      [2, "MMIO Capabilities (MCAP)", "0000000100010000"],
      [4, "designated vendor-specific (MDVS)", "0000000000020000"],
    ],
  );
  assert.equal(sizeBytes, 0x18);
});

function decodeAll(definition: Capability, bytes: Uint8Array, end = bytes.length) {
  const view = { space: new ConfigSpace(bytes, [[0, end]]), offset: 0x100, version: 1, devicePortType: undefined };
  return decodeCapability({ id: definition.id, offset: 0x100, version: 1 }, definition, view, 0);
}
