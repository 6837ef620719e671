import { isUnread, type Kernel, type Observed, type Unread, unread } from "../kernel/port.ts";
import type { Bdf } from "../pci/bdf.ts";
import { isSimulated, type PfAddress } from "./pf-address.ts";

/** The folder of a function, or of a device of netdevsim, in sysfs. */
export function sysfsPath(address: PfAddress, attribute = ""): string {
  const bus = isSimulated(address) ? "netdevsim" : "pci";
  return `/sys/bus/${bus}/devices/${address}${attribute === "" ? "" : `/${attribute}`}`;
}

const decoder = new TextDecoder();

/** A text attribute without its trailing newline. */
export async function readText(kernel: Kernel, path: string): Promise<Observed<string>> {
  const bytes = await kernel.read(path);
  return isUnread(bytes) ? bytes : decoder.decode(bytes).replace(/\n$/, "");
}

/** A number in decimal or, after 0x, hexadecimal; anything else is unread with the text as the reason. */
export async function readNumber(kernel: Kernel, path: string): Promise<Observed<number>> {
  const text = await readText(kernel, path);
  if (isUnread(text)) return text;
  const value = /^(-?\d+|0x[0-9a-f]+)$/i.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value)
    ? value
    : unread(path, "EINVAL", `it reads ${JSON.stringify(text.slice(0, 40))}, which is no number`);
}

/** The last part of where a link points: a driver's name, a group's number. */
export async function readLinkName(kernel: Kernel, path: string): Promise<Observed<string>> {
  const target = await kernel.readLink(path);
  return isUnread(target) ? target : (target.split("/").at(-1) ?? target);
}

/** True where a path is known to be absent, as against not readable. */
export function isAbsent(value: unknown): value is Unread {
  return isUnread(value) && value.errno === "ENOENT";
}

/** null where there is none: `driver_override_show` prints a null pointer. */
export async function readDriverOverride(kernel: Kernel, bdf: Bdf): Promise<Observed<string | null>> {
  const text = await readText(kernel, sysfsPath(bdf, "driver_override"));
  return isUnread(text) ? text : text === "(null)" || text === "" ? null : text;
}
