import { KernelError } from "./kernel-error.ts";
import type { PciDeviceId, PciDriver } from "./linux.ts";
import { cString } from "./parse-value.ts";
import type { PciDev } from "./pci-dev.ts";

const ANY = 0xffff_ffff;
/** What `pci_match_device` gives where an override alone decides. */
const ANY_ID: PciDeviceId = {};

/** What a driver takes: its table, and what it was taught. */
interface DriverIds {
  readonly driver: PciDriver;
  readonly dynamicIds: PciDeviceId[];
}

/** `new_id_store`, up to where it looks for devices. */
export function addId(ids: DriverIds, text: string): void {
  const numbers = scanHex(text, 7);
  const [vendor, device, subsystemVendor = ANY, subsystemDevice = ANY, classCode = 0, classMask = 0] = numbers;
  if (vendor === undefined || device === undefined) throw new KernelError("EINVAL");
  if (numbers.length !== 7) {
    const like = { vendor, device, subsystemVendor, subsystemDevice, classCode, driverOverride: undefined };
    if (matchId(ids, like) !== undefined) throw new KernelError("EEXIST");
  }
  // Only what the driver's table has may be given as driver_data, and the model's tables have 0 alone.
  if ((numbers[6] ?? 0) !== 0) throw new KernelError("EINVAL");
  ids.dynamicIds.push({ vendor, device, subsystemVendor, subsystemDevice, classCode, classMask });
}

/** `remove_id_store` */
export function removeId({ dynamicIds }: DriverIds, text: string): void {
  const [vendor, device, subsystemVendor = ANY, subsystemDevice = ANY, classCode = 0, mask = 0] = scanHex(text, 6);
  if (vendor === undefined || device === undefined) throw new KernelError("EINVAL");
  const at = dynamicIds.findIndex(
    (id) =>
      id.vendor === vendor &&
      id.device === device &&
      (subsystemVendor === ANY || id.subsystemVendor === subsystemVendor) &&
      (subsystemDevice === ANY || id.subsystemDevice === subsystemDevice) &&
      (((id.classCode ?? 0) ^ classCode) & mask) === 0,
  );
  if (at < 0) throw new KernelError("ENODEV");
  dynamicIds.splice(at, 1);
}

type Matched = Pick<
  PciDev,
  "vendor" | "device" | "subsystemVendor" | "subsystemDevice" | "classCode" | "driverOverride"
>;

/** `pci_match_device` */
export function matchId({ driver, dynamicIds }: DriverIds, dev: Matched): PciDeviceId | undefined {
  const { driverOverride } = dev;
  if (driverOverride !== undefined && driverOverride !== driver.name) return undefined;
  const found =
    dynamicIds.find((id) => matchOne(id, dev)) ??
    driver.ids.find((id) => matchOne(id, dev) && (id.overrideOnly !== true || driverOverride !== undefined));
  return found ?? (driverOverride === undefined ? undefined : ANY_ID);
}

/** `pci_match_one_device` */
function matchOne(id: PciDeviceId, dev: Matched): boolean {
  const { vendor = ANY, device = ANY, subsystemVendor = ANY, subsystemDevice = ANY, classCode = 0, classMask = 0 } = id;
  return (
    (vendor === ANY || vendor === dev.vendor) &&
    (device === ANY || device === dev.device) &&
    (subsystemVendor === ANY || subsystemVendor === dev.subsystemVendor) &&
    (subsystemDevice === ANY || subsystemDevice === dev.subsystemDevice) &&
    ((classCode ^ dev.classCode) & classMask) === 0
  );
}

/** `sscanf` with as many `%x`: blanks before a number, and 0x, are passed over; it ends where no number is. */
function scanHex(text: string, most: number): number[] {
  const found: number[] = [];
  let rest = cString(text);
  while (found.length < most) {
    const [all, digits] = /^\s*(?:0x)?([0-9a-f]+)/i.exec(rest) ?? [];
    if (all === undefined || digits === undefined) break;
    found.push(Number.parseInt(digits, 16) >>> 0);
    rest = rest.slice(all.length);
  }
  return found;
}
