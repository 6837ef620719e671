import { type Block, capability } from "../capability.ts";
import { PCI_CAP_ID_PCIX } from "../capability-ids.ts";
import { PCI_HEADER_TYPE_BRIDGE, PCI_HEADER_TYPE_NORMAL } from "../header.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const PCI_HEADER_TYPE = 0x0e;
const PCI_HEADER_TYPE_MASK = 0x7f;

const MAX_SPLIT_TRANSACTIONS = [1, 2, 3, 4, 8, 12, 16, 32];
const splitTransactions = (raw: number): number => MAX_SPLIT_TRANSACTIONS[raw] as number;
const readByteCount = (raw: number): number => 512 * 2 ** raw;

/** 0: without ECC; 1: with ECC in mode 2 alone; 2: with ECC in both modes. The field is where both layouts have it. */
const pcixVersion = bits(13, 12, "RO", "0 PCI-X 1.0, 1 ECC in Mode 2 only, 2 ECC in Modes 1 and 2");

/** Bus mode and frequency of a bridge's secondary side (PCI-X 2.0; Linux `pcix_bus_speed`). */
const BUS_MODES = {
  0: "conventional PCI",
  1: "PCI-X 66 MHz",
  2: "PCI-X 100 MHz",
  3: "PCI-X 133 MHz",
  5: "PCI-X 66 MHz ECC",
  6: "PCI-X 100 MHz ECC",
  7: "PCI-X 133 MHz ECC",
  9: "PCI-X 266 66 MHz",
  10: "PCI-X 266 100 MHz",
  11: "PCI-X 266 133 MHz",
  13: "PCI-X 533 66 MHz",
  14: "PCI-X 533 100 MHz",
  15: "PCI-X 533 133 MHz",
};

/** Of a function with a type 0 header. */
const NORMAL = {
  command: register(0x02, 16, "PCI_X_CMD", "PCI-X 2.0", {
    dataParityErrorRecoveryEnable: bit(0, "RW"),
    relaxedOrderingEnable: bit(1, "RW"),
    maxMemoryReadBytes: bits(3, 2, "RW", { value: readByteCount }),
    maxOutstandingSplitTransactions: bits(6, 4, "RW", { value: splitTransactions }),
    pcixVersion,
  }),
  status: register(0x04, 32, "PCI_X_STATUS", "PCI-X 2.0", {
    functionNumber: bits(2, 0, "RO"),
    deviceNumber: bits(7, 3, "RO"),
    busNumber: bits(15, 8, "RO"),
    device64Bit: bit(16, "RO"),
    capable133Mhz: bit(17, "RO"),
    splitCompletionDiscarded: bit(18, "RW1C"),
    unexpectedSplitCompletion: bit(19, "RW1C"),
    deviceComplexity: bits(20, 20, "RO", { value: oneOf({ 0: "simple", 1: "bridge" }) }),
    designedMaxMemoryReadBytes: bits(22, 21, "RO", { value: readByteCount }),
    designedMaxOutstandingSplitTransactions: bits(25, 23, "RO", { value: splitTransactions }),
    designedMaxCumulativeReadBytes: bits(28, 26, "RO", { value: (raw) => 1024 * 2 ** raw }),
    receivedSplitCompletionErrorMessage: bit(29, "RW1C"),
    capable266Mhz: bit(30, "RO"),
    capable533Mhz: bit(31, "RO"),
  }),
};

/** Of a bridge. */
const BRIDGE = {
  secondaryStatus: register(0x02, 16, "PCI_X_BRIDGE_SSTATUS", "PCI-X 2.0", {
    secondary64Bit: bit(0, "RO"),
    secondaryCapable133Mhz: bit(1, "RO"),
    secondarySplitCompletionDiscarded: bit(2, "RW1C"),
    secondaryUnexpectedSplitCompletion: bit(3, "RW1C"),
    secondarySplitCompletionOverrun: bit(4, "RW1C"),
    secondarySplitRequestDelayed: bit(5, "RW1C"),
    secondaryBusMode: bits(9, 6, "RO", { value: oneOf(BUS_MODES) }),
    pcixVersion,
    secondaryCapable266Mhz: bit(14, "RO"),
    secondaryCapable533Mhz: bit(15, "RO"),
  }),
  status: register(0x04, 32, "PCI_X_BRIDGE_STATUS", "PCI-X 2.0", {
    functionNumber: bits(2, 0, "RO"),
    deviceNumber: bits(7, 3, "RO"),
    busNumber: bits(15, 8, "RO"),
    device64Bit: bit(16, "RO"),
    capable133Mhz: bit(17, "RO"),
    splitCompletionDiscarded: bit(18, "RW1C"),
    unexpectedSplitCompletion: bit(19, "RW1C"),
    splitCompletionOverrun: bit(20, "RW1C"),
    splitRequestDelayed: bit(21, "RW1C"),
    deviceIdMessagingCapable: bit(29, "RO"),
    capable266Mhz: bit(30, "RO"),
    capable533Mhz: bit(31, "RO"),
  }),
  upstreamSplitTransaction: register(0x08, 32, undefined, "PCI-X 2.0", {
    upstreamSplitTransactionCapacity: bits(15, 0, "RO"),
    upstreamSplitTransactionCommitmentLimit: bits(31, 16, "RW"),
  }),
  downstreamSplitTransaction: register(0x0c, 32, undefined, "PCI-X 2.0", {
    downstreamSplitTransactionCapacity: bits(15, 0, "RO"),
    downstreamSplitTransactionCommitmentLimit: bits(31, 16, "RW"),
  }),
};

const LAYOUTS: Readonly<Record<number, Block>> = {
  [PCI_HEADER_TYPE_NORMAL]: { offset: 0, table: NORMAL },
  [PCI_HEADER_TYPE_BRIDGE]: { offset: 0, table: BRIDGE },
};

/** PCI-X. Its layout depends on the function's header; without one that is known nothing is decoded. */
export const PCI_X = capability({
  id: PCI_CAP_ID_PCIX,
  name: "PCI-X",
  spec: "PCI-X 2.0",
  table: {},
  blocks: (_values, { space }) => {
    const headerType = space.u8(PCI_HEADER_TYPE);
    const layout = headerType === undefined ? undefined : LAYOUTS[headerType & PCI_HEADER_TYPE_MASK];
    return layout === undefined ? [] : [layout];
  },
});
