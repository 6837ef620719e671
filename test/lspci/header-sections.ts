import { blocks, decimal, flags, hex, hexadecimal, type Section, text, type Values, words } from "./token.ts";

/** Nanoseconds of one unit of Min_Gnt and Max_Lat. */
const GRANT_NS = 250;
const DEVSEL = { 0: "fast", 1: "medium", 2: "slow" };

/** The part of a bridge's JSON that is needed here. */
interface Bridge {
  readonly windows: Readonly<Record<"io" | "memory" | "prefetchable", Values | null>>;
}

/** What lspci shows of a function before its capabilities (pciutils, `show_verbose` and `show_htype0` to `2`). */
export const HEADER_SECTIONS: readonly Section[] = [
  {
    start: /^Subsystem: /,
    tokens: [
      text(
        /([0-9a-f]{4}):([0-9a-f]{4})/,
        (values) => hex(values.subsystemVendorId, 4),
        (values) => hex(values.subsystemId, 4),
      ),
    ],
  },
  {
    start: /^Control: /,
    tokens: flags({
      "I/O": "ioSpaceEnable",
      Mem: "memorySpaceEnable",
      BusMaster: "busMasterEnable",
      SpecCycle: "specialCycleEnable",
      MemWINV: "memoryWriteAndInvalidate",
      VGASnoop: "vgaPaletteSnoop",
      ParErr: "parityErrorResponse",
      Stepping: "idselStepping",
      SERR: "serrEnable",
      FastB2B: "fastBackToBackEnable",
      DisINTx: "interruptDisable",
    }),
  },
  {
    start: /^Status: /,
    tokens: [
      devsel("devselTiming"),
      ...flags({
        Cap: "capabilitiesList",
        "66MHz": "capable66Mhz",
        UDF: "userDefinableFeatures",
        FastB2B: "fastBackToBackCapable",
        ParErr: "masterDataParityError",
        ">TAbort": "signaledTargetAbort",
        "<TAbort": "receivedTargetAbort",
        "<MAbort": "receivedMasterAbort",
        ">SERR": "signaledSystemError",
        "<PERR": "detectedParityError",
        INTx: "interruptStatus",
      }),
    ],
  },
  {
    start: /^Latency: /,
    tokens: [
      text(/(\d+)ns min/, (values) => String(Number(values.minGnt) * GRANT_NS)),
      text(/(\d+)ns max/, (values) => String(Number(values.maxLat) * GRANT_NS)),
      text(/Cache Line Size: (\d+) bytes/, (values) => String(Number(values.cacheLineSizeDwords) * 4)),
      decimal(/^(\d+)/, "latencyTimer"),
    ],
  },
  {
    start: /^Interrupt: /,
    tokens: [
      text(/pin (\S)/, ({ interruptPin: pin }) => (pin === 0 ? "?" : String.fromCharCode(0x40 + Number(pin)))),
      decimal(/routed to IRQ (\d+)/, "interruptLine"),
    ],
  },
  { start: /^BIST result: /, tokens: [hexadecimal(/([0-9a-f]{2})/, 2, "bistCompletionCode")] },
  { start: /^BIST is running/, tokens: [] },
  {
    start: /^Region (\d): /,
    values: (values, index) => blocks(values, "bars").find((bar) => bar.index === Number(index)),
    count: (values) => blocks(values, "bars").length,
    tokens: [
      text(/I\/O ports at ([0-9a-f]+|<unassigned>)/, ({ kind, address }) =>
        kind === "io" ? hex(address, 4) : "memory",
      ),
      text(/Memory at ([0-9a-f]+|<unassigned>)/, ({ kind, address }) => memoryAddress(kind, address)),
      text(/\((\d\d)-bit/, ({ is64 }) => (is64 ? "64" : "32")),
      text(/(non-prefetchable|prefetchable)\)/, ({ prefetchable }) =>
        prefetchable ? "prefetchable" : "non-prefetchable",
      ),
      words(/\[disabled\]/),
    ],
  },
  {
    start: /^Bus: /,
    tokens: [
      hexadecimal(/primary=([0-9a-f]{2})/, 2, "primaryBus"),
      hexadecimal(/secondary=([0-9a-f]{2})/, 2, "secondaryBus"),
      hexadecimal(/subordinate=([0-9a-f]{2})/, 2, "subordinateBus"),
      decimal(/sec-latency=(\d+)/, "secondaryLatencyTimer"),
    ],
  },
  windowSection(/^I\/O behind bridge:/, "io", 16, 32),
  windowSection(/^Memory behind bridge:/, "memory", 32, 32),
  windowSection(/^Prefetchable memory behind bridge:/, "prefetchable", 32, 64),
  {
    start: /^Secondary status: /,
    tokens: [
      devsel("secondaryDevselTiming"),
      ...flags({
        "66MHz": "secondaryCapable66Mhz",
        FastB2B: "secondaryFastBackToBackCapable",
        ParErr: "secondaryMasterDataParityError",
        ">TAbort": "secondarySignaledTargetAbort",
        "<TAbort": "secondaryReceivedTargetAbort",
        "<MAbort": "secondaryReceivedMasterAbort",
        "<SERR": "secondaryReceivedSystemError",
        "<PERR": "secondaryDetectedParityError",
      }),
    ],
  },
  {
    start: /^Expansion ROM at /,
    tokens: [
      text(/^([0-9a-f]{8}|<unassigned>)/, ({ expansionRomAddress: rom }) => (rom === 0 ? "<unassigned>" : hex(rom, 8))),
      text(/(\[disabled(?: by cmd)?\])/, ({ expansionRomEnable }) =>
        expansionRomEnable ? "[disabled by cmd]" : "[disabled]",
      ),
    ],
  },
  {
    start: /^BridgeCtl: /,
    tokens: [
      ...flags({
        Parity: "secondaryParityErrorResponse",
        SERR: "secondarySerrEnable",
        NoISA: "isaEnable",
        // A CardBus bridge's words.
        ISA: "isaEnable",
        "16bInt": "interrupt16Bit",
        PostWrite: "writePostingEnable",
        VGA: "vgaEnable",
        VGA16: "vga16BitDecode",
        MAbort: "masterAbortMode",
        ">Reset": "secondaryBusReset",
        FastB2B: "secondaryFastBackToBackEnable",
        PriDiscTmr: "primaryDiscardTimer",
        SecDiscTmr: "secondaryDiscardTimer",
        DiscTmrStat: "discardTimerStatus",
        DiscTmrSERREn: "discardTimerSerrEnable",
      }),
    ],
  },
  // In place of a window whose two ends contradict each other, or the standard.
  { start: /^!!! Unknown .* range types/, tokens: [words(/^.*$/)] },
  { start: /^!!! Invalid class/, tokens: [words(/^.*$/)] },
  // Windows of a CardBus bridge, which vfleet does not decode.
  { start: /^(?:Memory|I\/O) window \d:/, tokens: [words(/^.*$/)] },
  { start: /^16-bit legacy interface ports at/, tokens: [words(/^.*$/)] },
];

function devsel(field: string) {
  return text(/DEVSEL=(\S+)/, (values) => DEVSEL[values[field] as keyof typeof DEVSEL] ?? "??");
}

function memoryAddress(kind: unknown, address: unknown): string {
  if (kind !== "memory") return "I/O";
  return Number(address) === 0 ? "<unassigned>" : hex(address, 8);
}

/** A bridge's window, in 32 or 64 bits where it is wide. lspci calls a closed one disabled. */
function windowSection(start: RegExp, kind: "io" | "memory" | "prefetchable", bits: number, wideBits: number): Section {
  return {
    start,
    values: ({ bridge }) => (bridge as Bridge | undefined)?.windows[kind] ?? undefined,
    tokens: [
      text(
        /([0-9a-f]+)-([0-9a-f]+)/,
        ({ base, wide }) => hex(base, (wide ? wideBits : bits) / 4),
        ({ limit, wide }) => hex(limit, (wide ? wideBits : bits) / 4),
      ),
      // lspci's size is computed from the two, and wrong from 2^32 units on.
      text(/\[(disabled|size)(?:=\d+[KMGT]?)?\]/, ({ open }) => (open ? "size" : "disabled")),
      text(/\[(\d+)-bit\]/, ({ wide }) => String(wide ? wideBits : bits)),
    ],
  };
}
