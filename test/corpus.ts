import { readFileSync } from "node:fs";
import fc from "fast-check";
import { type DumpedFunction, parseLspciDump } from "../src/kernel/snapshot/lspci-dump.ts";
import { bdf } from "../src/pci/bdf.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../src/pci/config-space.ts";
import { decodeFunction } from "../src/pci/decode.ts";
import { capturedDumps, sharedDumps } from "./dumps.ts";

const ANY_ADDRESS = bdf("0000:01:00.0");

/** A function of a real dump. */
interface RealFunction extends DumpedFunction {
  readonly dump: string;
}

/** Every function of all real dumps that are there. */
export const corpus: readonly RealFunction[] = [...sharedDumps, ...capturedDumps].flatMap(({ name, path }) =>
  parseLspciDump(readFileSync(path), name).functions.map((fn) => ({ ...fn, dump: name })),
);

/** Functions of which there are several alike, as VFs, are drawn as often as others are together. */
const kinds: readonly (readonly RealFunction[])[] = [
  ...Map.groupBy(corpus, ({ config }) => `${config.u16(0)}:${config.u16(2)}:${config.end}`).values(),
];

const anyFunction: fc.Arbitrary<RealFunction> = fc.constantFrom(...kinds).chain((alike) => fc.constantFrom(...alike));

/** One real configuration space. */
export const realSpace: fc.Arbitrary<ConfigSpace> = anyFunction.map(({ dump, bdf: address, config }) =>
  named(new ConfigSpace(config.bytes, config.known), `${dump} ${address}`),
);

/** A byte to put somewhere. */
interface Edit {
  readonly offset: number;
  readonly value: number;
}

/** Bytes on which much depends: where lists begin, what kind of header there is, and what FFh, 0 and odd pointers do. */
const HEADER_OFFSETS = [0x04, 0x06, 0x0e, 0x14, 0x34];
const WICKED_BYTES = [0x00, 0x01, 0x03, 0x10, 0x34, 0x3c, 0x40, 0x7f, 0x80, 0xf0, 0xfc, 0xff];
/** Of a capability: ID, next, and the first registers, which hold versions, lengths and counts. */
const CAPABILITY_BYTES = 12;

/** A real function with up to a dozen bytes changed, mostly those that steer the decoder. */
export const mutatedSpace: fc.Arbitrary<ConfigSpace> = anyFunction.chain(({ dump, bdf: address, config }) => {
  const { capabilities, extendedCapabilities } = decodeFunction(address, config);
  const heads = [...capabilities, ...extendedCapabilities].flatMap(({ offset }) =>
    Array.from({ length: CAPABILITY_BYTES }, (_, index) => offset + index),
  );
  const offset = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...HEADER_OFFSETS, ...heads) },
    { weight: 1, arbitrary: fc.nat(Math.max(0, config.end - 1)) },
  );
  const value = fc.oneof(
    fc.nat(0xff),
    fc.constantFrom(...WICKED_BYTES),
    fc.constantFrom(...heads, 0x40).map((at) => at & 0xff),
  );
  return fc
    .array(fc.record({ offset, value }), { minLength: 1, maxLength: 12 })
    .map((edits) => edited(config, edits, `${dump} ${address}`));
});

/** As far into a capability as most registers are. */
const WITHIN_CAPABILITY = 0x48;

/** Half-open ranges of what was read: from the start up to somewhere, or with holes; often within a capability. */
function knownRanges(starts: readonly number[]): fc.Arbitrary<readonly (readonly [number, number])[]> {
  const within = fc.tuple(fc.constantFrom(...starts), fc.nat(WITHIN_CAPABILITY)).map(([start, more]) => start + more);
  const end = fc.oneof(fc.nat(PCI_CFG_SPACE_EXP_SIZE), fc.constantFrom(0x40, 0x80, 0x100), {
    weight: 3,
    arbitrary: within,
  });
  return fc.oneof(
    end.map((to) => [[0, to] as const]),
    // One hole.
    fc
      .tuple(end, fc.integer({ min: 1, max: 64 }))
      .map(([from, size]) => [[0, from] as const, [from + size, 4096] as const]),
    fc.uniqueArray(end, { minLength: 2, maxLength: 12 }).map((ends) => {
      const sorted = [...ends].sort((a, b) => a - b);
      return Array.from(
        { length: sorted.length >> 1 },
        (_, n) => [sorted[2 * n] ?? 0, sorted[2 * n + 1] ?? 0] as const,
      );
    }),
  );
}

/** A space, and the same with some of its bytes not read. */
export function withUnread(spaces: fc.Arbitrary<ConfigSpace>): fc.Arbitrary<readonly [ConfigSpace, ConfigSpace]> {
  return spaces.chain((full) => {
    const { capabilities, extendedCapabilities } = decodeFunction(ANY_ADDRESS, full);
    const starts = [0, ...[...capabilities, ...extendedCapabilities].map(({ offset }) => offset)];
    return knownRanges(starts).map((ranges) => [full, partOf(full, ranges)] as const);
  });
}

function partOf(full: ConfigSpace, ranges: readonly (readonly [number, number])[]): ConfigSpace {
  const known = ranges.map(([from, to]) => [from, Math.min(to, full.end)] as const).filter(([from, to]) => from < to);
  // What was not read is rubbish, so that a decoder which looks at it all the same is found out.
  const bytes = full.bytes.map((byte, at) => (known.some(([from, to]) => at >= from && at < to) ? byte : byte ^ 0xa5));
  return named(new ConfigSpace(bytes, known), `read: ${JSON.stringify(known)}`);
}

/** Random bytes of any length that configuration space can have. */
export const randomSpace: fc.Arbitrary<ConfigSpace> = fc
  .uint8Array({ maxLength: PCI_CFG_SPACE_EXP_SIZE, size: "max" })
  .map((bytes) => named(new ConfigSpace(bytes), Buffer.from(bytes).toString("hex")));

function edited(config: ConfigSpace, edits: readonly Edit[], name: string): ConfigSpace {
  const bytes = Uint8Array.from(config.bytes);
  for (const { offset, value } of edits) if (offset < bytes.length) bytes[offset] = value;
  return named(new ConfigSpace(bytes, config.known), `${name} with ${JSON.stringify(edits)}`);
}

/** Lets fast-check print where a space comes from in place of its bytes. */
function named(space: ConfigSpace, name: string): ConfigSpace {
  return Object.assign(space, { [fc.toStringMethod]: () => name });
}
