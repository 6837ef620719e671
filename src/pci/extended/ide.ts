import { block } from "../block.ts";
import { type Block, type CapabilityView, capability } from "../capability.ts";
import { PCI_CFG_SPACE_EXP_SIZE } from "../config-space.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, register, tableSize } from "../register.ts";

const PCI_IDE_LINK_STREAM_0 = 0x0c;

/** A stream's state; the specification tells software to treat all other codes as unknown. */
const streamState = oneOf({ 0: "insecure", 2: "secure" });
const algorithm = oneOf({ 0: "aes-gcm-256-96b-mac" });
/** How many TLPs one MAC may cover. */
const aggregation = oneOf({ 0: 1, 1: 2, 2: 4, 3: 8 });

const LINK_STREAM = {
  control: register(0x00, 32, "PCI_IDE_LINK_CTL_0", "PCIe 6.0 §7.9.26.4.1", {
    streamEnable: bit(0, "RW"),
    txAggregationNonPostedRequests: bits(3, 2, "RW", { value: aggregation }),
    txAggregationPostedRequests: bits(5, 4, "RW", { value: aggregation }),
    txAggregationCompletions: bits(7, 6, "RW", { value: aggregation }),
    pcrcEnable: bit(8, "RW", "data is protected by a CRC of the plain text too"),
    partialHeaderEncryptionMode: bits(13, 10, "RW", "0: none; else how much of the address is encrypted"),
    selectedAlgorithm: bits(18, 14, "RW", { value: algorithm }),
    trafficClass: bits(21, 19, "RW"),
    streamId: bits(31, 24, "RW"),
  }),
  status: register(0x04, 32, "PCI_IDE_LINK_STS_0", "PCIe 6.0 §7.9.26.4.2", {
    streamState: bits(3, 0, "RO", { value: streamState }),
    receivedIntegrityCheckFailMessage: bit(31, "RW1C"),
  }),
};

const SELECTIVE_STREAM = {
  capability: register(0x00, 32, "PCI_IDE_SEL_CAP", "PCIe 6.0 §7.9.26.5.1", {
    numberOfAddressAssociations: bits(3, 0, "RO"),
  }),
  control: register(0x04, 32, "PCI_IDE_SEL_CTL", "PCIe 6.0 §7.9.26.5.2", {
    streamEnable: bit(0, "RW"),
    txAggregationNonPostedRequests: bits(3, 2, "RW", { value: aggregation }),
    txAggregationPostedRequests: bits(5, 4, "RW", { value: aggregation }),
    txAggregationCompletions: bits(7, 6, "RW", { value: aggregation }),
    pcrcEnable: bit(8, "RW", "data is protected by a CRC of the plain text too"),
    configurationRequestsEnable: bit(9, "RW", "configuration requests to the RID range use the stream (Root Ports)"),
    partialHeaderEncryptionMode: bits(13, 10, "RW", "0: none; else how much of the address is encrypted"),
    selectedAlgorithm: bits(18, 14, "RW", { value: algorithm }),
    trafficClass: bits(21, 19, "RW"),
    defaultStream: bit(22, "RW", "takes what no other stream of the traffic class does (endpoints)"),
    teeLimitedStream: bit(23, "RW", "TLPs with the T bit only (from PCIe 6.1)"),
    streamId: bits(31, 24, "RW"),
  }),
  status: register(0x08, 32, "PCI_IDE_SEL_STS", "PCIe 6.0 §7.9.26.5.3", {
    streamState: bits(3, 0, "RO", { value: streamState }),
    receivedIntegrityCheckFailMessage: bit(31, "RW1C"),
  }),
  ridAssociation1: register(0x0c, 32, "PCI_IDE_SEL_RID_1", "PCIe 6.0 §7.9.26.5.4.1", {
    ridLimit: bits(23, 8, "RW", "the partner's highest Routing ID"),
  }),
  ridAssociation2: register(0x10, 32, "PCI_IDE_SEL_RID_2", "PCIe 6.0 §7.9.26.5.4.2", {
    ridValid: bit(0, "RW"),
    ridBase: bits(23, 8, "RW", "the partner's lowest Routing ID"),
    segmentBase: bits(31, 24, "RW", "from PCIe 6.1"),
  }),
};

const ADDRESS_ASSOCIATION = {
  association1: register(0x00, 32, "PCI_IDE_SEL_ADDR_1", "PCIe 6.0 §7.9.26.5.5.1", {
    addressValid: bit(0, "RW"),
    memoryBaseLower: bits(19, 8, "RW", { value: (raw) => raw * 2 ** 20, doc: "address bits 31:20" }),
    memoryLimitLower: bits(31, 20, "RW", {
      value: (raw) => raw * 2 ** 20 + 0xf_ffff,
      doc: "address bits 31:20; the others are 1",
    }),
  }),
  association2: register(0x04, 32, "PCI_IDE_SEL_ADDR_2", "PCIe 6.0 §7.9.26.5.5.2", {
    memoryLimitUpper: bits(31, 0, "RW"),
  }),
  association3: register(0x08, 32, "PCI_IDE_SEL_ADDR_3", "PCIe 6.0 §7.9.26.5.5.3", {
    memoryBaseUpper: bits(31, 0, "RW"),
  }),
};

/** Integrity and Data Encryption: TLPs are encrypted, on a link or from end to end (selective streams). */
export const IDE = capability({
  id: 0x30,
  name: "Integrity and Data Encryption (IDE)",
  spec: "PCIe 6.0 §7.9.26",
  table: {
    capability: register(0x04, 32, "PCI_IDE_CAP", "PCIe 6.0 §7.9.26.2", {
      linkIdeStreamSupported: bit(0, "HwInit"),
      selectiveIdeStreamsSupported: bit(1, "HwInit"),
      flowThroughIdeStreamSupported: bit(2, "HwInit", "passes selective streams on (ports)"),
      partialHeaderEncryptionSupported: bit(3, "HwInit"),
      aggregationSupported: bit(4, "HwInit"),
      pcrcSupported: bit(5, "HwInit"),
      ideKmProtocolSupported: bit(6, "HwInit", "keys are exchanged over DOE"),
      selectiveIdeForConfigurationRequestsSupported: bit(7, "HwInit"),
      supportedAlgorithms: bits(12, 8, "HwInit", { value: algorithm }),
      tcsSupportedForLinkIde: bits(15, 13, "HwInit", {
        value: (raw) => raw + 1,
        doc: "means nothing without Link IDE",
      }),
      selectiveIdeStreamsCount: bits(23, 16, "HwInit", {
        value: (raw) => raw + 1,
        doc: "means nothing without Selective IDE",
      }),
      teeLimitedStreamSupported: bit(24, "HwInit", "from PCIe 6.1"),
    }),
    control: register(0x08, 32, "PCI_IDE_CTL", "PCIe 6.0 §7.9.26.3", {
      flowThroughIdeStreamEnabled: bit(2, "RW"),
    }),
  },
  blocks: (values, view) => {
    const linkStreams = values.linkIdeStreamSupported === true ? (values.tcsSupportedForLinkIde ?? 0) : 0;
    const selectiveStreams = values.selectiveIdeStreamsSupported === true ? (values.selectiveIdeStreamsCount ?? 0) : 0;
    const links = Array.from({ length: linkStreams }, (_, index) =>
      block({
        name: "linkStreams",
        offset: PCI_IDE_LINK_STREAM_0 + index * tableSize(LINK_STREAM),
        table: LINK_STREAM,
      }),
    );
    const first = PCI_IDE_LINK_STREAM_0 + linkStreams * tableSize(LINK_STREAM);
    return [...links, ...selectiveStreamBlocks(selectiveStreams, first, view)];
  },
});

/**
 * Selective streams and their address associations, which follow each stream in a number that its first register tells.
 * Ends where that register was not read, and at the end of configuration space.
 */
function selectiveStreamBlocks(count: number, first: number, { space, offset }: CapabilityView): Block[] {
  const blocks: Block[] = [];
  const end = PCI_CFG_SPACE_EXP_SIZE - offset;
  let position = first;
  for (let stream = 0; stream < count && position + tableSize(SELECTIVE_STREAM) <= end; stream++) {
    blocks.push(block({ name: "selectiveStreams", offset: position, table: SELECTIVE_STREAM }));
    const capabilityRegister = space.u32(offset + position);
    if (capabilityRegister === undefined) return blocks;
    position += tableSize(SELECTIVE_STREAM);
    for (let index = 0; index < (capabilityRegister & 0xf); index++) {
      blocks.push(addressAssociation(position, stream));
      position += tableSize(ADDRESS_ASSOCIATION);
    }
  }
  return blocks;
}

function addressAssociation(offset: number, selectiveStreamIndex: number): Block {
  return block({
    name: "addressAssociations",
    offset,
    table: ADDRESS_ASSOCIATION,
    derive: (values) => ({
      selectiveStreamIndex,
      memoryBase: quadword(values.memoryBaseLower, values.memoryBaseUpper),
      memoryLimit: quadword(values.memoryLimitLower, values.memoryLimitUpper),
    }),
  });
}
