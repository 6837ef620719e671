import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

const requestSize = (raw: number): number => 2 ** (raw + 4);

/** Accelerated Graphics Port, of a graphics card or of the bridge to it. */
export const AGP = capability({
  id: 0x02,
  name: "Accelerated Graphics Port (AGP)",
  spec: "AGP 3.0",
  table: {
    version: register(0x02, 8, "PCI_AGP_VERSION", "AGP 3.0", {
      agpMinorVersion: bits(3, 0, "RO"),
      agpMajorVersion: bits(7, 4, "RO"),
    }),
    status: register(0x04, 32, "PCI_AGP_STATUS", "AGP 3.0", {
      supportedRateBits: bits(2, 0, "RO", "bit n: 2^n times; four times that in AGP 3.0 mode"),
      agp3Mode: bit(3, "RO"),
      fastWriteSupported: bit(4, "RO"),
      above4GSupported: bit(5, "RO"),
      hostTranslationDisabled: bit(6, "RO", "the core logic does not translate the CPU's accesses to the aperture"),
      gart64Supported: bit(7, "RO", "64-bit entries in the graphics address remapping table"),
      coherentAperture: bit(8, "RO", "accesses inside the aperture are always coherent"),
      sidebandAddressingSupported: bit(9, "RO"),
      calibrationCycle: bits(12, 10, "RO"),
      optimumRequestSizeBytes: bits(15, 13, "RO", { value: requestSize }),
      isochronousSupported: bit(16, "RO"),
      maxRequests: bits(31, 24, "RO", { value: (raw) => raw + 1, doc: "requests that can be queued" }),
    }),
    command: register(0x08, 32, "PCI_AGP_COMMAND", "AGP 3.0", {
      rateBits: bits(2, 0, "RW", "one of those supported"),
      fastWriteEnable: bit(4, "RW"),
      above4GEnable: bit(5, "RW"),
      gart64Enable: bit(7, "RW"),
      agpEnable: bit(8, "RW"),
      sidebandAddressingEnable: bit(9, "RW"),
      programmedCalibrationCycle: bits(12, 10, "RW"),
      programmedRequestSizeBytes: bits(15, 13, "RW", { value: requestSize }),
      requestDepth: bits(31, 24, "RW", { value: (raw) => raw + 1, doc: "requests that the master may queue" }),
    }),
  },
  derive: ({ agpMajorVersion, agp3Mode, supportedRateBits, rateBits }) => {
    const version3 = agpMajorVersion === null ? null : agpMajorVersion >= 3;
    const fast = version3 === null || agp3Mode === null ? null : version3 && agp3Mode;
    return { supportedRates: rates(supportedRateBits, fast), rates: rates(rateBits, fast) };
  },
});

/** AGP in 8x mode, of the bridge to the port. No public specification gives its registers. */
export const AGP_8X = capability({
  id: 0x0e,
  name: "AGP 8x (AGP3)",
  spec: "AGP 3.0",
  table: {
    flags: register(0x02, 16, "PCI_CAP_FLAGS", "AGP 3.0", {
      agp8xFlags: bits(15, 0, "RO", "its layout is not known"),
    }),
  },
});

/** The multiples of the AGP base rate that a field of three bits stands for. */
function rates(field: number | null, fast: boolean | null): number[] | null {
  if (field === null || fast === null) return null;
  const found: number[] = [];
  for (let n = 0; n < 3; n++) if (field & (1 << n)) found.push(2 ** (fast ? n + 2 : n));
  return found;
}
