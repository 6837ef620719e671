import { DVSEC } from "./cxl-notation.ts";
import { ERROR_NOTATIONS } from "./error-notations.ts";
import { EXTENDED_NOTATIONS } from "./extended-notations.ts";
import { HEADER_SECTIONS } from "./header-sections.ts";
import { IDE } from "./ide-notation.ts";
import type { LspciCapability, LspciFunction } from "./lspci-output.ts";
import type { Notation } from "./notation.ts";
import { STANDARD_NOTATIONS } from "./standard-notations.ts";
import { STRUCTURED_NOTATIONS } from "./structured-notations.ts";
import { compareText, type Difference, type Section, type Values } from "./token.ts";
import { VIRTUALIZATION_NOTATIONS } from "./virtualization-notations.ts";

const ALL_EXTENDED: readonly Notation[] = [
  ...EXTENDED_NOTATIONS,
  ...VIRTUALIZATION_NOTATIONS,
  ...ERROR_NOTATIONS,
  ...STRUCTURED_NOTATIONS,
  DVSEC,
  IDE,
];
/** What lspci writes of an ID that it does not know. */
const UNKNOWN = /^(?:Extended )?Capability ID 0x([0-9a-f]+)/;

/** A difference, and where it is: "header", "standard 10h" or "extended 10h". */
export interface Found extends Difference {
  readonly place: string;
}

export interface Agreement {
  readonly differences: readonly Found[];
  /** How many values were compared, by their place. */
  readonly compared: ReadonlyMap<string, number>;
}

/** A function of `vfleet decode --json`, as docs/json.md describes it; integers above 2^53 are bigints. */
export interface JsonFunction extends Values {
  readonly capabilities: readonly JsonCapability[];
  readonly extendedCapabilities: readonly JsonCapability[];
}

interface JsonCapability extends Values {
  readonly id: number;
  readonly name: string;
  readonly offset: number;
  readonly version?: number;
}

/**
 * Compares all that lspci shows of one function with what vfleet decoded of it.
 * @param header the fields of the header's registers, which the JSON has in part.
 */
export function compareFunction(shown: LspciFunction, decoded: JsonFunction, header: Values): Agreement {
  const compared = new Map<string, number>();
  const differences: Found[] = [];
  const at = (place: string) => ({
    count: (values: number) => compared.set(place, (compared.get(place) ?? 0) + values),
    differ: (difference: Difference) => differences.push({ place, ...difference }),
  });
  const headerSink = at("header");
  for (const key of ["bdf", "vendorId", "deviceId", "classCode", "revisionId"] as const) {
    headerSink.count(1);
    if (shown[key] !== decoded[key]) headerSink.differ({ lspci: `${key} ${shown[key]}`, vfleet: String(decoded[key]) });
  }
  compareSections(shown.header, HEADER_SECTIONS, { ...header, ...decoded }, headerSink);

  const capabilities = [...decoded.capabilities, ...decoded.extendedCapabilities];
  for (const [index, capability] of shown.capabilities.entries()) {
    const twin = capabilities[index];
    const id = idOf(capability, twin?.id);
    const place = `${capability.version === undefined ? "standard" : "extended"} ${id?.toString(16)}h`;
    at(place).count(3);
    const mine = twin && `${twin.offset} ${twin.id} ${twin.version}`;
    if (!twin || mine !== `${capability.offset} ${id} ${capability.version}`) {
      at(place).differ({ lspci: `${capability.offset} ${capability.version} ${capability.title}`, vfleet: mine });
      continue;
    }
    compareCapability(capability, twin, at(place));
  }
  for (const extra of capabilities.slice(shown.capabilities.length)) {
    headerSink.differ({ lspci: "no further capability", vfleet: `${extra.name} at ${extra.offset}` });
  }
  return { differences, compared };
}

/** Where results go. */
interface Sink {
  readonly count: (values: number) => void;
  readonly differ: (difference: Difference) => void;
}

function compareCapability({ title, version, lines }: LspciCapability, decoded: JsonCapability, sink: Sink): void {
  const notation = notationsOf(title, version)[0];
  // Without a name there is nothing but the ID, which is the same.
  if (!notation) {
    if (!UNKNOWN.test(title)) sink.differ({ lspci: title, vfleet: undefined });
    return;
  }
  compareSections([title], [notation.title], decoded, sink);
  compareSections(lines, notation.sections ?? [], decoded, sink);
}

function compareSections(lines: readonly string[], sections: readonly Section[], values: Values, sink: Sink): void {
  const counts = new Map<Section, number>();
  for (const line of lines) {
    const section = sections.find(({ start }) => start.test(line));
    if (!section) {
      sink.differ({ lspci: line, vfleet: undefined });
      continue;
    }
    const start = section.start.exec(line) as RegExpExecArray;
    const own = section.values ? section.values(values, start[1] ?? "") : values;
    if (!own) {
      sink.differ({ lspci: line, vfleet: undefined });
      continue;
    }
    counts.set(section, (counts.get(section) ?? 0) + 1);
    const { compared, differences, leftOver } = compareText(line.slice(start[0].length), section.tokens, own);
    sink.count(compared);
    for (const difference of differences) sink.differ({ ...difference, lspci: `${start[0]} ${difference.lspci}` });
    if (leftOver !== "") sink.differ({ lspci: `${start[0]} ${leftOver}`, vfleet: undefined });
  }
  for (const section of sections) {
    if (!section.count) continue;
    sink.count(1);
    const [shown, wanted] = [counts.get(section) ?? 0, section.count(values)];
    if (shown !== wanted) sink.differ({ lspci: `${shown} lines ${section.start.source}`, vfleet: String(wanted) });
  }
}

/** The ID that lspci's words stand for; where they stand for several, that of vfleet if it is among them. */
function idOf({ title, version }: LspciCapability, preferred: number | undefined): number | undefined {
  const unknown = UNKNOWN.exec(title)?.[1];
  if (unknown !== undefined) return Number.parseInt(unknown, 16);
  const ids = notationsOf(title, version).map(({ id }) => id);
  return ids.find((id) => id === preferred) ?? ids[0];
}

function notationsOf(title: string, version: number | undefined): readonly Notation[] {
  const known = version === undefined ? STANDARD_NOTATIONS : ALL_EXTENDED;
  return known.filter(({ title: { start } }) => start.test(title));
}
