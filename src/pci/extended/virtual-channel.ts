import { block } from "../block.ts";
import { type Block, capability } from "../capability.ts";
import { bit, bits, oneOf, type RegisterTable, register, type Unknown, type Values } from "../register.ts";
import { setBits } from "../set-bits.ts";

/** From one VC's registers to the next one's. */
const PCI_CAP_VC_PER_VC_SIZEOF = 0x0c;

/** Schemes among virtual channels, by their code (PCIe 6.0 §7.9.1.3). WRR: weighted round robin. */
const VC_ARBITRATION: Readonly<Record<number, string>> = {
  0: "hardware-fixed",
  1: "wrr-32-phases",
  2: "wrr-64-phases",
  3: "wrr-128-phases",
};

/** Schemes among ports (PCIe 6.0 §7.9.1.6) or functions (§7.9.2.6) within one virtual channel. */
const RESOURCE_ARBITRATION: Readonly<Record<number, string>> = {
  0: "hardware-fixed",
  1: "wrr-32-phases",
  2: "wrr-64-phases",
  3: "wrr-128-phases",
  4: "time-based-wrr-128-phases",
  5: "wrr-256-phases",
};

export const vcArbitration = oneOf(VC_ARBITRATION);
export const vcArbitrations = listOf(vcArbitration);
export const resourceArbitration = oneOf(RESOURCE_ARBITRATION);
export const resourceArbitrations = listOf(resourceArbitration);
export const referenceClockNs = oneOf({ 0: 100 });

/** Tables are placed in units of 16 bytes from the capability's header; 0: there is none. */
export function tableOffsetBytes(raw: number): number {
  return raw * 16;
}

/**
 * The end of an arbitration table that has room for the longest scheme on offer, from the capability's header; 0 where
 * there is no table. A table has as many phases as the scheme's name says (PCIe 6.0 Tables 7-210, 7-211).
 */
export function arbitrationTableEnd(
  offsetBytes: number | null,
  schemes: readonly (string | Unknown)[] | null,
  entryBits: number | null,
): number {
  if (!offsetBytes || schemes === null || entryBits === null) return 0;
  const phases = schemes.map((scheme) => (typeof scheme === "string" ? Number(/\d+/.exec(scheme)?.[0] ?? 0) : 0));
  return offsetBytes + (Math.max(0, ...phases) * entryBits) / 8;
}

/** Entries of a VC Arbitration Table have four bits (PCIe 6.0 §7.9.1.9). */
const VC_ARBITRATION_ENTRY_BITS = 4;

/** The end of the VC Arbitration Table, as {@link arbitrationTableEnd}. */
export function vcArbitrationTableEnd(values: {
  readonly vcArbitrationTableOffsetBytes: number | null;
  readonly vcArbitrationCapability: readonly (string | Unknown)[] | null;
}): number {
  const { vcArbitrationTableOffsetBytes, vcArbitrationCapability } = values;
  return arbitrationTableEnd(vcArbitrationTableOffsetBytes, vcArbitrationCapability, VC_ARBITRATION_ENTRY_BITS);
}

/** The registers of each VC. The default VC is always there; the count of the others has three bits. */
export function virtualChannels(extendedVcCount: number | null, table: RegisterTable): Block[] {
  return Array.from({ length: (extendedVcCount ?? 0) + 1 }, (_, index) =>
    block({ name: "virtualChannels", offset: 0x10 + index * PCI_CAP_VC_PER_VC_SIZEOF, table }),
  );
}

const VC_RESOURCE = {
  capability: register(0x00, 32, "PCI_VC_RES_CAP", "PCIe 6.0 §7.9.1.6", {
    portArbitrationCapability: bits(7, 0, "RO", { value: resourceArbitrations }),
    rejectSnoopTransactions: bit(15, "HwInit", "refuses transactions without No Snoop"),
    maximumTimeSlots: bits(22, 16, "HwInit", { value: (raw) => raw + 1, doc: "of time-based arbitration" }),
    portArbitrationTableOffsetBytes: bits(31, 24, "RO", { value: tableOffsetBytes, doc: "0: there is no table" }),
  }),
  control: register(0x04, 32, "PCI_VC_RES_CTRL", "PCIe 6.0 §7.9.1.7", {
    tcVcMap: bits(7, 0, "RW", {
      value: setBits,
      doc: "the traffic classes that use the VC; FFh in VC 0 after a reset",
    }),
    loadPortArbitrationTable: bit(16, "RW", "reads 0"),
    portArbitrationSelect: bits(19, 17, "RW", { value: resourceArbitration }),
    vcId: bits(26, 24, "RW", "0 and read-only in the first VC"),
    sharedFlowControlUsageLimit: bits(29, 27, "RW", "eighths of the shared credits that the VC may take (Flit Mode)"),
    sharedFlowControlUsageLimitEnable: bit(30, "RW"),
    vcEnable: bit(31, "RW", "1 in the first VC"),
  }),
  status: register(0x0a, 16, "PCI_VC_RES_STATUS", "PCIe 6.0 §7.9.1.8", {
    portArbitrationTableStatus: bit(0, "RO", "the table was written and not yet loaded"),
    vcNegotiationPending: bit(1, "RO", "the link is still setting up or disabling the VC"),
  }),
};

const table = {
  capability1: register(0x04, 32, "PCI_VC_PORT_CAP1", "PCIe 6.0 §7.9.1.2", {
    extendedVcCount: bits(2, 0, "RO", "VCs besides the default one"),
    lowPriorityExtendedVcCount: bits(6, 4, "RO", "of these, in the low-priority group"),
    referenceClockNs: bits(9, 8, "RO", { value: referenceClockNs, doc: "of time-based arbitration" }),
    portArbitrationTableEntryBits: bits(11, 10, "RO", { value: (raw) => 1 << raw }),
  }),
  capability2: register(0x08, 32, "PCI_VC_PORT_CAP2", "PCIe 6.0 §7.9.1.3", {
    vcArbitrationCapability: bits(7, 0, "RO", { value: vcArbitrations, doc: "within the low-priority group" }),
    vcArbitrationTableOffsetBytes: bits(31, 24, "RO", { value: tableOffsetBytes, doc: "0: there is no table" }),
  }),
  control: register(0x0c, 16, "PCI_VC_PORT_CTRL", "PCIe 6.0 §7.9.1.4", {
    loadVcArbitrationTable: bit(0, "RW", "reads 0"),
    vcArbitrationSelect: bits(3, 1, "RW", { value: vcArbitration }),
    allVcsEnabled: bit(4, "RW", "no further VC will be enabled: buffers may be shared out"),
  }),
  status: register(0x0e, 16, "PCI_VC_PORT_STATUS", "PCIe 6.0 §7.9.1.5", {
    vcArbitrationTableStatus: bit(0, "RO", "the table was written and not yet loaded"),
  }),
};

function virtualChannelCapability(id: number, name: string) {
  return capability({
    id,
    name,
    spec: "PCIe 6.0 §7.9.1",
    table,
    blocks: ({ extendedVcCount }) => virtualChannels(extendedVcCount, VC_RESOURCE),
    size: (values) => {
      const entryBits = values.portArbitrationTableEntryBits;
      const channels = (values as Record<string, unknown>).virtualChannels as readonly Values<typeof VC_RESOURCE>[];
      const ends = channels.map(
        ({ portArbitrationTableOffsetBytes: offsetBytes, portArbitrationCapability: schemes }) =>
          arbitrationTableEnd(offsetBytes, schemes, entryBits),
      );
      return Math.max(vcArbitrationTableEnd(values), ...ends);
    },
  });
}

/** Virtual Channels of a port or function: which traffic classes share a queue, and how queues take turns. */
export const VIRTUAL_CHANNEL = virtualChannelCapability(0x02, "Virtual Channel (VC)");

/** The same, under the ID that a function of a device with an MFVC capability uses. */
export const VIRTUAL_CHANNEL_WITH_MFVC = virtualChannelCapability(0x09, "Virtual Channel (VC) with MFVC");

function listOf<V>(decode: (code: number) => V): (raw: number) => V[] {
  return (raw) => setBits(raw).map(decode);
}
