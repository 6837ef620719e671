import assert from "node:assert/strict";
import { test } from "node:test";
import { extendedCapability } from "../testing/config-builder.ts";
import { PHYSICAL_LAYER_16GT } from "./physical-layer-16gt.ts";
import { PHYSICAL_LAYER_32GT } from "./physical-layer-32gt.ts";
import { PHYSICAL_LAYER_64GT } from "./physical-layer-64gt.ts";

test("Physical Layer 16.0 GT/s decodes equalization, parity mismatches and a preset byte for each lane", () => {
  // PCIe 6.0 §7.7.5.4: complete, phases 1 and 3, request · §7.7.5.5-7: one bit a lane · §7.7.5.9: one byte a lane at 20h.
  const dwords = [0, 0, 0x1b, 0x1, 0x8000_0000, 0x6, 0, 0x4640_5040];
  const { values, sizeBytes } = extendedCapability(PHYSICAL_LAYER_16GT, dwords, { maxLinkWidth: 4 });
  assert.equal(values.equalization16gtComplete, true);
  assert.equal(values.equalization16gtPhase1Successful, true);
  assert.equal(values.equalization16gtPhase2Successful, false);
  assert.equal(values.equalization16gtPhase3Successful, true);
  assert.equal(values.linkEqualizationRequest16gt, true);
  assert.deepEqual(values.localDataParityMismatchLanes, [0]);
  assert.deepEqual(values.firstRetimerDataParityMismatchLanes, [31]);
  assert.deepEqual(values.secondRetimerDataParityMismatchLanes, [1, 2]);
  assert.deepEqual(
    (values.lanes as Record<string, unknown>[]).map((lane) => Object.values(lane)),
    [
      [0, 4],
      [0, 5],
      [0, 4],
      [6, 4],
    ],
  );
  assert.equal(sizeBytes, 0x24);
});

test("Physical Layer 32.0 GT/s decodes what modified training sets agreed on", () => {
  // PCIe 6.0 §7.7.6.2-8: mode 2 selected, CXL's Vendor ID 1E98h received, negotiation succeeded.
  const dwords = [0x0000_0503, 0x0000_0202, 0x0000_016f, 0x1e98_0012, 0x0300_0005, 0x1e98_0002, 0x0100_0000];
  const { values, sizeBytes } = extendedCapability(PHYSICAL_LAYER_32GT, dwords, { maxLinkWidth: 1 });
  assert.equal(values.equalizationBypassToHighestRateSupported, true);
  assert.equal(values.noEqualizationNeededSupported, true);
  assert.equal(values.modifiedTsUsageMode0Supported, true);
  assert.equal(values.modifiedTsUsageMode1Supported, false);
  assert.equal(values.modifiedTsUsageMode2Supported, true);
  assert.equal(values.noEqualizationNeededDisable, true);
  assert.equal(values.modifiedTsUsageModeSelected, "alternate protocol");
  assert.equal(values.equalization32gtComplete, true);
  assert.equal(values.modifiedTsReceived, true);
  assert.equal(values.receivedEnhancedLinkBehaviorControl, "equalization bypass to highest rate");
  assert.equal(values.transmitterPrecodingOn, true);
  assert.equal(values.receivedModifiedTsUsageMode, "alternate protocol");
  assert.equal(values.receivedModifiedTsInformation1, 2);
  assert.equal(values.receivedModifiedTsVendorId, "1e98");
  assert.equal(values.receivedModifiedTsInformation2, 5);
  assert.equal(values.receivedAlternateProtocolNegotiationStatus, "succeeded");
  assert.equal(values.transmittedAlternateProtocolNegotiationStatus, "disabled");
  assert.equal(sizeBytes, 0x21);
});

test("Physical Layer 32.0 GT/s keeps reserved codes unknown", () => {
  const { values } = extendedCapability(PHYSICAL_LAYER_32GT, [0, 0x0000_0500]);
  assert.deepEqual(values.modifiedTsUsageModeSelected, { kind: "unknown", id: 5 });
});

test("Physical Layer 64.0 GT/s decodes equalization and shows the lanes' bytes", () => {
  const { values } = extendedCapability(PHYSICAL_LAYER_64GT, [0, 0, 0xa1, 0x5544_3322], { maxLinkWidth: 2 });
  assert.equal(values.equalization64gtComplete, true);
  assert.equal(values.equalization64gtPhase1Successful, false);
  assert.equal(values.transmitterPrecodingOn, true);
  assert.equal(values.transmitterPrecodeRequest, false);
  assert.equal(values.noEqualizationNeededReceived, true);
  assert.equal(values.laneEqualizationBytes, "22 33");
});
