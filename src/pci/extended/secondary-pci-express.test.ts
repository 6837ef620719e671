import assert from "node:assert/strict";
import { test } from "node:test";
import { extendedCapability } from "../testing/config-builder.ts";
import { SECONDARY_PCI_EXPRESS } from "./secondary-pci-express.ts";

test("Secondary PCI Express decodes Link Control 3, lane errors and one preset for each lane", () => {
  // PCIe 6.0 §7.7.3.2: Perform Equalization, Lower SKP OS at 8 and 16 GT/s · §7.7.3.4: 16 bits a lane.
  const dwords = [0x0000_1801, 0x0000_0005, 0x2475_2777];
  const { values, sizeBytes } = extendedCapability(SECONDARY_PCI_EXPRESS, dwords, { maxLinkWidth: 2 });
  assert.equal(values.performEqualization, true);
  assert.equal(values.linkEqualizationRequestInterruptEnable, false);
  assert.deepEqual(values.lowerSkpOsGenerationEnabledGtps, [8, 16]);
  assert.deepEqual(values.lanesWithErrors, [0, 2]);
  assert.deepEqual(values.lanes, [
    {
      downstreamPort8gtTransmitterPreset: 7,
      downstreamPort8gtReceiverPresetHint: 7,
      upstreamPort8gtTransmitterPreset: 7,
      upstreamPort8gtReceiverPresetHint: 2,
    },
    {
      downstreamPort8gtTransmitterPreset: 5,
      downstreamPort8gtReceiverPresetHint: 7,
      upstreamPort8gtTransmitterPreset: 4,
      upstreamPort8gtReceiverPresetHint: 2,
    },
  ]);
  assert.equal(sizeBytes, 0x10);
});

test("Secondary PCI Express shows no lanes where the link's width is not known", () => {
  assert.equal("lanes" in extendedCapability(SECONDARY_PCI_EXPRESS, [0, 0], { maxLinkWidth: 0 }).values, false);
  // 3 lanes are reserved (PCIe 6.0 §7.5.3.6).
  assert.equal("lanes" in extendedCapability(SECONDARY_PCI_EXPRESS, [0, 0], { maxLinkWidth: 3 }).values, false);
  const unread = extendedCapability(SECONDARY_PCI_EXPRESS, [0, 0], { maxLinkWidth: 4, readBytes: 0x40 });
  assert.equal("lanes" in unread.values, false);
  assert.equal(unread.values.lanesWithErrors, null);
});

test("Secondary PCI Express has 32 lanes at most", () => {
  const { values } = extendedCapability(SECONDARY_PCI_EXPRESS, [], { maxLinkWidth: 32 });
  assert.equal((values.lanes as unknown[]).length, 32);
});
