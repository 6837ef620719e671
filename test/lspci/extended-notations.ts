import { interruptMessage } from "./express-sections.ts";
import { type Notation, named } from "./notation.ts";
import {
  blocks,
  choice,
  decimal,
  flags,
  hexadecimal,
  type Section,
  type Token,
  text,
  type Values,
  words,
} from "./token.ts";

const MIB = 2n ** 20n;
const UNITS = ["MB", "GB", "TB", "PB", "EB"];
const ST_LOCATIONS = {
  none: "No steering table available",
  "tph-capability": "Steering table in TPH capability structure",
  "msi-x-table": "Steering table in MSI-X table",
};

const MULTICAST_CONTROL = [decimal(/NumGroups (\d+)/, "mcNumGroups"), ...flags({ Enable: "mcEnable" })];

/** Extended capabilities of power, time, memory and identity (pciutils, ls-ecaps.c). */
export const EXTENDED_NOTATIONS: readonly Notation[] = [
  named(0x00, /^Null/),
  {
    id: 0x03,
    title: { start: /^Device Serial Number/, tokens: [decimal(/((?:[0-9a-f]{2}-){7}[0-9a-f]{2})/, "serialNumber")] },
  },
  named(0x04, /^Power Budgeting/),
  named(0x06, /^Root Complex Internal Link/),
  named(0x08, /^Multi-Function Virtual Channel/),
  named(0x0a, /^Root Complex Register Block/),
  {
    id: 0x0b,
    title: {
      start: /^Vendor Specific Information:/,
      tokens: [
        hexadecimal(/ID=([0-9a-f]{4})/, 4, "vsecId"),
        decimal(/Rev=(\d+)/, "vsecRevision"),
        hexadecimal(/Len=([0-9a-f]{3})/, 3, "vsecLength"),
        words(/<\?>/),
      ],
    },
  },
  named(0x11, /^Multi-Root I\/O Virtualization/),
  {
    id: 0x12,
    title: { start: /^Multicast/, tokens: [] },
    sections: [
      {
        start: /^McastCap:/,
        tokens: [
          decimal(/MaxGroups (\d+)/, "mcMaxGroups"),
          decimal(/WindowSz (\d+) \(\d+ bytes\)/, "mcWindowSizeRequestedLog2"),
          ...flags({ ECRCRegen: "mcEcrcRegenerationSupported" }),
          // lspci ends the line for ports and endpoints alone.
          words(/McastCtl:/),
          ...MULTICAST_CONTROL,
        ],
      },
      {
        start: /^McastCtl:/,
        tokens: MULTICAST_CONTROL,
      },
      {
        start: /^McastBAR:/,
        tokens: [
          decimal(/IndexPos (\d+)/, "mcIndexPosition"),
          hexadecimal(/BaseAddr ([0-9a-f]{16})/, 16, "mcBaseAddress"),
        ],
      },
      { start: /^McastReceiveVec:/, tokens: [hexadecimal(/([0-9a-f]{16})/, 16, "mcReceive")] },
      { start: /^McastBlockAllVec:/, tokens: [hexadecimal(/([0-9a-f]{16})/, 16, "mcBlockAll")] },
      { start: /^McastBlockUntransVec:/, tokens: [hexadecimal(/([0-9a-f]{16})/, 16, "mcBlockUntranslated")] },
      {
        start: /^McastOverlayBAR:/,
        tokens: [
          decimal(/OverlaySize (\d+) \((?:disabled|-?\d+ bytes)\)/, "mcOverlaySizeLog2"),
          hexadecimal(/BaseAddr ([0-9a-f]{16})/, 16, "mcOverlayBar"),
        ],
      },
    ],
  },
  { id: 0x15, title: { start: /^Physical Resizable BAR/, tokens: [] }, sections: [resizableBars()] },
  named(0x16, /^Dynamic Power Allocation/),
  {
    id: 0x17,
    title: { start: /^Transaction Processing Hints/, tokens: [] },
    sections: [
      mode(/^Interrupt vector mode supported/, "interruptVectorModeSupported"),
      mode(/^Device specific mode supported/, "deviceSpecificModeSupported"),
      mode(/^Extended requester support/, "extendedTphRequesterSupported"),
      {
        start: /^(?=.*steering table)/i,
        tokens: [choice(/^(.*)$/, "stTableLocation", ST_LOCATIONS, "Reserved steering table location")],
      },
    ],
  },
  {
    id: 0x18,
    title: { start: /^Latency Tolerance Reporting/, tokens: [] },
    sections: [
      { start: /^Max snoop latency:/, tokens: [decimal(/(\d+)ns/, "maxSnoopLatencyNs")] },
      { start: /^Max no snoop latency:/, tokens: [decimal(/(\d+)ns/, "maxNoSnoopLatencyNs")] },
    ],
  },
  {
    id: 0x19,
    title: { start: /^Secondary PCI Express/, tokens: [] },
    sections: [
      {
        start: /^LnkCtl3:/,
        tokens: flags({
          LnkEquIntrruptEn: "linkEqualizationRequestInterruptEnable",
          PerformEqu: "performEqualization",
        }),
      },
      {
        start: /^LaneErrStat:/,
        tokens: [
          text(/LaneErr at lane: (\d+(?: \d+)*)/, ({ lanesWithErrors: lanes }) => laneList(lanes)),
          text(/^\s*(0)$/, ({ lanesWithErrors: lanes }) =>
            Array.isArray(lanes) && lanes.length === 0 ? "0" : laneList(lanes),
          ),
        ],
      },
    ],
  },
  named(0x1a, /^Protocol Multiplexing/),
  named(0x1c, /^LN Requester/),
  {
    id: 0x1e,
    title: { start: /^L1 PM Substates/, tokens: [] },
    sections: [
      {
        start: /^L1SubCap:/,
        tokens: [
          decimal(/PortCommonModeRestoreTime=(\d+)us/, "portCommonModeRestoreTimeUs"),
          microseconds(/PortTPowerOnTime=(\d+us|<error>)/, "portTPowerOnUs"),
          ...flags({
            "PCI-PM_L1.2": "pciPmL12Supported",
            "PCI-PM_L1.1": "pciPmL11Supported",
            "ASPM_L1.2": "aspmL12Supported",
            "ASPM_L1.1": "aspmL11Supported",
            L1_PM_Substates: "l1PmSubstatesSupported",
          }),
        ],
      },
      {
        start: /^L1SubCtl1:/,
        tokens: [
          decimal(/T_CommonMode=(\d+)us/, "commonModeRestoreTimeUs"),
          text(/LTR1\.2_Threshold=(\d+ns|<error>)/, ({ ltrL12ThresholdNs: ns }) =>
            typeof ns === "number" ? `${ns}ns` : "<error>",
          ),
          ...flags({
            "PCI-PM_L1.2": "pciPmL12Enable",
            "PCI-PM_L1.1": "pciPmL11Enable",
            "ASPM_L1.2": "aspmL12Enable",
            "ASPM_L1.1": "aspmL11Enable",
          }),
        ],
      },
      { start: /^L1SubCtl2:/, tokens: [microseconds(/T_PwrOn=(\d+us|<error>)/, "tPowerOnUs")] },
    ],
  },
  {
    id: 0x1f,
    title: { start: /^Precision Time Measurement/, tokens: [] },
    sections: [
      {
        start: /^PTMCap:/,
        tokens: flags({
          Requester: "ptmRequesterCapable",
          Responder: "ptmResponderCapable",
          Root: "ptmRootCapable",
          // pciutils before 3.12.
          "Requester:": "ptmRequesterCapable",
          "Responder:": "ptmResponderCapable",
          "Root:": "ptmRootCapable",
        }),
      },
      { start: /^PTMClockGranularity:/, tokens: [granularity("localClockGranularityNs", "Unimplemented")] },
      {
        start: /^PTMControl:/,
        tokens: flags({
          Enabled: "ptmEnable",
          "Enabled:": "ptmEnable",
          RootSelected: "rootSelect",
          "RootSelected:": "rootSelect",
        }),
      },
      { start: /^PTMEffectiveGranularity:/, tokens: [granularity("effectiveGranularityNs", "Unknown")] },
    ],
  },
  named(0x20, /^PCI Express over M_PHY/),
  named(0x21, /^FRS Queueing/),
  named(0x22, /^Readiness Time Reporting/),
  { id: 0x24, title: { start: /^Virtual Resizable BAR/, tokens: [] }, sections: [resizableBars()] },
  named(0x25, /^Data Link Feature/),
  named(0x26, /^Physical Layer 16\.0 GT\/s/),
  named(0x27, /^Lane Margining at the Receiver/, [
    { start: /^PortCap:/, tokens: flags({ "Uses Driver": "marginingUsesDriverSoftware" }) },
    { start: /^PortSta:/, tokens: flags({ MargReady: "marginingReady", MargSoftReady: "marginingSoftwareReady" }) },
  ]),
  named(0x28, /^Hierarchy ID/),
  named(0x29, /^Native PCIe Enclosure Management/),
  named(0x2a, /^Physical Layer 32\.0 GT\/s/),
  {
    id: 0x2e,
    title: { start: /^Data Object Exchange/, tokens: [] },
    sections: [
      {
        start: /^DOECap:/,
        tokens: [
          ...flags({ IntSup: "doeInterruptSupport" }),
          ...interruptMessage("doeInterruptMessageNumber", /Interrupt Message Number ([0-9a-f]{3})/, 3),
        ],
      },
      { start: /^DOECtl:/, tokens: flags({ IntEn: "doeInterruptEnable" }) },
      {
        start: /^DOESta:/,
        tokens: flags({
          Busy: "doeBusy",
          IntSta: "doeInterruptStatus",
          Error: "doeError",
          ObjectReady: "dataObjectReady",
        }),
      },
    ],
  },
];

function resizableBars(): Section {
  return {
    start: /^BAR (\d+):/,
    values: (values, index) => blocks(values, "resizableBars").find((bar) => bar.barIndex === Number(index)),
    count: (values) => blocks(values, "resizableBars").length,
    tokens: [
      text(/current size: (\d+[A-Z]B|<unknown>)/, ({ currentSizeBytes }) => sizeText(currentSizeBytes)),
      text(/supported:((?: \d+[A-Z]B)+)/, ({ supportedSizesBytes: sizes }) =>
        Array.isArray(sizes) ? sizes.map((size) => ` ${sizeText(size)}`).join("") : JSON.stringify(sizes),
      ),
    ],
  };
}

/** As "256MB"; lspci counts from megabytes up. */
function sizeText(bytes: unknown): string {
  if (typeof bytes !== "number" && typeof bytes !== "bigint") return "<unknown>";
  let count = BigInt(bytes) / MIB;
  let unit = 0;
  for (; count >= 1024n; unit++) count /= 1024n;
  return `${count}${UNITS[unit]}`;
}

/** A mode that lspci names where the bit is set. */
function mode(start: RegExp, field: string): Section {
  return { start, tokens: [], count: (values: Values) => (values[field] === true ? 1 : 0) };
}

function microseconds(pattern: RegExp, field: string): Token {
  return text(pattern, (values) => (typeof values[field] === "number" ? `${values[field]}us` : "<error>"));
}

function granularity(field: string, none: string): Token {
  return text(/(\d+ns|Unimplemented|Unknown|Greater than 254ns)/, (values) =>
    values[field] === 0 ? none : values[field] === 255 ? "Greater than 254ns" : `${values[field]}ns`,
  );
}

function laneList(lanes: unknown): string {
  if (!Array.isArray(lanes)) return JSON.stringify(lanes);
  return lanes.join(" ");
}
