import { block } from "../block.ts";
import { type Block, type CapabilityView, capability } from "../capability.ts";
import { bits, register, type Unknown } from "../register.ts";

const MAX_RESIZABLE_BARS = 6;
const ENTRY_SIZE = 8;
/** Code 0 is 1 MB, each further one twice as much. */
const SMALLEST_SIZE_LOG2 = 20;
const LARGEST_SIZE_CODE = 43;
const FIRST_SIZE_CODE_IN_CONTROL = 28;

/** The names under which Linux and the specification know the registers, which differ for PF and VF BARs. */
interface ResizableBarLayout {
  readonly capabilityConstant: string;
  readonly capabilitySpec: string;
  readonly controlConstant: string;
  readonly controlSpec: string;
}

/** The entries of a (VF) Resizable BAR capability: one for each BAR whose size can be chosen, six at the most. */
export function resizableBarEntries(layout: ResizableBarLayout): (values: unknown, view: CapabilityView) => Block[] {
  const capabilityRegister = register(0x00, 32, layout.capabilityConstant, layout.capabilitySpec, {
    lowerSupportedSizesBytes: bits(31, 4, "RO", { value: (raw) => sizesOf(raw, 0), doc: "1 MB to 128 TB" }),
  });
  const controlFields = {
    barIndex: bits(2, 0, "RO"),
    currentSizeBytes: bits(13, 8, "RW", { value: sizeOf }),
    upperSupportedSizesBytes: bits(31, 16, "RO", {
      value: (raw) => sizesOf(raw, FIRST_SIZE_CODE_IN_CONTROL),
      doc: "256 TB to 8 EB",
    }),
  };
  const firstEntry = {
    capability: capabilityRegister,
    control: register(0x04, 32, layout.controlConstant, layout.controlSpec, {
      ...controlFields,
      numberOfResizableBars: bits(7, 5, "RO", "1 to 6; in the first entry only"),
    }),
  };
  const entry = {
    capability: capabilityRegister,
    control: register(0x04, 32, layout.controlConstant, layout.controlSpec, controlFields),
  };
  return (_values, { space, offset }) => {
    const control = space.u32(offset + 0x08);
    const count = control === undefined ? 1 : (control >>> 5) & 7;
    return Array.from({ length: Math.max(1, Math.min(count, MAX_RESIZABLE_BARS)) }, (_, index) =>
      block({
        name: "resizableBars",
        offset: 0x04 + index * ENTRY_SIZE,
        table: index === 0 ? firstEntry : entry,
        derive: ({ lowerSupportedSizesBytes: lower, upperSupportedSizesBytes: upper }) => ({
          supportedSizesBytes: lower === null || upper === null ? null : [...lower, ...upper],
        }),
      }),
    );
  };
}

/** Resizable BAR: how large the function's BARs can be made, and are. */
export const RESIZABLE_BAR = capability({
  id: 0x15,
  name: "Resizable BAR",
  spec: "PCIe 6.0 §7.8.6",
  table: {},
  blocks: resizableBarEntries({
    capabilityConstant: "PCI_REBAR_CAP",
    capabilitySpec: "PCIe 6.0 §7.8.6.2",
    controlConstant: "PCI_REBAR_CTRL",
    controlSpec: "PCIe 6.0 §7.8.6.3",
  }),
});

function sizesOf(raw: number, firstCode: number): (number | bigint)[] {
  const sizes: (number | bigint)[] = [];
  for (let position = 0; raw >>> position !== 0 && position < 32; position++) {
    if ((raw >>> position) & 1) sizes.push(bytesOf(firstCode + position));
  }
  return sizes;
}

function sizeOf(code: number): number | bigint | Unknown {
  return code > LARGEST_SIZE_CODE ? { kind: "unknown", id: code } : bytesOf(code);
}

/** Above 2^53 as a bigint, which is what a number no longer counts exactly. */
function bytesOf(code: number): number | bigint {
  const log2 = SMALLEST_SIZE_LOG2 + code;
  return log2 > 53 ? 1n << BigInt(log2) : 2 ** log2;
}
