import type { Notation } from "./notation.ts";
import {
  blocks,
  choice,
  code,
  decimal,
  flag,
  flags,
  hexadecimal,
  type Section,
  type Token,
  text,
  words,
} from "./token.ts";

const ENCRYPTED_BITS = ["no", "17:2", "25:2", "33:2", "41:2"];
/** How many TLPs one MAC covers, by their number. */
const AGGREGATION: Readonly<Record<string, string>> = { 1: "-", 2: "=2", 4: "=4", 8: "=8" };
const STREAM_STATES = { insecure: "insecure", secure: "secure" };

/** Integrity and Data Encryption (pciutils from 3.12 on, `cap_ide`). */
export const IDE: Notation = {
  id: 0x30,
  title: { start: /^Integrity & Data Encryption/, tokens: [] },
  sections: [
    {
      start: /^IDECap:/,
      tokens: [
        text(/Lnk=(\d+)/, (values) => count(values.linkIdeStreamSupported, values.tcsSupportedForLinkIde)),
        text(/Sel=(\d+)/, (values) => count(values.selectiveIdeStreamsSupported, values.selectiveIdeStreamsCount)),
        decimal(/TCs=(\d+)/, "tcsSupportedForLinkIde"),
        algorithm("supportedAlgorithms"),
        ...flags({
          FlowThru: "flowThroughIdeStreamSupported",
          PartHdr: "partialHeaderEncryptionSupported",
          Aggr: "aggregationSupported",
          PCPC: "pcrcSupported",
          IDE_KM: "ideKmProtocolSupported",
          TeeLim: "teeLimitedStreamSupported",
        }),
      ],
    },
    { start: /^IDECtl:/, tokens: flags({ FTEn: "flowThroughIdeStreamEnabled" }) },
    // What PCRC shows in this line is the stream's enable bit, by a slip in pciutils.
    stream(/^\[[0-9a-f]+\]LinkIDE#(\d+) Ctl:/, "linkStreams", [
      ...control(),
      flag("PCRC", ({ streamEnable }) => streamEnable),
    ]),
    stream(/^\[[0-9a-f]+\]LinkIDE#(\d+) Sta:/, "linkStreams", [words(/Status=/), ...status()]),
    stream(/^\[[0-9a-f]+\]SelectiveIDE#(\d+) Cap:/, "selectiveStreams", [
      decimal(/RID#=(\d+)/, "numberOfAddressAssociations"),
    ]),
    stream(/^\[[0-9a-f]+\]SelectiveIDE#(\d+) Ctl:/, "selectiveStreams", [
      ...control(),
      text(/((?:Default)?)$/, ({ defaultStream }) => (defaultStream ? "Default" : "")),
      ...flags({ PCRC: "pcrcEnable", CFG: "configurationRequestsEnable" }),
    ]),
    stream(/^\[[0-9a-f]+\]SelectiveIDE#(\d+) Sta:/, "selectiveStreams", status()),
    stream(/^\[[0-9a-f]+\]SelectiveIDE#(\d+) RID:/, "selectiveStreams", [
      hexadecimal(/(?<!\w)Base=([0-9a-f]+)/, 1, "ridBase"),
      hexadecimal(/Limit=([0-9a-f]+)/, 1, "ridLimit"),
      hexadecimal(/SegBase=([0-9a-f]+)/, 1, "segmentBase"),
      ...flags({ Valid: "ridValid" }),
    ]),
    {
      start: /^\[[0-9a-f]+\]SelectiveIDE#(\d+ RID#\d+):/,
      values: (values, index) => {
        const [stream, entry] = index.split(" RID#");
        const own = blocks(values, "addressAssociations").filter((one) => one.selectiveStreamIndex === Number(stream));
        return own[Number(entry)];
      },
      count: (values) => blocks(values, "addressAssociations").length,
      tokens: [
        hexadecimal(/Base=([0-9a-f]+)/, 1, "memoryBase"),
        hexadecimal(/Limit=([0-9a-f]+)/, 1, "memoryLimit"),
        ...flags({ Valid: "addressValid" }),
      ],
    },
  ],
};

function stream(start: RegExp, list: string, tokens: readonly Token[]): Section {
  return { start, tokens, values: (values, index) => blocks(values, list)[Number(index)] };
}

function control(): Token[] {
  return [
    aggregation("NPR", "txAggregationNonPostedRequests"),
    aggregation("PR", "txAggregationPostedRequests"),
    aggregation("CPL", "txAggregationCompletions"),
    text(/HdrEnc=(\S+)/, ({ partialHeaderEncryptionMode: mode }) => ENCRYPTED_BITS[Number(mode)] ?? `??${mode}`),
    algorithm("selectedAlgorithm"),
    decimal(/TC(\d)/, "trafficClass"),
    decimal(/(?<!\S)ID(\d+)/, "streamId"),
    ...flags({ En: "streamEnable" }),
  ];
}

function status(): Token[] {
  return [
    choice(/(secure|insecure|reserved|\?\?\d+)/, "streamState", STREAM_STATES, "reserved"),
    ...flags({ RecvChkFail: "receivedIntegrityCheckFailMessage" }),
  ];
}

function aggregation(name: string, field: string): Token {
  return text(
    new RegExp(`(?<!\\S)${name}(-|=\\d)`),
    (values) => AGGREGATION[String(values[field])] ?? String(code(values[field])),
  );
}

function algorithm(field: string): Token {
  return choice(/Alg='([^']*)'/, field, { "aes-gcm-256-96b-mac": "AES-GCM-256-96b" }, "reserved");
}

function count(supported: unknown, number: unknown): string {
  return supported === true ? String(number) : supported === false ? "0" : JSON.stringify(supported);
}
