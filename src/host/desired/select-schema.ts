import { z } from "zod";
import { optional } from "./field-docs.ts";
import { bdfPattern, pattern, pciId, vendorId } from "./text-schemas.ts";

/** Kinds of devices, by class and subclass of the class code (PCI Code and ID Assignment 1.16, §1). */
export const DEVICE_CLASSES = {
  storage: [0x01],
  network: [0x02],
  display: [0x03],
  /** 0B40h: co-processor, as Intel QuickAssist has it. */
  accelerator: [0x12, 0x0b40],
  crypto: [0x10],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type DeviceClass = keyof typeof DEVICE_CLASSES;

const CLASS_NAMES = Object.keys(DEVICE_CLASSES) as [DeviceClass, ...DeviceClass[]];

/** Which PFs. */
export const selectSchema = z
  .strictObject({
    bdf: optional(bdfPattern, {
      type: "PCI address, * for any",
      description: "The PF's address. It may change when cards are put in or taken out; serial and slot stay.",
      example: 'bdf: "0000:3b:00.0"',
    }),
    vendor: optional(vendorId, {
      type: 'text: four hexadecimal digits, or "vendor:device"',
      description: "The Vendor ID, or Vendor ID and Device ID, in hexadecimal and in quotes.",
      example: 'vendor: "8086:10c9"',
    }),
    device: optional(pciId, {
      type: "text: four hexadecimal digits",
      description: "The Device ID in hexadecimal, in quotes: YAML takes 1521 or 10e9 for a number.",
      example: 'device: "10c9"',
    }),
    driver: optional(pattern, {
      type: "text, * for any",
      description: "The driver that is bound to the PF.",
      example: "driver: igb",
    }),
    netdev: optional(pattern, {
      type: "text, * for any",
      description: "The name of a network interface of the PF. Names may change; serial and slot stay.",
      example: "netdev: ens1f*",
    }),
    serial: optional(pattern, {
      type: "text, * for any",
      description: "The card's serial number (Device Serial Number capability). All functions of a card have the same.",
      example: "serial: 00-1b-21-ff-ff-aa-bb-cc",
    }),
    slot: optional(pattern, {
      type: "text, * for any",
      description: "Where the PF is plugged in: device and function numbers from the root bus on.",
      example: "slot: 0000:00/1c.4/00.*",
    }),
    numaNode: optional(z.int().min(0).max(1023), {
      description: "The NUMA node that the PF is at.",
      example: "numaNode: 0",
    }),
    class: optional(z.enum(CLASS_NAMES), {
      description: "The kind of device, by its class code.",
      example: "class: network",
    }),
    link: optional(z.enum(["up", "down"]), {
      description: "up: an interface of the PF has a carrier. down: it has interfaces, and none has one.",
      example: "link: up",
    }),
    match: optional(
      z.union([z.enum(["all", "any"]), z.int().min(1).max(0xffff)], {
        error: "all, any or a number of PFs was expected",
      }),
      {
        type: "all, any, or a number",
        description:
          "How many PFs the other keys must find. all: each that fits, one at least. any: each that fits, be there none, for one file for several hosts. A number: exactly so many, as a check.",
        default: "all",
        example: "match: 2",
      },
    ),
  })
  .superRefine(({ match: _match, ...keys }, context) => {
    if (Object.values(keys).every((value) => value === undefined)) {
      const message = "a key that says which PFs was expected, as driver: igb or class: network";
      context.addIssue({ code: "custom", message });
    }
    if (keys.vendor?.device !== undefined && keys.device !== undefined) {
      context.addIssue({ code: "custom", path: ["device"], message: "vendor names the device already" });
    }
  });

export type Select = z.infer<typeof selectSchema>;
