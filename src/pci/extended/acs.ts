import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { PCI_EXT_CAP_ID_ACS } from "../capability-ids.ts";
import { bit, bits, register } from "../register.ts";

const PCI_ACS_EGRESS_CTL_V = 0x08;
/** What an egress control vector of size 0 has. */
const MOST_EGRESS_BITS = 256;

const EGRESS_CONTROL_VECTOR = {
  egressControlVector: register(0x00, 32, "PCI_ACS_EGRESS_CTL_V", "PCIe 6.0 §7.7.11.4", {
    egressBlocked: bits(
      31,
      0,
      "RW",
      "bit n: requests for port or function n, counted on from vector to vector, may not go",
    ),
  }),
};

/** Access Control Services: may this port or function pass a request on to a peer, or must it go up to the root? */
export const ACS = capability({
  id: PCI_EXT_CAP_ID_ACS,
  name: "Access Control Services (ACS)",
  spec: "PCIe 6.0 §7.7.11",
  table: {
    capability: register(0x04, 16, "PCI_ACS_CAP", "PCIe 6.0 §7.7.11.2", {
      sourceValidation: bit(0, "RO", "checks the Requester ID of requests from below against the bus range"),
      translationBlocking: bit(1, "RO", "blocks requests with a translated address"),
      p2pRequestRedirect: bit(2, "RO", "sends peer-to-peer requests to the root"),
      p2pCompletionRedirect: bit(3, "RO", "sends peer-to-peer completions to the root"),
      upstreamForwarding: bit(4, "RO", "sends what arrived from below and targets below to the root"),
      p2pEgressControl: bit(5, "RO", "a bit vector says to which peers requests may go"),
      directTranslatedP2p: bit(6, "RO", "lets translated requests go to a peer"),
      enhancedCapability: bit(7, "RO", "the enhanced controls below are there"),
      egressControlVectorSize: bits(15, 8, "HwInit", "bits of the egress control vector; 0 is 256"),
    }),
    control: register(0x06, 16, "PCI_ACS_CTRL", "PCIe 6.0 §7.7.11.3", {
      sourceValidationEnable: bit(0, "RW"),
      translationBlockingEnable: bit(1, "RW"),
      p2pRequestRedirectEnable: bit(2, "RW"),
      p2pCompletionRedirectEnable: bit(3, "RW"),
      upstreamForwardingEnable: bit(4, "RW"),
      p2pEgressControlEnable: bit(5, "RW"),
      directTranslatedP2pEnable: bit(6, "RW"),
      ioRequestBlockingEnable: bit(7, "RW"),
      dspMemoryTargetAccessControl: bits(9, 8, "RW", "0 direct, 1 blocked, 2 redirected"),
      uspMemoryTargetAccessControl: bits(11, 10, "RW", "0 direct, 1 blocked, 2 redirected"),
      unclaimedRequestRedirectControl: bit(12, "RW"),
    }),
  },
  blocks: ({ p2pEgressControl, egressControlVectorSize }) => {
    if (p2pEgressControl !== true || egressControlVectorSize === null) return [];
    const dwords = Math.ceil((egressControlVectorSize === 0 ? MOST_EGRESS_BITS : egressControlVectorSize) / 32);
    return Array.from({ length: dwords }, (_, index) =>
      block({
        name: "egressControlVectors",
        offset: PCI_ACS_EGRESS_CTL_V + index * 4,
        table: EGRESS_CONTROL_VECTOR,
      }),
    );
  },
});
