import { EXPRESS_2_SECTIONS } from "./express-2-sections.ts";
import { EXPRESS_SECTIONS, EXPRESS_TITLE } from "./express-sections.ts";
import { HYPER_TRANSPORT } from "./hyper-transport-notation.ts";
import { type Notation, named } from "./notation.ts";
import {
  blocks,
  choice,
  code,
  decimal,
  flag,
  flags,
  hex,
  hexadecimal,
  type Section,
  text,
  type Values,
} from "./token.ts";

const POWER_STATES: Readonly<Record<string, string>> = { D0: "0", D1: "1", D2: "2", D3hot: "3" };
/** The frequency of a PCI-X bus; lspci takes the lower three bits of the mode's four. */
const BUS_MODES = {
  "conventional PCI": "conv",
  "PCI-X 66 MHz": "66MHz",
  "PCI-X 100 MHz": "100MHz",
  "PCI-X 133 MHz": "133MHz",
};
const VIRTIO_TYPES = {
  "common configuration": "CommonCfg",
  notifications: "Notify",
  "ISR status": "ISR",
  "device-specific configuration": "DeviceCfg",
};
const EA_PROPERTIES = {
  "memory, not prefetchable": "memory space, non-prefetchable",
  "memory, prefetchable": "memory space, prefetchable",
  "I/O": "I/O space",
  "VF memory, prefetchable": "VF memory space, prefetchable",
  "VF memory, not prefetchable": "VF memory space, non-prefetchable",
  "memory behind the bridge, not prefetchable": "allocation behind bridge, non-prefetchable memory",
  "memory behind the bridge, prefetchable": "allocation behind bridge, prefetchable memory",
  "I/O behind the bridge": "allocation behind bridge, I/O space",
  "memory, unavailable": "memory space resource unavailable for use",
  "I/O, unavailable": "I/O space resource unavailable for use",
  "entry unavailable": "entry unavailable for use",
  "the primary properties hold": "entry unavailable for use, PrimaryProperties should be used",
};

/** lspci's capabilities below 100h (pciutils, ls-caps.c). */
export const STANDARD_NOTATIONS: readonly Notation[] = [
  named(0x00, /^Null/),
  {
    id: 0x01,
    title: { start: /^Power Management version/, tokens: [decimal(/(\d)/, "pmVersion")] },
    sections: [
      {
        start: /^Flags:/,
        tokens: [
          decimal(/AuxCurrent=(\d+)mA/, "auxCurrentMa"),
          flag("PME(D0", ({ pmeFromD0 }) => pmeFromD0),
          ...flags({
            D1: "d1Support",
            D2: "d2Support",
          }),
          // The names come again, behind those of the states that the function has.
          ...flags({
            D1: "pmeFromD1",
            D2: "pmeFromD2",
            D3hot: "pmeFromD3Hot",
            D3cold: "pmeFromD3Cold",
            PMEClk: "pmeClock",
            DSI: "deviceSpecificInitialization",
          }),
        ],
      },
      {
        start: /^Status:/,
        tokens: [
          text(/D(\d)/, ({ powerState }) => POWER_STATES[String(powerState)] ?? "?"),
          decimal(/DSel=(\d+)/, "dataSelect"),
          decimal(/DScale=(\d+)/, "dataScale"),
          ...flags({ NoSoftRst: "noSoftReset", "PME-Enable": "pmeEnable", PME: "pmeStatus" }),
        ],
      },
      {
        start: /^Bridge:/,
        tokens: [
          flag("PM", ({ busPowerClockControlEnable }) => busPowerClockControlEnable),
          flag("B3", ({ b2B3Support }) => b2B3Support === false),
        ],
      },
    ],
  },
  {
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
  },
  // A dump holds no VPD, which is read through the capability's window.
  named(0x03, /^Vital Product Data/, [{ start: /^Not readable/, tokens: [] }]),
  {
    id: 0x04,
    title: {
      start: /^Slot ID:/,
      tokens: [
        decimal(/(\d+) slots/, "expansionSlots"),
        ...flags({ First: "firstInChassis" }),
        hexadecimal(/chassis ([0-9a-f]{2})/, 2, "chassisNumber"),
      ],
    },
  },
  {
    id: 0x05,
    title: {
      start: /^MSI:/,
      tokens: [
        text(
          /Count=(\d+)\/(\d+)/,
          ({ multipleMessageEnabled }) => vectors(multipleMessageEnabled),
          ({ multipleMessageCapable }) => vectors(multipleMessageCapable),
        ),
        ...flags({ Enable: "enabled", Maskable: "perVectorMaskingCapable", "64bit": "address64Capable" }),
      ],
    },
    sections: [
      {
        start: /^Address:/,
        tokens: [
          text(/^\s*([0-9a-f]+)/, ({ address, address64Capable }) => hex(address, address64Capable ? 16 : 8)),
          hexadecimal(/Data: ([0-9a-f]{4})/, 4, "data"),
        ],
      },
      {
        start: /^Masking:/,
        tokens: [hexadecimal(/^\s*([0-9a-f]{8})/, 8, "mask"), hexadecimal(/Pending: ([0-9a-f]{8})/, 8, "pending")],
      },
    ],
  },
  named(0x06, /^CompactPCI hot-swap/),
  {
    id: 0x07,
    title: { start: /^PCI-X (?:non-bridge|bridge) device/, tokens: [] },
    sections: pciX(),
  },
  ...HYPER_TRANSPORT,
  {
    id: 0x09,
    title: {
      start: /^Vendor Specific Information:/,
      tokens: [
        hexadecimal(/Len=([0-9a-f]{2}) <\?>/, 2, "lengthBytes"),
        choice(/VirtIO: (.*)$/, "virtioCfgType", VIRTIO_TYPES, "<unknown>"),
      ],
    },
    sections: [
      {
        start: /^(?=BAR=)/,
        tokens: [
          decimal(/BAR=(\d+)/, "virtioBar"),
          hexadecimal(/offset=([0-9a-f]{8})/, 8, "virtioOffsetBytes"),
          hexadecimal(/size=([0-9a-f]{8})/, 8, "virtioLengthBytes"),
          hexadecimal(/multiplier=([0-9a-f]{8})/, 8, "virtioNotifyOffMultiplier"),
        ],
      },
    ],
  },
  {
    id: 0x0a,
    title: {
      start: /^Debug port:/,
      tokens: [decimal(/BAR=(\d)/, "debugPortBar"), hexadecimal(/offset=([0-9a-f]{4})/, 4, "debugPortOffsetBytes")],
    },
  },
  named(0x0b, /^CompactPCI central resource control/),
  named(0x0c, /^Hot-plug capable/),
  {
    id: 0x0d,
    title: {
      start: /^Subsystem:/,
      tokens: [
        text(
          /([0-9a-f]{4}):([0-9a-f]{4})/,
          ({ subsystemVendorId }) => hex(subsystemVendorId, 4),
          ({ subsystemId }) => hex(subsystemId, 4),
        ),
      ],
    },
  },
  named(0x0e, /^AGP3/),
  named(0x0f, /^Secure device/),
  { id: 0x10, title: EXPRESS_TITLE, sections: [...EXPRESS_SECTIONS, ...EXPRESS_2_SECTIONS] },
  {
    id: 0x11,
    title: {
      start: /^MSI-X:/,
      tokens: [decimal(/Count=(\d+)/, "tableSize"), ...flags({ Enable: "msixEnable", Masked: "functionMask" })],
    },
    sections: [barOffset(/^Vector table:/, "tableBir", "tableOffset"), barOffset(/^PBA:/, "pbaBir", "pbaOffset")],
  },
  {
    id: 0x12,
    title: {
      start: /^SATA HBA/,
      tokens: [
        decimal(/v(\d+)\.(\d+)/, "sataMajorRevision", "sataMinorRevision"),
        text(/(BAR\d|BAR\?\?\d+|InCfgSpace)/, ({ indexDataLocation: location }) => sataLocation(location)),
        // lspci shows the field, which counts double words.
        text(/Offset=([0-9a-f]{8})/, ({ indexDataOffsetBytes: bytes }) => hex(Number(bytes) / 4, 8)),
      ],
    },
  },
  {
    id: 0x13,
    title: { start: /^PCI Advanced Features/, tokens: [] },
    sections: [
      { start: /^AFCap:/, tokens: flags({ TP: "transactionsPendingSupported", FLR: "flrCapable" }) },
      { start: /^AFCtrl:/, tokens: flags({ FLR: "initiateFlr" }) },
      { start: /^AFStatus:/, tokens: flags({ TP: "transactionsPending" }) },
    ],
  },
  {
    id: 0x14,
    title: {
      start: /^Enhanced Allocation \(EA\):/,
      tokens: [
        decimal(/NumEntries=(\d+)/, "numEntries"),
        decimal(/secondary=(\d+)/, "fixedSecondaryBus"),
        decimal(/subordinate=(\d+)/, "fixedSubordinateBus"),
      ],
    },
    sections: [
      {
        start: /^Entry (\d+):/,
        values: (values, index) => blocks(values, "entries")[Number(index)],
        count: (values) => blocks(values, "entries").length,
        tokens: [
          ...flags({ Enable: "enable", Writable: "writable" }),
          decimal(/EntrySize=(\d)/, "entrySizeDwords"),
          text(/BAR Equivalent Indicator: (.*?)(?= Primary)/, ({ barEquivalentIndicator: bei }) =>
            typeof bei === "string" ? bei.replace("VF BAR", "VF-BAR").replace("behind the", "behind") : "reserved",
          ),
          choice(/PrimaryProperties: (.*?)(?= Secondary)/, "primaryProperties", EA_PROPERTIES),
          choice(/SecondaryProperties: (.*?)(?= Base)/, "secondaryProperties", EA_PROPERTIES),
          text(/Base: ([0-9a-f]+)/, ({ base, baseIs64 }) => joined(base, baseIs64)),
          text(/MaxOffset: ([0-9a-f]+)/, ({ maxOffset, maxOffsetIs64 }) => joined(maxOffset, maxOffsetIs64)),
        ],
      },
    ],
  },
];

/** lspci does not mind that 2^6 and 2^7 vectors are reserved. */
function vectors(value: unknown): string {
  return typeof value === "number" ? String(value) : String(1 << code(value));
}

function rates(field: string) {
  return text(/Rate=(\S+)/, (values) => {
    const list = values[field];
    return Array.isArray(list) && list.length > 0 ? list.map((rate) => `x${rate}`).join(",") : "<none>";
  });
}

function sataLocation(location: unknown): string {
  if (location === "configuration space") return "InCfgSpace";
  return typeof location === "string" ? location.replace(" ", "") : `BAR??${code(location)}`;
}

/** Two halves behind one another, the upper one without leading zeros, as lspci has it. */
function joined(value: unknown, is64: unknown): string {
  if (typeof value !== "bigint") return JSON.stringify(value);
  const low = hex(value & 0xffff_ffffn, 8);
  return is64 ? `${(value >> 32n).toString(16)}${low}` : low;
}

function barOffset(start: RegExp, bir: string, offset: string): Section {
  return {
    start,
    tokens: [
      text(/BAR=(\d)/, (values: Values) => String(code(values[bir]))),
      hexadecimal(/offset=([0-9a-f]{8})/, 8, offset),
    ],
  };
}

function pciX(): Section[] {
  const device = text(
    /Dev=([0-9a-f]{2}):([0-9a-f]{2})\.(\d)/,
    ({ busNumber }) => hex(busNumber, 2),
    ({ deviceNumber }) => hex(deviceNumber, 2),
    ({ functionNumber }) => String(functionNumber),
  );
  const status = {
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
  return [
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
        device,
        decimal(/DC=(\w+)/, "deviceComplexity"),
        decimal(/DMMRBC=(\d+)/, "designedMaxMemoryReadBytes"),
        decimal(/DMOST=(\d+)/, "designedMaxOutstandingSplitTransactions"),
        // lspci shows it in units of 128 bytes.
        text(/DMCRS=(\d+)/, ({ designedMaxCumulativeReadBytes: bytes }) => String(Number(bytes) / 128)),
        ...flags(status),
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
}
