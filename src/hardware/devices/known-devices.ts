import type { DeviceDescription } from "../device-description.ts";
import { intel82576 } from "./intel-82576.ts";

/** What may be said of a device where it is put into a machine. */
export type DeviceOptions = Readonly<Record<string, number | string | boolean>>;

/** Makes the devices that go by a name. */
export const KNOWN_DEVICES: Readonly<Record<string, (options: DeviceOptions) => DeviceDescription>> = {
  "82576": ({ ports = 1 }) => intel82576(Number(ports)),
};
