import type { DeviceDescription } from "../device-description.ts";
import { accelerator } from "./accelerator.ts";
import { CONNECTX_MODELS, type ConnectxModel, connectx } from "./connectx.ts";
import type { SerialNumber } from "./endpoint-capabilities.ts";
import { intel82576 } from "./intel-82576.ts";
import { intel82599 } from "./intel-82599.ts";
import { intelE810 } from "./intel-e810.ts";
import { intelX710 } from "./intel-x710.ts";
import { nvmeController } from "./nvme-controller.ts";

/** What may be said of a device where it is put into a machine. */
type DeviceOptions = Readonly<Record<string, number | string | boolean>>;

interface KnownDevice {
  /** Numbers that it takes, each with the least, the most, and what it is where left out. */
  readonly options: Readonly<Record<string, readonly [least: number, most: number, otherwise: number]>>;
  /** @param serial 32 bits of chance, for serial numbers */
  make(option: (name: string) => number, serial: number): DeviceDescription;
}

const INTEL_OUI = 0x00_1b21;

const connectxModels = (Object.keys(CONNECTX_MODELS) as ConnectxModel[]).map((model): [string, KnownDevice] => [
  model,
  {
    options: { ports: [1, 2, 1], totalVfs: [0, 127, 8] },
    make: (option) => connectx(model, option("ports"), option("totalVfs")),
  },
]);

/** The devices that go by a name. */
const KNOWN_DEVICES: Readonly<Record<string, KnownDevice>> = {
  "82576": { options: { ports: [1, 2, 1] }, make: (option) => intel82576(option("ports")) },
  "82599": {
    options: { ports: [1, 2, 1] },
    make: (option, serial) => intel82599(option("ports"), intelSerial(serial)),
  },
  X710: {
    options: { ports: [1, 4, 2] },
    make: (option, serial) => intelX710(option("ports"), intelSerial(serial)),
  },
  E810: {
    options: { ports: [1, 8, 1], totalVfs: [0, 256, 64] },
    make: (option, serial) => intelE810(option("ports"), option("totalVfs"), intelSerial(serial)),
  },
  ...Object.fromEntries(connectxModels),
  NVMe: {
    options: { totalVfs: [0, 127, 4], vectors: [1, 2048, 6], vfVectors: [1, 2048, 1] },
    make: (option) => nvmeController(option("totalVfs"), option("vectors"), option("vfVectors")),
  },
  accelerator: { options: { totalVfs: [0, 255, 16] }, make: (option) => accelerator(option("totalVfs")) },
};

/** By what names a machine can have devices. */
export const KNOWN_DEVICE_NAMES: readonly string[] = Object.keys(KNOWN_DEVICES);

/**
 * A device by its name.
 * @throws RangeError where no device has the name, or its options are not what it takes
 */
export function knownDevice(name: string, options: DeviceOptions, serial: number): DeviceDescription {
  const known = KNOWN_DEVICES[name];
  if (known === undefined) {
    throw new RangeError(`no device is called ${JSON.stringify(name)}; there are ${KNOWN_DEVICE_NAMES.join(", ")}`);
  }
  for (const [option, value] of Object.entries(options)) {
    const limits = known.options[option];
    if (limits === undefined) throw new RangeError(`${name} has no option ${JSON.stringify(option)}`);
    const [least, most] = limits;
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      throw new RangeError(`${option} of ${name} is a number from ${least} to ${most}, not ${JSON.stringify(value)}`);
    }
  }
  return known.make((option) => Number(options[option] ?? known.options[option]?.[2]), serial);
}

/** An EUI-64 from a MAC address: its company, FFFFh, its rest; the most significant byte in the upper register. */
function intelSerial(serial: number): SerialNumber {
  const rest = serial & 0xff_ffff;
  return { upper: ((INTEL_OUI << 8) | 0xff) >>> 0, lower: ((0xff << 24) | rest) >>> 0 };
}
