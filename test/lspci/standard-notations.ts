import { AGP, PCI_X } from "./bus-notations.ts";
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
  AGP,
  PCI_X,
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

function sataLocation(location: unknown): string {
  if (location === "configuration space") return "InCfgSpace";
  return typeof location === "string" ? location.replace(" ", "") : `BAR??${code(location)}`;
}

/** Two halves behind one another, the upper one without leading zeros, as lspci has it. */
function joined(value: unknown, is64: unknown): string {
  if (typeof value !== "number" && typeof value !== "bigint") return JSON.stringify(value);
  const low = hex(BigInt.asUintN(32, BigInt(value)), 8);
  return is64 ? `${(BigInt(value) >> 32n).toString(16)}${low}` : low;
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
