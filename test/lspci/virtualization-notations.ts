import { interruptMessage } from "./express-sections.ts";
import type { Notation } from "./notation.ts";
import { blocks, decimal, flags, hex, hexadecimal, text } from "./token.ts";

const ACS_NAMES = {
  SrcValid: "sourceValidation",
  TransBlk: "translationBlocking",
  ReqRedir: "p2pRequestRedirect",
  CmpltRedir: "p2pCompletionRedirect",
  UpstreamFwd: "upstreamForwarding",
  EgressCtrl: "p2pEgressControl",
  DirectTrans: "directTranslatedP2p",
};

/** What lspci shows of sharing a device, and of keeping its users apart (pciutils, ls-ecaps.c). */
export const VIRTUALIZATION_NOTATIONS: readonly Notation[] = [
  {
    id: 0x0d,
    title: { start: /^Access Control Services/, tokens: [] },
    sections: [
      { start: /^ACSCap:/, tokens: flags(ACS_NAMES) },
      {
        start: /^ACSCtl:/,
        tokens: flags(Object.fromEntries(Object.entries(ACS_NAMES).map(([name, field]) => [name, `${field}Enable`]))),
      },
    ],
  },
  {
    id: 0x0e,
    title: { start: /^Alternative Routing-ID Interpretation \(ARI\)/, tokens: [] },
    sections: [
      {
        start: /^ARICap:/,
        tokens: [
          decimal(/Next Function: (\d+)/, "nextFunctionNumber"),
          ...flags({ MFVC: "mfvcFunctionGroupsCapability", ACS: "acsFunctionGroupsCapability" }),
        ],
      },
      {
        start: /^ARICtl:/,
        tokens: [
          decimal(/Function Group: (\d+)/, "functionGroup"),
          ...flags({ MFVC: "mfvcFunctionGroupsEnable", ACS: "acsFunctionGroupsEnable" }),
        ],
      },
    ],
  },
  {
    id: 0x0f,
    title: { start: /^Address Translation Service \(ATS\)/, tokens: [] },
    sections: [
      {
        start: /^ATSCap:/,
        tokens: [hexadecimal(/Invalidate Queue Depth: ([0-9a-f]{2})/, 2, "invalidateQueueDepth")],
      },
      {
        start: /^ATSCtl:/,
        tokens: [
          ...flags({ Enable: "atsEnable" }),
          // The field: n stands for 4096 * 2^n bytes.
          hexadecimal(/Smallest Translation Unit: ([0-9a-f]{2})/, 2, ({ smallestTranslationUnitBytes: bytes }) =>
            Math.log2(Number(bytes) / 4096),
          ),
        ],
      },
    ],
  },
  {
    id: 0x10,
    title: { start: /^Single Root I\/O Virtualization \(SR-IOV\)/, tokens: [] },
    sections: [
      {
        start: /^IOVCap:/,
        tokens: [
          ...flags({ Migration: "vfMigrationCapable", "10BitTagReq": "vf10BitTagRequesterSupported" }),
          ...interruptMessage("vfMigrationInterruptMessageNumber", /Interrupt Message Number: ([0-9a-f]{3})/, 3),
        ],
      },
      {
        start: /^IOVCtl:/,
        tokens: flags({
          Enable: "vfEnable",
          Migration: "vfMigrationEnable",
          Interrupt: "vfMigrationInterruptEnable",
          MSE: "vfMse",
          ARIHierarchy: "ariCapableHierarchy",
          "10BitTagReq": "vf10BitTagRequesterEnable",
        }),
      },
      { start: /^IOVSta:/, tokens: flags({ Migration: "vfMigrationStatus" }) },
      {
        start: /^(?=Initial VFs:)/,
        tokens: [
          decimal(/Initial VFs: (\d+)/, "initialVfs"),
          decimal(/Total VFs: (\d+)/, "totalVfs"),
          decimal(/Number of VFs: (\d+)/, "numVfs"),
          hexadecimal(/Function Dependency Link: ([0-9a-f]{2})/, 2, "functionDependencyLink"),
        ],
      },
      {
        start: /^VF offset:/,
        tokens: [
          decimal(/^\s*(\d+)/, "firstVfOffset"),
          decimal(/stride: (\d+)/, "vfStride"),
          decimal(/Device ID: ([0-9a-f]{4})/, "vfDeviceId"),
        ],
      },
      {
        start: /^Supported Page Size:/,
        tokens: [
          hexadecimal(/^\s*([0-9a-f]{8})/, 8, "supportedPageSizes"),
          hexadecimal(/System Page Size: ([0-9a-f]{8})/, 8, "systemPageSize"),
        ],
      },
      {
        start: /^Region (\d):/,
        values: (values, index) => blocks(values, "vfBars").find((bar) => bar.index === Number(index)),
        count: (values) => blocks(values, "vfBars").length,
        tokens: [
          text(/Memory at ([0-9a-f]+)/, ({ address, is64 }) => hex(address, is64 ? 16 : 8)),
          text(/\((\d\d)-bit/, ({ is64 }) => (is64 ? "64" : "32")),
          text(/(non-prefetchable|prefetchable)\)/, ({ prefetchable }) =>
            prefetchable ? "prefetchable" : "non-prefetchable",
          ),
        ],
      },
      {
        start: /^VF Migration:/,
        tokens: [
          hexadecimal(/offset: ([0-9a-f]{8})/, 8, "vfMigrationStateOffset"),
          hexadecimal(/BIR: ([0-9a-f])/, 1, "vfMigrationStateBir"),
        ],
      },
    ],
  },
  {
    id: 0x13,
    title: { start: /^Page Request Interface \(PRI\)/, tokens: [] },
    sections: [
      { start: /^PRICtl:/, tokens: flags({ Enable: "priEnable", Reset: "priReset" }) },
      {
        start: /^PRISta:/,
        tokens: flags({
          RF: "responseFailure",
          UPRGI: "unexpectedPageRequestGroupIndex",
          Stopped: "stopped",
          PASID: "prgResponsePasidRequired",
        }),
      },
      {
        start: /^Page Request Capacity:/,
        tokens: [
          hexadecimal(/^\s*([0-9a-f]{8})/, 8, "outstandingPageRequestCapacity"),
          hexadecimal(/Page Request Allocation: ([0-9a-f]{8})/, 8, "outstandingPageRequestAllocation"),
        ],
      },
    ],
  },
  {
    id: 0x1b,
    title: { start: /^Process Address Space ID \(PASID\)/, tokens: [] },
    sections: [
      {
        start: /^PASIDCap:/,
        tokens: [
          ...flags({ Exec: "executePermissionSupported", Priv: "privilegedModeSupported" }),
          hexadecimal(/Max PASID Width: ([0-9a-f]{2})/, 2, "maxPasidWidthBits"),
        ],
      },
      {
        start: /^PASIDCtl:/,
        tokens: flags({ Enable: "pasidEnable", Exec: "executePermissionEnable", Priv: "privilegedModeEnable" }),
      },
    ],
  },
];
