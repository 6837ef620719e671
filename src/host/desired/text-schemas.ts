import { z } from "zod";
import { parseBdf } from "../../pci/bdf.ts";
import { isMulticast } from "./mac-addresses.ts";
import { parseVfRange, type VfRange } from "./vf-range.ts";

/** Text in short: names, addresses, patterns. */
const text = z.string().min(1).max(256);

/** Of an object: as Kubernetes has it (RFC 1123). */
export const objectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "lower case letters, digits and - were expected, as tenant-net");

/** Of a pool, a guest: printable, no blanks. */
export const plainName = z
  .string()
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9._:]{0,126}[A-Za-z0-9])?$/, "letters, digits, - . _ and : were expected");

/** Text in which `*` stands for any characters. */
export const pattern = text.regex(/^[\x21-\x7e]+$/, "printable characters without blanks were expected");

const BDF_PATTERN = /^(?:[0-9a-f*]{1,8}:)?[0-9a-f*]{1,2}:[0-9a-f*]{1,2}\.[0-7*]$/i;

/** A PCI address, or one with `*` in it, with its domain. */
export const bdfPattern = text.transform((value, context) => {
  const address = parseBdf(value);
  if (address !== undefined) return String(address);
  if (value.includes("*") && BDF_PATTERN.test(value)) {
    return (value.split(":").length === 2 ? `0000:${value}` : value).toLowerCase();
  }
  context.addIssue({ code: "custom", message: "a PCI address as 0000:3b:00.0, or 0000:3b:00.*, was expected" });
  return z.NEVER;
});

/** A PCI address. */
export const pciAddress = text.transform((value, context) => {
  const address = parseBdf(value);
  if (address !== undefined) return address;
  context.addIssue({ code: "custom", message: "a PCI address as 0000:3b:00.0 was expected" });
  return z.NEVER;
});

const ID = /^(?:0x)?([0-9a-f]{4})$/i;
const IDS = /^(?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4})$/i;

/** `"10c9"`, in hexadecimal. */
export const pciId = text.transform((value, context) => {
  const id = ID.exec(value)?.[1];
  if (id !== undefined) return Number.parseInt(id, 16);
  context.addIssue({ code: "custom", message: 'four hexadecimal digits in quotes, as "10c9", were expected' });
  return z.NEVER;
});

/** `"8086"`, or with the device `"8086:10c9"`. */
export const vendorId = text.transform((value, context): { vendor: number; device?: number } => {
  const [, vendor, device] = IDS.exec(value) ?? ID.exec(value) ?? [];
  if (vendor !== undefined) {
    const id = { vendor: Number.parseInt(vendor, 16) };
    return device === undefined ? id : { ...id, device: Number.parseInt(device, 16) };
  }
  context.addIssue({
    code: "custom",
    message: 'four hexadecimal digits in quotes, as "8086", or with the device, "8086:10c9", were expected',
  });
  return z.NEVER;
});

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const GUID = /^[0-9a-f]{2}(?::[0-9a-f]{2}){7}$/i;

/** What a MAC address may be besides an address. */
const MAC_WORDS: ReadonlySet<unknown> = new Set(["auto", "random", "keep"]);

export function isMacWord(value: unknown): boolean {
  return MAC_WORDS.has(value);
}

export const macWish = text.transform((value, context) => {
  if (isMacWord(value)) return value;
  const mac = macOf(value, "auto, random, keep or a MAC address as 52:54:00:00:00:01 was expected");
  if ("mac" in mac) return mac.mac;
  context.addIssue({ code: "custom", message: mac.wrong });
  return z.NEVER;
});

/** Of one interface. */
export const macAddress = text.transform((value, context) => {
  const mac = macOf(value, "a MAC address as 52:54:00:00:00:01 was expected");
  if ("mac" in mac) return mac.mac;
  context.addIssue({ code: "custom", message: mac.wrong });
  return z.NEVER;
});

function macOf(value: string, expected: string): { readonly mac: string } | { readonly wrong: string } {
  const mac = value.toLowerCase().replaceAll("-", ":");
  if (!MAC.test(mac)) return { wrong: expected };
  if (!isMulticast(mac)) return { mac };
  return { wrong: `${value} is a multicast address (bit 0 of its first octet is set), which no interface may have` };
}

export const guid = text.regex(GUID, "an EUI-64 as 00:11:22:33:44:55:66:77 was expected").toLowerCase();

/** A driver as its folder in /sys/bus/pci/drivers is called. */
export const driverName = text.superRefine((value, context) => {
  if (/^vfio[_ ]?pci$/i.test(value)) {
    return context.addIssue({ code: "custom", message: `no driver is called ${value}; did you mean vfio-pci?` });
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(value)) {
    context.addIssue({ code: "custom", message: "default, none, vfio or a driver's name, as vfio-pci, was expected" });
  }
});

const RANGE = { error: 'VFs as 3, 0-3, "0-1,4" or 4- (to the last) were expected' };

export const vfRange = z.union([z.int().min(0), z.string().max(1024)], RANGE).transform((value, context): VfRange => {
  const range = parseVfRange(String(value));
  if (typeof range !== "string") return range;
  context.addIssue({ code: "custom", message: range });
  return z.NEVER;
});

const COUNT = "a whole number, max, or a share as 50% was expected";

/** How many VFs: a number, `max`, or a share of what the driver offers. */
export type NumVfsWish = number | "max" | { readonly percent: number };

export const numVfsWish = z
  .union([z.int().min(0).max(0xffff), z.string().max(16)], { error: COUNT })
  .transform((value, context): NumVfsWish => {
    if (typeof value === "number" || value === "max") return value;
    const percent = Number(/^(\d{1,3})\s?%$/.exec(value)?.[1] ?? Number.NaN);
    if (percent >= 1 && percent <= 100) return { percent };
    context.addIssue({ code: "custom", message: Number.isNaN(percent) ? COUNT : "a share goes from 1% to 100%" });
    return z.NEVER;
  });
