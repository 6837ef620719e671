import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bits, register } from "../register.ts";
import { setBits } from "../set-bits.ts";

/** The Associated Bus Numbers register came with this version. */
const PCI_RCEC_BUSN_REG_VER = 2;

const BUS_NUMBERS = {
  associatedBusNumbers: register(0x08, 32, "PCI_RCEC_BUSN", "PCIe 6.0 §7.9.10.3", {
    rcecNextBus: bits(
      15,
      8,
      "HwInit",
      "the lowest further bus with associated RCiEPs; FFh with Last Bus 0: there is none",
    ),
    rcecLastBus: bits(23, 16, "HwInit", "the highest of them"),
  }),
};

/** Root Complex Event Collector Endpoint Association: the integrated endpoints whose errors and PMEs it reports. */
export const RCEC_ENDPOINT_ASSOCIATION = capability({
  id: 0x07,
  name: "Root Complex Event Collector Endpoint Association",
  spec: "PCIe 6.0 §7.9.10",
  table: {
    associationBitmap: register(0x04, 32, "PCI_RCEC_RCIEP_BITMAP", "PCIe 6.0 §7.9.10.2", {
      associatedDevices: bits(31, 0, "RO", {
        value: setBits,
        doc: "device numbers, on the collector's own bus",
      }),
    }),
  },
  blocks: (_values, { version }) =>
    version !== undefined && version >= PCI_RCEC_BUSN_REG_VER ? [block({ offset: 0, table: BUS_NUMBERS })] : [],
});
