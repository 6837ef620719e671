import { type Block, type CapabilityView, capability } from "../capability.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, type RegisterTable, register, type Values } from "../register.ts";
import {
  HOST,
  HOST_1_02,
  HOST_EXTENDED,
  HOST_FEATURE,
  HOST_FEATURE_EXTENDED,
  HOST_LINK,
  HOST_LINK_1_02,
  HOST_LINKS,
  HOST_REVISION,
  SLAVE,
  SLAVE_1_02,
  SLAVE_LINK,
  SLAVE_LINK_1_02,
  SLAVE_LINKS,
  SLAVE_REVISION,
} from "./hyper-transport-link.ts";

const SPEC = "HyperTransport 3.10";
const CAPABILITY_TYPE = 0x03;
const TYPE_SHIFT = 3;
const HT_MSI_FLAGS = 0x02;
const HT_MSI_FLAGS_FIXED = 0x02;
const HT_MSI_FIXED_ADDR = 0xfee0_0000n;
/** Revision ID of HyperTransport 1.02, with which the frequency, feature and error registers came. */
const REVISION_1_02 = 0x22;

/** Capability Type: five bits, or three for the first two, whose other bits are their command's. */
const SLAVE_NAME = "slave or primary interface";
const HOST_NAME = "host or secondary interface";
const TYPES = {
  0x00: SLAVE_NAME,
  0x01: SLAVE_NAME,
  0x02: SLAVE_NAME,
  0x03: SLAVE_NAME,
  0x04: HOST_NAME,
  0x05: HOST_NAME,
  0x06: HOST_NAME,
  0x07: HOST_NAME,
  0x08: "switch",
  0x10: "interrupt discovery and configuration",
  0x11: "revision ID",
  0x12: "UnitID clumping",
  0x13: "extended configuration space access",
  0x14: "address mapping",
  0x15: "MSI mapping",
  0x16: "DirectRoute",
  0x17: "VCSet",
  0x18: "retry mode",
  0x19: "x86 encoding",
  0x1a: "generation 3",
  0x1b: "function-level extension",
  0x1c: "power management",
  0x1d: "high node count",
};

const INTERRUPT_DISCOVERY = {
  index: register(0x02, 8, undefined, SPEC, {
    interruptIndex: bits(7, 0, "RW", "which register the data shows: 01h the last interrupt, from 10h on definitions"),
  }),
  data: register(0x04, 32, undefined, SPEC, { interruptData: bits(31, 0, "RW") }),
};

const REVISION = {
  revision: register(0x02, 8, undefined, SPEC, {
    minorRevision: bits(4, 0, "RO"),
    majorRevision: bits(7, 5, "RO"),
  }),
};

const UNIT_ID_CLUMPING = {
  support: register(0x04, 32, undefined, SPEC, {
    clumpingSupport: bits(31, 0, "RO", "bit n: UnitID n can be one with the UnitID before it"),
  }),
  enable: register(0x08, 32, undefined, SPEC, { clumpingEnable: bits(31, 0, "RW") }),
};

const MSI_MAPPING = {
  flags: register(HT_MSI_FLAGS, 8, "HT_MSI_FLAGS", SPEC, {
    msiMappingEnable: bit(0, "RW", "MSI writes to the address turn into HyperTransport interrupts"),
    msiMappingFixed: bit(1, "RO", "the address is FEE00000h, and there are no registers for it"),
  }),
};

const MSI_MAPPING_ADDRESS = {
  addressLow: register(0x04, 32, "HT_MSI_ADDR_LO", SPEC, {
    msiMappingAddressLow: bits(31, 20, "RW", { value: (raw) => raw * 2 ** 20 }),
  }),
  addressHigh: register(0x08, 32, "HT_MSI_ADDR_HI", SPEC, { msiMappingAddressHigh: bits(31, 0, "RW") }),
};

const RETRY_LINK = {
  control: register(0x00, 8, undefined, SPEC, {
    linkRetryEnable: bit(0, "RW"),
    forceSingleError: bit(1, "RW"),
    rolloverNonFatalEnable: bit(2, "RW"),
    forceSingleStomp: bit(3, "RW"),
    retryNonFatalEnable: bit(4, "RW"),
    retryFatalEnable: bit(5, "RW"),
    allowedAttempts: bits(7, 6, "RW"),
  }),
  status: register(0x01, 8, undefined, SPEC, {
    retrySent: bit(0, "RW1C"),
    countRollover: bit(1, "RW1C"),
    stompReceived: bit(2, "RW1C"),
  }),
};

const RETRY_COUNTS = {
  retryCount0: register(0x08, 16, undefined, SPEC, { link0RetryCount: bits(15, 0, "RW") }),
  retryCount1: register(0x0a, 16, undefined, SPEC, { link1RetryCount: bits(15, 0, "RW") }),
};

/** The types that are decoded; of all others the bytes are shown. */
const BLOCKS: Readonly<Record<string, (view: CapabilityView) => Block[]>> = {
  [SLAVE_NAME]: ({ space, offset }) => {
    const since102 = (space.u8(offset + SLAVE_REVISION) ?? 0) >= REVISION_1_02;
    const blocks = [block(SLAVE), ...links(SLAVE_LINKS, since102 ? SLAVE_LINK_1_02 : SLAVE_LINK)];
    return since102 ? [...blocks, block(SLAVE_1_02)] : blocks;
  },
  [HOST_NAME]: ({ space, offset }) => {
    const since102 = (space.u8(offset + HOST_REVISION) ?? 0) >= REVISION_1_02;
    const blocks = [block(HOST), ...links(HOST_LINKS, since102 ? HOST_LINK_1_02 : HOST_LINK)];
    if (since102) blocks.push(block(HOST_1_02));
    const extended = ((space.u16(offset + HOST_FEATURE) ?? 0) & HOST_FEATURE_EXTENDED) !== 0;
    return since102 && extended ? [...blocks, block(HOST_EXTENDED)] : blocks;
  },
  "interrupt discovery and configuration": () => [block(INTERRUPT_DISCOVERY)],
  "revision ID": () => [block(REVISION)],
  "UnitID clumping": () => [block(UNIT_ID_CLUMPING)],
  "MSI mapping": ({ space, offset }) => {
    const flags = space.u8(offset + HT_MSI_FLAGS);
    if (flags === undefined) return [block(MSI_MAPPING)];
    if (flags & HT_MSI_FLAGS_FIXED) {
      return [{ ...block(MSI_MAPPING), derive: () => ({ msiMappingAddress: HT_MSI_FIXED_ADDR }) }];
    }
    return [block(MSI_MAPPING), { ...block(MSI_MAPPING_ADDRESS), derive: mappingAddress }];
  },
  "retry mode": () => [...links([0x04, 0x06], RETRY_LINK), block(RETRY_COUNTS)],
};

/** The sizes of types whose bytes are shown; what is known of a type without a size is its header. */
const SIZES: Readonly<Record<string, number>> = {
  switch: 24,
  "extended configuration space access": 12,
  DirectRoute: 12,
  VCSet: 16,
};
const HEADER_SIZE = 4;

/** HyperTransport: one ID for capabilities of many types. */
export const HYPER_TRANSPORT = capability({
  id: 0x08,
  name: "HyperTransport",
  spec: SPEC,
  table: {
    capabilityType: register(CAPABILITY_TYPE, 8, undefined, SPEC, {
      htCapabilityType: bits(7, TYPE_SHIFT, "RO", { value: oneOf(TYPES) }),
    }),
  },
  blocks: ({ htCapabilityType }, view) =>
    typeof htCapabilityType === "string" ? (BLOCKS[htCapabilityType]?.(view) ?? []) : [],
  derive: ({ htCapabilityType }, { space, offset }) => {
    if (htCapabilityType === null) return { bytes: null };
    if (typeof htCapabilityType !== "string") return { bytes: space.hexDump(offset, HEADER_SIZE) };
    if (BLOCKS[htCapabilityType]) return {};
    return { bytes: space.hexDump(offset, SIZES[htCapabilityType] ?? HEADER_SIZE) };
  },
  size: ({ htCapabilityType }) => (typeof htCapabilityType === "string" ? (SIZES[htCapabilityType] ?? null) : null),
});

function block(table: RegisterTable): Block {
  return { offset: 0, table };
}

function links(offsets: readonly number[], table: RegisterTable): Block[] {
  return offsets.map((offset) => ({ name: "links", offset, table }));
}

function mappingAddress(values: Record<string, unknown>) {
  const { msiMappingAddressLow, msiMappingAddressHigh } = values as Values<typeof MSI_MAPPING_ADDRESS>;
  return { msiMappingAddress: quadword(msiMappingAddressLow, msiMappingAddressHigh) };
}
