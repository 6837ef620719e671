import type { Notation } from "./notation.ts";
import { blocks, decimal, flags, hex, hexadecimal, type Section, type Token, text, type Values } from "./token.ts";

const SLAVE = "slave or primary interface";
const HOST = "host or secondary interface";
const MSI_MAPPING = "MSI mapping";
/** The types of which lspci prints the name alone. */
const NAMES: Readonly<Record<string, string>> = {
  [SLAVE]: "Slave or Primary Interface",
  [HOST]: "Host or Secondary Interface",
  switch: "Switch",
  "interrupt discovery and configuration": "Interrupt Discovery and Configuration",
  "UnitID clumping": "UnitID Clumping",
  "extended configuration space access": "Extended Configuration Space Access",
  "address mapping": "Address Mapping",
  [MSI_MAPPING]: "MSI Mapping",
  DirectRoute: "DirectRoute",
  VCSet: "VCSet",
  "retry mode": "Retry Mode",
  "x86 encoding": "X86 (reserved)",
  "generation 3": "#1a",
  "function-level extension": "#1b",
  "power management": "#1c",
  "high node count": "#1d",
};

const WIDTHS: Readonly<Record<string, string>> = {
  8: "8bit",
  16: "16bit",
  32: "32bit",
  2: "2bit",
  4: "4bit",
  "not connected": "N/C",
};
const FREQUENCY_LETTERS: Readonly<Record<number, string>> = {
  1800: "[a]",
  2000: "[b]",
  2200: "[c]",
  2400: "[d]",
  2600: "[e]",
};
const LISTED_MHZ = [200, 300, 400, 500, 600, 800, 1000, 1200, 1400, 1600];

const ERROR_HANDLING = {
  PFlE: "protocolErrorFloodEnable",
  OFlE: "overflowErrorFloodEnable",
  PFE: "protocolErrorFatalEnable",
  OFE: "overflowErrorFatalEnable",
  EOCFE: "endOfChainErrorFatalEnable",
  RFE: "responseErrorFatalEnable",
  CRCFE: "crcErrorFatalEnable",
  SERRFE: "systemErrorFatalEnable",
  CF: "chainFail",
  RE: "responseError",
  PNFE: "protocolErrorNonFatalEnable",
  ONFE: "overflowErrorNonFatalEnable",
  EOCNFE: "endOfChainErrorNonFatalEnable",
  RNFE: "responseErrorNonFatalEnable",
  CRCNFE: "crcErrorNonFatalEnable",
  SERRNFE: "systemErrorNonFatalEnable",
};

/** HyperTransport's capability, of whatever type (pciutils, `cap_ht`). */
export const HYPER_TRANSPORT: readonly Notation[] = [
  {
    id: 0x08,
    title: {
      start: /^HyperTransport: /,
      tokens: [
        ...flags({ Enable: "msiMappingEnable", Fixed: "msiMappingFixed" }),
        revision(/Revision ID: (\d)\.(\d\d)/),
        text(
          /(\S.*?)\s*$/,
          ({ htCapabilityType: type }) => NAMES[String(type)] ?? `#${hex((type as { id: number }).id, 2)}`,
        ),
      ],
    },
    sections: [
      {
        start: /^Command: /,
        tokens: [
          decimal(/BaseUnitID=(\d+)/, "baseUnitId"),
          decimal(/UnitCnt=(\d+)/, "unitCount"),
          decimal(/DevNum=(\d+)/, "chainDeviceNumber"),
          ...flags({
            MastHost: "masterHost",
            DefDir: "defaultDirection",
            DUL: "dropOnUninitializedLink",
            WarmRst: "warmReset",
            DblEnd: "doubleEnded",
            ChainSide: "chainSide",
            HostHide: "hostHide",
            Slave: "actAsSlave",
            "<EOCErr": "hostInboundEndOfChainError",
          }),
        ],
      },
      link(/^Link Control(?: (\d))?:/, [
        hexadecimal(/<CRCErr=([0-9a-f])/, 1, "crcError"),
        ...flags({
          CFlE: "crcFloodEnable",
          CST: "crcStartTest",
          CFE: "crcForceError",
          "<LkFail": "linkFailure",
          Init: "initializationComplete",
          EOC: "endOfChain",
          TXO: "transmitterOff",
          IsocEn: "isochronousFlowControlEnable",
          LSEn: "ldtstopTristateEnable",
          ExtCTL: "extendedCtlTime",
          "64b": "addressing64Enable",
        }),
      ]),
      link(/^Link Config(?: (\d))?:/, [
        width("MLWI", "maxWidthInBits"),
        width("MLWO", "maxWidthOutBits"),
        width("LWI", "widthInBits"),
        width("LWO", "widthOutBits"),
        ...flags({
          DwFcIn: "doublewordFlowControlIn",
          DwFcOut: "doublewordFlowControlOut",
          DwFcInEn: "doublewordFlowControlInEnable",
          DwFcOutEn: "doublewordFlowControlOutEnable",
        }),
      ]),
      link(/^Link Frequency(?: (\d))?:/, [text(/(\S+)/, ({ frequencyMhz }) => frequency(frequencyMhz))]),
      link(/^Link Error(?: (\d))?:/, [
        ...flags({
          "<Prot": "protocolError",
          "<Ovfl": "overflowError",
          "<EOC": "endOfChainError",
          CTLTm: "ctlTimeout",
        }),
      ]),
      link(/^Link Frequency Capability(?: (\d))?:/, [
        ...LISTED_MHZ.map((mhz) => has(frequency(mhz), mhz)),
        has("Vend", "vendor-specific"),
      ]),
      {
        start: /^Feature Capability:/,
        tokens: flags({
          IsocFC: "isochronousFlowControl",
          LDTSTOP: "ldtstop",
          CRCTM: "crcTestMode",
          ECTLT: "extendedCtlTimeRequired",
          "64bA": "addressing64",
          UIDRD: "unitIdReorderDisable",
          ExtRS: "extendedRegisterSet",
          UCnfE: "upstreamConfigurationEnable",
        }),
      },
      { start: /^Revision ID:/, tokens: [revision(/(\d)\.(\d\d)/)] },
      { start: /^Error Handling:/, tokens: flags(ERROR_HANDLING) },
      {
        start: /^Prefetchable memory behind bridge Upper:/,
        tokens: [
          text(
            /([0-9a-f]{2})-([0-9a-f]{2})/,
            ({ memoryBaseUpper }) => hex(memoryBaseUpper, 2),
            ({ memoryLimitUpper }) => hex(memoryLimitUpper, 2),
          ),
        ],
      },
      { start: /^Bus Number:/, tokens: [hexadecimal(/([0-9a-f]{2})/, 2, "chainBusNumber")] },
      { start: /^!!! Possibly incomplete decoding$/, tokens: [] },
      { start: /^Mapping Address Base:/, tokens: [hexadecimal(/([0-9a-f]{16})/, 16, "msiMappingAddress")] },
    ],
  },
];

/** A register of one of the links; a host has but one, and no number for it. */
function link(start: RegExp, tokens: readonly Token[]): Section {
  return { start, tokens, values: (values, index) => blocks(values, "links")[Number(index || 0)] };
}

function width(name: string, field: string): Token {
  return text(new RegExp(`(?<!\\S)${name}=(\\S+)`), (values) => {
    const value = values[field];
    return WIDTHS[String(value)] ?? `[${(value as { id: number }).id}]`;
  });
}

function revision(pattern: RegExp): Token {
  return text(
    pattern,
    ({ majorRevision }) => String(majorRevision),
    ({ minorRevision }) => String(minorRevision).padStart(2, "0"),
  );
}

/** lspci has no name for frequencies that came after 1.6 GHz. */
function frequency(mhz: unknown): string {
  if (typeof mhz !== "number") return "Vend";
  return FREQUENCY_LETTERS[mhz] ?? (mhz < 1000 ? `${mhz}MHz` : `${(mhz / 1000).toFixed(1)}GHz`);
}

function has(name: string, value: unknown): Token {
  return text(
    new RegExp(`(?<!\\S)(${name.replace(".", "\\.")}[+-])`),
    ({ frequenciesMhz }: Values) =>
      `${name}${Array.isArray(frequenciesMhz) && frequenciesMhz.includes(value) ? "+" : "-"}`,
  );
}
