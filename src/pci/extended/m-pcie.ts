import { capability } from "../capability.ts";
import { bit, bits, oneOf, register, type Unknown } from "../register.ts";
import { setBits } from "../set-bits.ts";

const LANE_WIDTHS = [1, 2, 4, 8, 12, 16, 32];

/** PCI Express over M-PHY: a link of MIPI's physical layer. */
export const M_PCIE = capability({
  id: 0x20,
  name: "PCI Express over M-PHY (M-PCIe)",
  spec: "PCIe 3.1",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 3.1", {
      mpcieLinkSpeedCapability: bits(1, 0, "RO", { value: gears }),
      configurationSoftwareSupported: bit(15, "HwInit"),
      maximumTxLaneWidths: bits(23, 16, "HwInit", { value: widths }),
      maximumRxLaneWidths: bits(31, 24, "HwInit", { value: widths }),
    }),
    control: register(0x08, 32, undefined, "PCIe 3.1", {
      mpcieTargetLinkSpeedControl: bits(1, 0, "RW", { value: gears }),
    }),
    status: register(0x0c, 32, undefined, "PCIe 3.1", {
      mpcieCurrentLinkSpeed: bits(1, 0, "RO", { value: gears }),
      configurationSoftwareStatus: bit(15, "RO"),
      txLaneWidth: bits(23, 16, "RO", { value: width }),
      rxLaneWidth: bits(31, 24, "RO", { value: width }),
    }),
    laneErrorStatus: register(0x10, 32, undefined, "PCIe 3.1", {
      lanesWithErrors: bits(31, 0, "RW1CS", { value: setBits }),
    }),
    phyControlAddress: register(0x14, 32, undefined, "PCIe 3.1", {
      phyLowerAddress: bits(7, 0, "RW"),
      phyUpperAddress: bits(21, 16, "RW"),
      phyLocation: bits(27, 25, "RW", { value: oneOf({ 0: "local", 1: "remote" }) }),
      phyRead: bit(30, "RW"),
      phyConfig: bit(31, "RW", "the link waits in Configuration.Software"),
    }),
    phyControlData: register(0x18, 32, undefined, "PCIe 3.1", {
      phyRegisterData: bits(7, 0, "RW"),
      phyControlError: bit(29, "RO"),
      rrapAbort: bit(30, "RO", "the A bit of the answer"),
      phyControlPending: bit(31, "RO"),
    }),
  },
});

function gears(vector: number): string[] {
  return setBits(vector).map((gear) => `HS-G${gear + 1}`);
}

function widths(vector: number): (number | Unknown)[] {
  return setBits(vector).map((position) => LANE_WIDTHS[position] ?? { kind: "unknown", id: position });
}

function width(raw: number): number | Unknown {
  return LANE_WIDTHS.includes(raw) ? raw : { kind: "unknown", id: raw };
}
