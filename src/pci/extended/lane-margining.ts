import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";
import { laneCount } from "./lanes.ts";

const NO_COMMAND_TYPE = 7;
const NO_COMMAND_PAYLOAD = 0x9c;

const LANE = {
  control: register(0x00, 16, undefined, "PCIe 6.0 §7.7.10.4", {
    receiverNumber: bits(2, 0, "RW", "0 all, 1 the downstream port's, 6 the upstream port's, others in retimers"),
    marginType: bits(5, 3, "RW", { reset: NO_COMMAND_TYPE, doc: "the command; 7 with payload 9Ch is none" }),
    usageModel: bit(6, "RW", "0: lane margining at the receiver"),
    marginPayload: bits(15, 8, "RW", { reset: NO_COMMAND_PAYLOAD }),
  }),
  status: register(0x02, 16, undefined, "PCIe 6.0 §7.7.10.5", {
    receiverNumberStatus: bits(2, 0, "RO"),
    marginTypeStatus: bits(5, 3, "RO"),
    usageModelStatus: bit(6, "RO"),
    marginPayloadStatus: bits(15, 8, "RO"),
  }),
};

/** Lane Margining at the Receiver: measures how far a lane is from failing, at 16 GT/s and more. */
export const LANE_MARGINING = capability({
  id: 0x27,
  name: "Lane Margining at the Receiver",
  spec: "PCIe 6.0 §7.7.10",
  table: {
    portCapabilities: register(0x04, 16, undefined, "PCIe 6.0 §7.7.10.2", {
      marginingUsesDriverSoftware: bit(0, "HwInit", "the device's driver has to take part"),
    }),
    portStatus: register(0x06, 16, undefined, "PCIe 6.0 §7.7.10.3", {
      marginingReady: bit(0, "RO"),
      marginingSoftwareReady: bit(1, "RO", "the driver has made it ready"),
    }),
  },
  blocks: (_values, view) =>
    Array.from({ length: laneCount(view) }, (_, lane) =>
      block({ name: "lanes", offset: 0x08 + lane * 4, table: LANE }),
    ),
});
