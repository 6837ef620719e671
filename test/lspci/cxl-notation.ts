import type { Notation } from "./notation.ts";
import { blocks, choice, code, decimal, flags, hex, hexadecimal, type Section, text, words } from "./token.ts";

const MEDIA = { volatile: "Volatile", "non-volatile": "Non-volatile", cdat: "CDAT" };
const MEMORY_CLASSES = { memory: "DRAM", storage: "Storage", cdat: "CDAT" };

const SECTIONS: readonly Section[] = [
  {
    start: /^CXLCap:/,
    tokens: [
      decimal(/HDMCount (\d)/, "hdmCount"),
      ...flags({
        Cache: "cacheCapable",
        IO: "ioCapable",
        Mem: "memCapable",
        "Mem HW Init": "memHwInitMode",
        MemHWInit: "memHwInitMode",
        Viral: "viralCapable",
      }),
    ],
  },
  {
    start: /^CXLCtl:/,
    tokens: [
      decimal(/Cache ?SF ?Cov (\d+)/, "cacheSfCoverage"),
      text(/Cache ?SF ?Gran (\d+)/, ({ cacheSfGranularityBytes: bytes }) =>
        String(typeof bytes === "number" ? Math.log2(bytes / 64) : code(bytes)),
      ),
      ...flags({
        "Cache Clean": "cacheCleanEviction",
        CacheClean: "cacheCleanEviction",
        Cache: "cacheEnable",
        IO: "ioEnable",
        Mem: "memEnable",
        Viral: "viralEnable",
      }),
    ],
  },
  { start: /^CXLSta:/, tokens: flags({ Viral: "viralStatus" }) },
  {
    start: /^CXLCtl2:/,
    tokens: flags({
      DisableCaching: "disableCaching",
      "InitCacheWB&Inval": "initiateCacheWriteBackAndInvalidation",
      InitRst: "initiateCxlReset",
      RstMemClrEn: "cxlResetMemClrEnable",
      DesiredVolatileHDMStateAfterHotReset: "desiredVolatileHdmStateAfterHotReset",
    }),
  },
  {
    start: /^CXLSta2:/,
    tokens: flags({
      ResetComplete: "cxlResetComplete",
      ResetError: "cxlResetError",
      PMComplete: "powerManagementInitializationComplete",
    }),
  },
  {
    start: /^(?:CXLCap2:\s*)?(?=Cache Size)/,
    tokens: [
      text(/(Cache Size Not Reported)/, ({ cacheSizeUnitBytes: unit }) =>
        unit === 0 ? "Cache Size Not Reported" : String(unit),
      ),
      hexadecimal(/Cache Size: ([0-9a-f]{8})/, 8, "cacheSizeBytes"),
    ],
  },
  {
    start: /^Range([12]):/,
    values: (values, index) => blocks(values, "cxlRanges")[Number(index) - 1],
    count: (values) => blocks(values, "cxlRanges").length,
    tokens: [
      text(
        /([0-9a-f]{16})-([0-9a-f]{16})/,
        ({ memoryBase }) => hex(memoryBase, 16),
        ({ memoryBase, memorySizeBytes }) => hex(lastByte(memoryBase, memorySizeBytes), 16),
      ),
      hexadecimal(/\[size=0x([0-9a-f]+)\]/, 1, "memorySizeBytes"),
      choice(/Type=(\S+)/, "mediaType", MEDIA),
      choice(/Class=(\S+)/, "memoryClass", MEMORY_CLASSES),
      decimal(/interleave=(\d+)/, "desiredInterleaveBytes"),
      decimal(/timeout=(\d+)s/, "memoryActiveTimeoutSeconds"),
      ...flags({ Valid: "memoryInfoValid", Active: "memoryActive" }),
    ],
  },
  // What vfleet shows as bytes: ports, flex bus, register locator, global persistent flush, logical devices.
  ...[/^FB\w+:/, /^Block\d+:/, /^GPF /, /^CXLPort/, /^AlternateBus:/, /^NumLogDevs:/, /^FuncMap /].map(notDecoded),
  // Titles of newer versions of pciutils.
  { start: /^(?:PCIe |Non-CXL |CXL |Register |MLD |GPF )?.*DVSEC\b.*$/, tokens: [] },
];

/** Designated vendor-specific capabilities; lspci knows those of CXL, of which vfleet decodes the one for devices. */
export const DVSEC: Notation = {
  id: 0x23,
  title: {
    start: /^Designated Vendor-Specific:/,
    tokens: [
      hexadecimal(/Vendor=([0-9a-f]{4})/, 4, "dvsecVendorId"),
      hexadecimal(/ID=([0-9a-f]{4})/, 4, "dvsecId"),
      decimal(/Rev=(\d+)/, "dvsecRevision"),
      decimal(/Len=(\d+)/, "dvsecLength"),
      words(/<\?>|CXL/),
    ],
  },
  sections: SECTIONS,
};

function notDecoded(start: RegExp): Section {
  return { start, tokens: [words(/^.*$/)] };
}

function lastByte(base: unknown, size: unknown): unknown {
  return isInteger(base) && isInteger(size) ? BigInt.asUintN(64, BigInt(base) + BigInt(size) - 1n) : null;
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
