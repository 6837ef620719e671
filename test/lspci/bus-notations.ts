import type { Notation } from "./notation.ts";
import { choice, decimal, flags, hex, type Section, text } from "./token.ts";

/** The frequency of a PCI-X bus; lspci takes the lower three bits of the mode's four. */
const BUS_MODES = {
  "conventional PCI": "conv",
  "PCI-X 66 MHz": "66MHz",
  "PCI-X 100 MHz": "100MHz",
  "PCI-X 133 MHz": "133MHz",
};
const DEVICE = text(
  /Dev=([0-9a-f]{2}):([0-9a-f]{2})\.(\d)/,
  ({ busNumber }) => hex(busNumber, 2),
  ({ deviceNumber }) => hex(deviceNumber, 2),
  ({ functionNumber }) => String(functionNumber),
);
const STATUS = {
  "64bit": "device64Bit",
  "133MHz": "capable133Mhz",
  SCD: "splitCompletionDiscarded",
  USC: "unexpectedSplitCompletion",
  SCO: "splitCompletionOverrun",
  SRD: "splitRequestDelayed",
  RSCEM: "receivedSplitCompletionErrorMessage",
  "266MHz": "capable266Mhz",
  "533MHz": "capable533Mhz",
};
const PCI_X_SECTIONS: readonly Section[] = [
  {
    start: /^Command:/,
    tokens: [
      ...flags({ DPERE: "dataParityErrorRecoveryEnable", ERO: "relaxedOrderingEnable" }),
      decimal(/RBC=(\d+)/, "maxMemoryReadBytes"),
      decimal(/OST=(\d+)/, "maxOutstandingSplitTransactions"),
    ],
  },
  {
    start: /^Status:/,
    tokens: [
      DEVICE,
      decimal(/DC=(\w+)/, "deviceComplexity"),
      decimal(/DMMRBC=(\d+)/, "designedMaxMemoryReadBytes"),
      decimal(/DMOST=(\d+)/, "designedMaxOutstandingSplitTransactions"),
      // lspci shows it in units of 128 bytes.
      text(/DMCRS=(\d+)/, ({ designedMaxCumulativeReadBytes: bytes }) => String(Number(bytes) / 128)),
      ...flags(STATUS),
    ],
  },
  {
    start: /^Secondary Status:/,
    tokens: [
      choice(/Freq=(\S+)/, "secondaryBusMode", BUS_MODES),
      ...flags({
        "64bit": "secondary64Bit",
        "133MHz": "secondaryCapable133Mhz",
        SCD: "secondarySplitCompletionDiscarded",
        USC: "secondaryUnexpectedSplitCompletion",
        SCO: "secondarySplitCompletionOverrun",
        SRD: "secondarySplitRequestDelayed",
      }),
    ],
  },
  {
    start: /^Upstream:/,
    tokens: [
      decimal(/Capacity=(\d+)/, "upstreamSplitTransactionCapacity"),
      decimal(/CommitmentLimit=(\d+)/, "upstreamSplitTransactionCommitmentLimit"),
    ],
  },
  {
    start: /^Downstream:/,
    tokens: [
      decimal(/Capacity=(\d+)/, "downstreamSplitTransactionCapacity"),
      decimal(/CommitmentLimit=(\d+)/, "downstreamSplitTransactionCommitmentLimit"),
    ],
  },
];

/** Accelerated Graphics Port (pciutils, `cap_agp`). */
export const AGP: Notation = {
  id: 0x02,
  title: {
    start: /^AGP version/,
    tokens: [
      text(
        /([0-9a-f])\.([0-9a-f])/,
        ({ agpMajorVersion }) => hex(agpMajorVersion, 1),
        ({ agpMinorVersion }) => hex(agpMinorVersion, 1),
      ),
    ],
  },
  sections: [
    {
      start: /^Status:/,
      tokens: [
        decimal(/RQ=(\d+)/, "maxRequests"),
        text(/ArqSz=(\d+)/, ({ optimumRequestSizeBytes: bytes }) => String(Math.log2(Number(bytes)) - 4)),
        decimal(/Cal=(\d+)/, "calibrationCycle"),
        rates("supportedRates"),
        ...flags({
          Iso: "isochronousSupported",
          SBA: "sidebandAddressingSupported",
          ITACoh: "coherentAperture",
          GART64: "gart64Supported",
          HTrans: "hostTranslationDisabled",
          "64bit": "above4GSupported",
          FW: "fastWriteSupported",
          AGP3: "agp3Mode",
        }),
      ],
    },
    {
      start: /^Command:/,
      tokens: [
        decimal(/RQ=(\d+)/, "requestDepth"),
        text(/ArqSz=(\d+)/, ({ programmedRequestSizeBytes: bytes }) => String(Math.log2(Number(bytes)) - 4)),
        decimal(/Cal=(\d+)/, "programmedCalibrationCycle"),
        rates("rates"),
        ...flags({
          SBA: "sidebandAddressingEnable",
          AGP: "agpEnable",
          GART64: "gart64Enable",
          "64bit": "above4GEnable",
          FW: "fastWriteEnable",
        }),
      ],
    },
  ],
};

/** PCI-X, of a bridge and of other functions (pciutils, `cap_pcix`). */
export const PCI_X: Notation = {
  id: 0x07,
  title: { start: /^PCI-X (?:non-bridge|bridge) device/, tokens: [] },
  sections: PCI_X_SECTIONS,
};

function rates(field: string) {
  return text(/Rate=(\S+)/, (values) => {
    const list = values[field];
    return Array.isArray(list) && list.length > 0 ? list.map((rate) => `x${rate}`).join(",") : "<none>";
  });
}
