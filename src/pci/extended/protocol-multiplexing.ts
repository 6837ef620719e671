import { hex } from "../bdf.ts";
import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { linkSpeedsGtps } from "../link-speed.ts";
import { bit, bits, register } from "../register.ts";

const PROTOCOL = {
  protocol: register(0x00, 32, undefined, "PCIe 6.0 §G.5.5", {
    protocolId: bits(15, 0, "HwInit"),
    authorityId: bits(31, 16, "HwInit", { value: (raw) => hex(raw, 4), doc: "Vendor ID of who numbers the protocols" }),
  }),
};

/** Protocol Multiplexing: packets of other protocols share the link. */
export const PROTOCOL_MULTIPLEXING = capability({
  id: 0x1a,
  name: "Protocol Multiplexing (PMUX)",
  spec: "PCIe 6.0 §G.5",
  table: {
    capability: register(0x04, 32, undefined, "PCIe 6.0 §G.5.2", {
      pmuxProtocolArraySize: bits(5, 0, "HwInit", "protocols that the port knows"),
      pmuxSupportedLinkSpeedsGtps: bits(15, 8, "HwInit", { value: linkSpeedsGtps }),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §G.5.3", {
      pmuxChannel0Assignment: bits(5, 0, "RW", "number of the protocol from 1; 0: the channel is off"),
      pmuxChannel1Assignment: bits(13, 8, "RW"),
      pmuxChannel2Assignment: bits(21, 16, "RW"),
      pmuxChannel3Assignment: bits(29, 24, "RW"),
    }),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §G.5.4", {
      pmuxChannel0DisabledLinkSpeed: bit(0, "RO"),
      pmuxChannel0DisabledLinkWidth: bit(1, "RO"),
      pmuxChannel0DisabledProtocolSpecific: bit(2, "RO"),
      pmuxChannel1DisabledLinkSpeed: bit(8, "RO"),
      pmuxChannel1DisabledLinkWidth: bit(9, "RO"),
      pmuxChannel1DisabledProtocolSpecific: bit(10, "RO"),
      pmuxChannel2DisabledLinkSpeed: bit(16, "RO"),
      pmuxChannel2DisabledLinkWidth: bit(17, "RO"),
      pmuxChannel2DisabledProtocolSpecific: bit(18, "RO"),
      pmuxChannel3DisabledLinkSpeed: bit(24, "RO"),
      pmuxChannel3DisabledLinkWidth: bit(25, "RO"),
      pmuxChannel3DisabledProtocolSpecific: bit(26, "RO"),
    }),
  },
  blocks: ({ pmuxProtocolArraySize }) =>
    Array.from({ length: pmuxProtocolArraySize ?? 0 }, (_, index) =>
      block({ name: "protocols", offset: 0x10 + index * 4, table: PROTOCOL }),
    ),
});
