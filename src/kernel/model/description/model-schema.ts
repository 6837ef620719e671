import { z } from "zod";
import { KNOWN_DEVICE_NAMES, knownDevice } from "../../../hardware/devices/known-devices.ts";
import { nearMiss } from "../../../yaml/near-miss.ts";
import { KNOWN_MODULES } from "../known-modules.ts";

const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const LEAST_MEMORY = 2 ** 20;
/** Below the bus addresses for BARs. */
const MOST_MEMORY = 3 * 2 ** 30;
const LANES = [1, 2, 4, 8, 12, 16, 32] as const;
const GENERATIONS = [1, 2, 3, 4, 5, 6] as const;
const MODULE_NAMES = KNOWN_MODULES.map(({ name }) => name);

/** Bytes, as a number or as `512MiB`. */
const memory = z
  .union([z.int(), z.string()], { error: "a size as 512MiB or 2GiB was expected" })
  .transform((value, context) => {
    const bytes = typeof value === "number" ? value : sizeInBytes(value);
    if (bytes !== undefined && bytes >= LEAST_MEMORY && bytes <= MOST_MEMORY && bytes % 4096 === 0) return bytes;
    context.addIssue({ code: "custom", message: "a size from 1MiB to 3GiB, in whole pages, was expected" });
    return z.NEVER;
  });

function sizeInBytes(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+)\s*(KiB|MiB|GiB)$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? Number.NaN);
}

/** `82576` is a number to YAML. */
const deviceName = z.preprocess((value) => (typeof value === "number" ? String(value) : value), z.string());
const optionValue = z.union([z.number(), z.string(), z.boolean()], {
  error: "a number, text, true or false was expected",
});

const deviceKeys = {
  device: deviceName,
  /** How messages and faults call it. */
  name: z.string().min(1).max(64).optional(),
  options: z.record(z.string(), optionValue).optional(),
};

interface DeviceKeys {
  readonly device?: string | undefined;
  readonly options?: Readonly<Record<string, number | string | boolean>> | undefined;
}

function checkDevice({ device, options = {} }: DeviceKeys, context: z.RefinementCtx): void {
  if (device === undefined) return;
  if (!KNOWN_DEVICE_NAMES.includes(device)) {
    const meant = nearMiss(device, KNOWN_DEVICE_NAMES);
    const hint = meant === undefined ? `there are ${KNOWN_DEVICE_NAMES.join(", ")}` : `did you mean ${meant}?`;
    context.addIssue({ code: "custom", path: ["device"], message: `no device is called ${device}; ${hint}` });
    return;
  }
  for (const [option, value] of Object.entries(options)) {
    try {
      knownDevice(device, { [option]: value }, 0);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: "custom", path: ["options", option], message: error.message });
    }
  }
}

const portKeys = {
  /** On its bus; the next free one where left out. */
  device: z.int().min(0).max(31).optional(),
  function: z.int().min(0).max(7).optional(),
  acs: z.boolean().optional(),
  ari: z.boolean().optional(),
  link: z.strictObject({ generation: z.literal(GENERATIONS), width: z.literal(LANES) }).optional(),
  slot: z
    .strictObject({
      number: z.int().min(0).max(8191),
      hotPlug: z.boolean().optional(),
      surprise: z.boolean().optional(),
    })
    .optional(),
};

const endpoint = z.strictObject(deviceKeys).superRefine(checkDevice);
/** Ports of a switch below a port of a switch: as deep as buses are. */
const switchPort: z.ZodType<SwitchPort> = z.lazy(() => z.strictObject({ ...portKeys, below: below.optional() }));
const below = z
  .strictObject({
    ...deviceKeys,
    device: deviceName.optional(),
    switch: z
      .strictObject({ name: z.string().min(1).max(64).optional(), ports: z.array(switchPort).min(1).max(32) })
      .optional(),
  })
  .superRefine(checkDevice)
  .superRefine((entry, context) => {
    const { device, name, options, switch: inside } = entry;
    if ((device === undefined) === (inside === undefined)) {
      context.addIssue({ code: "custom", message: "either a device or a switch was expected" });
    } else if (inside !== undefined && (name !== undefined || options !== undefined)) {
      context.addIssue({ code: "custom", message: "name and options belong to a device" });
    }
  });

type PortKeys = z.infer<z.ZodObject<typeof portKeys>>;

interface SwitchPort extends PortKeys {
  readonly below?: z.infer<typeof below> | undefined;
}

const rootEntry = z
  .strictObject({
    rootPort: z.strictObject({ ...portKeys, below: below.optional() }).optional(),
    integrated: endpoint.safeExtend({ at: z.int().min(1).max(31).optional() }).optional(),
  })
  .superRefine(({ rootPort, integrated }, context) => {
    if ((rootPort === undefined) === (integrated === undefined)) {
      context.addIssue({ code: "custom", message: "either rootPort or integrated was expected" });
    }
  });

const moduleName = z.string().superRefine((name, context) => {
  const known = name.replaceAll("-", "_");
  if (MODULE_NAMES.includes(known)) return;
  const meant = nearMiss(known, MODULE_NAMES);
  const hint = meant === undefined ? `there are ${MODULE_NAMES.join(", ")}` : `did you mean ${meant}?`;
  context.addIssue({ code: "custom", message: `no module is called ${name}; ${hint}` });
});

const GUEST_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/;

/** A model in YAML. */
export const MODEL_SCHEMA = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1alpha1"),
  kind: z.literal("Model"),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, "lower case letters, digits and - were expected"),
  }),
  spec: z.strictObject({
    memory: memory.default(2 ** 30),
    seed: z.int().min(0).max(0xffff_ffff).optional(),
    iommu: z.strictObject({ interruptRemapping: z.boolean() }).optional(),
    kernel: z
      .strictObject({
        parameters: z
          .string()
          .max(2048)
          .regex(/^[\x20-\x7e]*$/, "printable ASCII was expected")
          .optional(),
        modules: z.array(moduleName).max(64).optional(),
      })
      .optional(),
    root: z.array(rootEntry).min(1).max(31),
    guests: z
      .array(
        z.strictObject({
          name: z.string().regex(GUEST_NAME, "letters, digits, - and . were expected"),
          memoryMib: z.int().min(1).max(1_048_576).default(512),
        }),
      )
      .max(256)
      .superRefine((guests, context) => {
        for (const [index, { name }] of guests.entries()) {
          if (guests.findIndex((each) => each.name === name) === index) continue;
          context.addIssue({ code: "custom", path: [index, "name"], message: `another guest is called ${name}` });
        }
      })
      .optional(),
  }),
});

export type ModelFile = z.infer<typeof MODEL_SCHEMA>;
export type BelowPort = z.infer<typeof below>;
export type ModelPort = SwitchPort;
