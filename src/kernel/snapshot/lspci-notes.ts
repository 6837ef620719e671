import { startsWith } from "./scan-bytes.ts";

/** What lspci says about a function beside its registers. Evidence: what is absent was not said. */
export interface DumpNotes {
  driver?: string;
  modules?: readonly string[];
  iommuGroup?: number;
  numaNode?: number;
  physicalSlot?: string;
  /** In the order of the text: BARs, then the Expansion ROM. */
  readonly regions: DumpRegion[];
}

/** A BAR or the Expansion ROM, with the size that only the running kernel knew. */
export interface DumpRegion {
  readonly kind: "memory" | "io" | "rom";
  /** The BAR's number; undefined for the ROM, and where lspci did not say it (it does with `-vv`). */
  readonly index: number | undefined;
  /** Undefined where lspci wrote `<unassigned>`, `<ignored>` or the like. */
  readonly address: bigint | undefined;
  readonly sizeBytes: bigint | undefined;
  readonly is64: boolean;
  readonly prefetchable: boolean;
}

/** How the lines begin that {@link NoteReader} understands, behind their indentation. */
const BEGINNINGS = [
  "Kernel driver in use:",
  "Kernel modules:",
  "IOMMU group:",
  "NUMA node:",
  "Physical Slot:",
  "Region ",
  "Memory at ",
  "I/O ports at ",
  "Expansion ROM at ",
  "[virtual] ",
  "Capabilities:",
  "Driver:",
  "Module:",
  "IOMMUGroup:",
  "NUMANode:",
  "PhySlot:",
].map((text) => new TextEncoder().encode(text));

const BY_FIRST_CODE: ReadonlyArray<readonly Uint8Array[]> = Array.from({ length: 256 }, (_, code) =>
  BEGINNINGS.filter((beginning) => beginning[0] === code),
);

const REGION =
  /^(?:Region (\d): )?(?:\[virtual\] )?(Memory|I\/O ports|Expansion ROM) at (?:([0-9a-f]{1,16})(?![0-9a-f])|<[^>]*>)(.*)/i;
const SIZE = /\[size=(\d{1,7})([KMGT]?)\]/;
const SHIFT: Readonly<Record<string, bigint>> = { "": 0n, K: 10n, M: 20n, G: 30n, T: 40n };
const MAX_REGIONS = 16;
/** True where a line that {@link NoteReader} understands begins at `at`. */
export function isNoteLine(b: Uint8Array, at: number): boolean {
  const candidates = BY_FIRST_CODE[b[at] as number] as readonly Uint8Array[];
  return candidates.some((beginning) => startsWith(b, at, beginning));
}

/** Gathers the notes of one function, line by line. */
export class NoteReader {
  readonly notes: DumpNotes = { regions: [] };
  /** Behind the first capability, "Region" means a BAR of the VFs. */
  #regionsComplete = false;

  /** Takes one line, without its indentation. */
  read(line: string): void {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).trim();
    const notes = this.notes;
    switch (line.slice(0, colon)) {
      case "Kernel driver in use":
      case "Driver":
        if (value !== "") notes.driver = value;
        return;
      case "Kernel modules":
        notes.modules = value.split(/[\s,]+/).filter((name) => name !== "");
        return;
      case "Module":
        notes.modules = [...(notes.modules ?? []), value];
        return;
      case "IOMMU group":
      case "IOMMUGroup":
        if (/^\d{1,9}$/.test(value)) notes.iommuGroup = Number(value);
        return;
      case "NUMA node":
      case "NUMANode":
        if (/^\d{1,9}$/.test(value)) notes.numaNode = Number(value);
        return;
      case "Physical Slot":
      case "PhySlot":
        if (value !== "") notes.physicalSlot = value;
        return;
      case "Capabilities":
        this.#regionsComplete = true;
        return;
      default:
        if (!this.#regionsComplete && notes.regions.length < MAX_REGIONS) readRegion(line, notes.regions);
    }
  }
}

/** Fills what `into` lacks from `other`, which speaks of the same function. */
export function mergeNotes(into: DumpNotes, other: DumpNotes): void {
  const { regions, ...rest } = other;
  Object.assign(into, { ...rest, ...into });
  if (into.regions.length === 0) into.regions.push(...regions);
}

function readRegion(line: string, regions: DumpRegion[]): void {
  const match = REGION.exec(line);
  if (!match) return;
  const [, index, what, address, rest = ""] = match;
  const size = SIZE.exec(rest);
  regions.push({
    kind: what === "Memory" ? "memory" : what === "Expansion ROM" ? "rom" : "io",
    index: index === undefined ? undefined : Number(index),
    address: address === undefined ? undefined : BigInt(`0x${address}`),
    sizeBytes: size === null ? undefined : BigInt(size[1] as string) << (SHIFT[size[2] as string] as bigint),
    is64: rest.includes("64-bit"),
    prefetchable: rest.includes(", prefetchable"),
  });
}
