import { readFileSync } from "node:fs";
import { PciIds } from "../pci/pci-ids.ts";

let loaded: PciIds | undefined;

/** The bundled names of vendors, devices and classes; read at the first use. */
export function pciIds(): PciIds {
  loaded ??= new PciIds(readFileSync(packageFile("data/pci.ids"), "latin1"));
  return loaded;
}

/** A file of the package, which is two folders up from here as source, and from the built file alike. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}

/** The package's own version. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string }).version;
}

/** `Intel Corporation 82576 Gigabit Network Connection`, or the IDs where the names are not known. */
export function deviceName(vendorId: number | undefined, deviceId: number | undefined): string {
  if (vendorId === undefined || deviceId === undefined) return "unknown device";
  const ids = pciIds();
  const vendor = ids.vendor(vendorId) ?? `vendor ${vendorId.toString(16).padStart(4, "0")}`;
  return `${vendor} ${ids.device(vendorId, deviceId) ?? `device ${deviceId.toString(16).padStart(4, "0")}`}`;
}

/** Vendor names without the words that make them long, for tables. */
export function shortDeviceName(vendorId: number | undefined, deviceId: number | undefined): string {
  return deviceName(vendorId, deviceId)
    .replace(
      /\b(?:Corporation|Technologies|Technology|Corp\.?|Co\.|Inc\.?|Ltd\.?|Limited|Electronics|Semiconductors?|Group|Systems)(?=[ ,]),? ?/g,
      "",
    )
    .replace(/,(?= )/g, "");
}
