import type { Found, JsonFunction } from "./compare.ts";
import { blocks } from "./token.ts";

/** Where lspci shows something else than vfleet, and vfleet is right by the standard. */
interface KnownDifference {
  readonly place: string;
  /** What lspci shows. */
  readonly lspci: RegExp;
  /** What vfleet would show in its place; undefined where it shows nothing. */
  readonly vfleet: RegExp | undefined;
  /** Versions of pciutils that are known to do so. */
  readonly versions: RegExp;
  /** Where the words alone do not tell. */
  readonly holds?: (decoded: JsonFunction, match: RegExpExecArray) => boolean;
  readonly reason: string;
}

const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    place: "header",
    lspci: /^Region (\d): (?:Memory|I\/O ports) at (?:<unassigned>|0000)/,
    vfleet: undefined,
    versions: /^3\./,
    holds: upperHalfOfAddress,
    reason: "lspci -F shows the upper half of a 64-bit BAR above 4 GiB once more, as a BAR without an address",
  },
  {
    place: "standard 8h",
    lspci: /^Link Frequency Capability(?: \d)?: (?:1\.4GHz|1\.6GHz|Vend)-$/,
    vfleet: /^(?:1\.4GHz|1\.6GHz|Vend)\+$/,
    versions: /^3\./,
    reason: "lspci reads 8 of the register's 16 bits (HyperTransport 3.10 §7.5.9)",
  },
  {
    place: "extended 2eh",
    lspci: /^DOESta: Error[+-]$/,
    vfleet: /^[+-]$/,
    versions: /^3\.9\./,
    reason: "pciutils 3.9 takes other bits than bit 2 for DOE Error (PCIe 6.0 §7.9.24.4)",
  },
];

/** Why the two differ here, where that is known. */
export function knownReason(found: Found, decoded: JsonFunction, version: string): string | undefined {
  for (const { place, lspci, vfleet, versions, holds, reason } of KNOWN_DIFFERENCES) {
    const match = lspci.exec(found.lspci);
    if (place !== found.place || !match || !versions.test(version)) continue;
    if (vfleet === undefined ? found.vfleet !== undefined : !vfleet.test(found.vfleet ?? "")) continue;
    if (holds && !holds(decoded, match)) continue;
    return reason;
  }
  return undefined;
}

function upperHalfOfAddress(decoded: JsonFunction, match: RegExpExecArray): boolean {
  const lower = blocks(decoded, "bars").find(({ index }) => index === Number(match[1]) - 1);
  return lower?.is64 === true && Number(lower.address) >= 2 ** 32;
}
