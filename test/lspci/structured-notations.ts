import type { Notation } from "./notation.ts";
import { blocks, choice, code, decimal, flag, flags, hex, hexadecimal, type Token, text, words } from "./token.ts";

/** Arbitration schemes by their bit; lspci has no names for the reserved ones. */
const SCHEMES = [
  "hardware-fixed",
  "wrr-32-phases",
  "wrr-64-phases",
  "wrr-128-phases",
  "time-based-wrr-128-phases",
  "wrr-256-phases",
];
const VC_SCHEMES = ["Fixed", "WRR32", "WRR64", "WRR128"];
const RESOURCE_SCHEMES = [...VC_SCHEMES, "TWRR128", "WRR256"];
const ELEMENT_TYPES = { "configuration-space": "Config", "system-egress-port": "Egress", "internal-link": "Internal" };

/** Extended capabilities whose number of registers depends on what is in them (pciutils, ls-ecaps.c). */
export const STRUCTURED_NOTATIONS: readonly Notation[] = [
  virtualChannel(0x02),
  // The same words under the ID that goes with Multi-Function Virtual Channel.
  virtualChannel(0x09),
  {
    id: 0x05,
    title: { start: /^Root Complex Link$/, tokens: [] },
    sections: [
      {
        start: /^Desc:/,
        tokens: [
          hexadecimal(/PortNumber=([0-9a-f]{2})/, 2, "portNumber"),
          hexadecimal(/ComponentID=([0-9a-f]{2})/, 2, "componentId"),
          choice(/EltType=(\S+)/, "elementType", ELEMENT_TYPES),
        ],
      },
      {
        start: /^Link(\d+):/,
        values: (values, index) => blocks(values, "linkEntries")[Number(index)],
        count: (values) => blocks(values, "linkEntries").length,
        tokens: [
          words(/Desc:/),
          hexadecimal(/TargetPort=([0-9a-f]{2})/, 2, "targetPortNumber"),
          hexadecimal(/TargetComponent=([0-9a-f]{2})/, 2, "targetComponentId"),
          choice(/LinkType=(\S+)/, "linkType", { configuration: "Config", "memory-mapped": "MemMapped" }),
          text(
            /Addr:\s+([0-9a-f]{2}):([0-9a-f]{2})\.(\d)/,
            ({ targetBus }) => hex(targetBus, 2),
            ({ targetDevice }) => hex(targetDevice, 2),
            ({ targetFunction }) => String(targetFunction),
          ),
          text(
            /(?:CfgSpace=|Addr:\s+)([0-9a-f]{16})/,
            ({ linkAddressUpper, linkAddressLower }) => hex(linkAddressUpper, 8) + hex(linkAddressLower, 8),
          ),
          ...flags({ AssocRCRB: "associateRcrbHeader", LinkValid: "linkValid" }),
        ],
      },
    ],
  },
  {
    id: 0x07,
    title: { start: /^Root Complex Event Collector Endpoint Association/, tokens: [] },
    sections: [
      {
        start: /^RCiEPBitmap:/,
        tokens: [
          text(/RCiEP at Device\(s\): (.*)$/, ({ associatedDevices }) => ranges(associatedDevices)),
          text(/00000000 (\[none\])/, ({ associatedDevices: list }) =>
            Array.isArray(list) && list.length === 0 ? "[none]" : ranges(list),
          ),
        ],
      },
      {
        start: /^AssociatedBusNumbers:/,
        tokens: [
          text(
            /([0-9a-f]{2})-([0-9a-f]{2})/,
            ({ rcecNextBus }) => hex(rcecNextBus, 2),
            ({ rcecLastBus }) => hex(rcecLastBus, 2),
          ),
          words(/\[none\]/),
        ],
      },
    ],
  },
];

function virtualChannel(id: number): Notation {
  return {
    id,
    title: { start: /^Virtual Channel/, tokens: [words(/<\?>/)] },
    sections: [
      {
        start: /^Caps:/,
        tokens: [
          decimal(/LPEVC=(\d)/, "lowPriorityExtendedVcCount"),
          text(/RefClk=(\S+)/, ({ referenceClockNs: ns }) => (ns === 100 ? "100ns" : `??${code(ns)}`)),
          decimal(/PATEntryBits=(\d)/, "portArbitrationTableEntryBits"),
        ],
      },
      { start: /^Arb:/, tokens: schemes(VC_SCHEMES, "vcArbitrationCapability") },
      { start: /^Ctrl:/, tokens: [selected(VC_SCHEMES, "vcArbitrationSelect")] },
      { start: /^Status:/, tokens: flags({ InProgress: "vcArbitrationTableStatus" }) },
      {
        start: /^Port Arbitration Table/,
        count: ({ vcArbitrationTableOffsetBytes: offset }) => (offset === 0 ? 0 : 1),
        tokens: [words(/\[[0-9a-f]+\]/), words(/<\?>/)],
      },
      {
        start: /^VC(\d):/,
        values: (values, index) => blocks(values, "virtualChannels")[Number(index)],
        count: (values) => blocks(values, "virtualChannels").length,
        tokens: [
          words(/Caps:/),
          words(/(?<=\s)Arb:/),
          words(/Ctrl:/),
          words(/Status:/),
          words(/Port Arbitration Table <\?>/),
          // In units of 16 bytes.
          text(/PATOffset=([0-9a-f]{2})/, ({ portArbitrationTableOffsetBytes: bytes }) => hex(Number(bytes) / 16, 2)),
          decimal(/MaxTimeSlots=(\d+)/, "maximumTimeSlots"),
          ...schemes(RESOURCE_SCHEMES, "portArbitrationCapability"),
          decimal(/(?<=\s)ID=(\d)/, "vcId"),
          selected(RESOURCE_SCHEMES, "portArbitrationSelect"),
          text(/TC\/VC=([0-9a-f]{2})/, ({ tcVcMap }) => hex(bitmap(tcVcMap), 2)),
          ...flags({
            RejSnoopTrans: "rejectSnoopTransactions",
            Enable: "vcEnable",
            NegoPending: "vcNegotiationPending",
            InProgress: "portArbitrationTableStatus",
          }),
        ],
      },
    ],
  };
}

/** One flag for each scheme; reserved ones, such as "??6+", where they are set. */
function schemes(names: readonly string[], field: string): Token[] {
  return Array.from({ length: 8 }, (_, position) =>
    flag(names[position] ?? `??${position}`, (values) => {
      const list = values[field];
      if (!Array.isArray(list)) return list;
      return list.some((scheme) => scheme === SCHEMES[position] || code(scheme) === position);
    }),
  );
}

function selected(names: readonly string[], field: string): Token {
  return text(/ArbSelect=(\S+)/, (values) => {
    const scheme = values[field];
    const position = typeof scheme === "string" ? SCHEMES.indexOf(scheme) : code(scheme);
    return names[position] ?? `??${position}`;
  });
}

function bitmap(list: unknown): unknown {
  return Array.isArray(list) ? list.reduce((map: number, position: number) => map | (1 << position), 0) : list;
}

/** Numbers as "1-2, 5". */
function ranges(list: unknown): string {
  if (!Array.isArray(list)) return JSON.stringify(list);
  const out: string[] = [];
  for (let first = 0; first < list.length; ) {
    let last = first;
    while (list[last + 1] === list[last] + 1) last++;
    out.push(last > first ? `${list[first]}-${list[last]}` : `${list[first]}`);
    first = last + 1;
  }
  return out.join(", ");
}
