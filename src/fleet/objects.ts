import { z } from "zod";

export const API_VERSION = "vfleet.dev/v1alpha1";

/** What could not be observed is null, and `unknown` says why, field by field. */
const unknown = z.record(z.string(), z.string()).describe("why a field is null: it was not read; empty where all was");

const metadata = z.object({
  name: z
    .string()
    .describe("of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change"),
  host: z.string(),
  resourceVersion: z.string().describe("another one whenever the object has changed; opaque"),
});

function object<Kind extends string, Status extends z.ZodType>(kind: Kind, status: Status) {
  return z.object({ apiVersion: z.literal(API_VERSION), kind: z.literal(kind), metadata, status });
}

const netdev = z.object({
  name: z.string(),
  mac: z.string().nullable(),
  mtu: z.int().nullable(),
  up: z.boolean().nullable(),
  carrier: z.boolean().nullable(),
});

const user = z.object({
  kind: z.string().describe("the way of use, as vfio, namespace, mount"),
  who: z
    .record(z.string(), z.unknown())
    .describe("the user by all names that are known: pid, command, guest, claim, namespace"),
  evidence: z.string(),
});

export const HOST_SCHEMA = object(
  "Host",
  z.object({
    source: z.string().describe("linux, or model:FILE"),
    reachable: z.boolean(),
    problem: z.string().nullable().describe("why it could not be read the last time"),
    since: z.string().describe("since when it is reachable, or is not: ISO 8601"),
    intervalMs: z
      .number()
      .describe(
        "between two looks at it, if nothing tells of a change; while it cannot be read it is asked less often",
      ),
    hostId: z.string().nullable(),
    bootId: z.string().nullable(),
    physicalFunctions: z.int().nullable(),
    virtualFunctions: z.int().nullable(),
    offeredVfs: z.int().nullable().describe("what the drivers of its PFs allow in all, as far as it is known"),
    guests: z.int().nullable(),
    desired: z
      .enum(["nothing", "settled", "differs", "refused", "invalid"])
      .nullable()
      .describe("whether it is as its documents want it; invalid: a document is wrong; null while it is not known"),
    unknown,
  }),
);

export const PHYSICAL_FUNCTION_SCHEMA = object(
  "PhysicalFunction",
  z.object({
    key: z.string().describe("what the PF is known by when addresses move: its serial number or slot"),
    device: z.string().nullable().describe("vendor and device by name"),
    vendorId: z.int().nullable(),
    deviceId: z.int().nullable(),
    classCode: z.int().nullable(),
    driver: z.string().nullable().describe("null with no reason in unknown: none is bound"),
    numaNode: z.int().nullable(),
    netdevs: z.array(netdev).nullable(),
    nvmeController: z.string().nullable(),
    totalVfs: z.int().nullable(),
    driverLimit: z.int().nullable().describe("sriov_totalvfs"),
    numVfs: z.int().nullable(),
    eswitchMode: z.string().nullable(),
    carriesDefaultRoute: z.boolean().nullable(),
    users: z.array(user),
    notLookedAt: z.array(z.string()).describe("ways to be in use that could not be looked at"),
    unknown,
  }),
);

const count = z.number().nullable();
const counters = z.object({
  by: z.enum(["pf", "interface", "guest"]).describe("who has counted"),
  rxBytes: count,
  rxPackets: count,
  rxDropped: count,
  txBytes: count,
  txPackets: count,
  txDropped: count,
});

export const VIRTUAL_FUNCTION_SCHEMA = object(
  "VirtualFunction",
  z.object({
    pf: z.string(),
    vfIndex: z.int(),
    bdf: z.string().nullable().describe("null of a simulated PF, whose VFs are no functions"),
    driver: z.string().nullable(),
    netdevs: z.array(netdev).nullable(),
    iommuGroup: z.int().nullable(),
    settings: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe("what the PF's driver holds of it, counters included"),
    counters: counters
      .nullable()
      .describe(
        "what went through it; null where neither its PF's driver, nor its interface here, nor its guest has told",
      ),
    nvme: z
      .object({ queues: z.int(), interrupts: z.int(), online: z.boolean() })
      .nullable()
      .describe("of an NVMe secondary controller"),
    msixCount: z.int().nullable(),
    guest: z.string().nullable().describe("who has it: qemu:NAME, libvirt:NAME, netns:NAME, model:NAME"),
    users: z.array(user),
    notLookedAt: z.array(z.string()),
    unknown,
  }),
);

export const GUEST_SCHEMA = object(
  "Guest",
  z.object({
    address: z.string().describe("qemu:NAME, libvirt:NAME, netns:NAME, model:NAME"),
    uuid: z.string().nullable(),
    pid: z.int().nullable(),
    running: z.boolean(),
    devices: z.array(z.object({ bdf: z.string(), byVfleet: z.boolean() })),
    unreachable: z.string().nullable().describe("why no VF can be given to it; null where one can"),
  }),
);

export const OPERATION_SCHEMA = object(
  "Operation",
  z.object({
    number: z.int(),
    kind: z.string().describe("apply, set, attach, undo, ..."),
    title: z.string(),
    state: z.enum(["applying", "undoing", "settled", "undone", "stuck", "overtaken"]),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    pfs: z.array(z.string()),
    steps: z.int(),
    stepsDone: z.int(),
    current: z.object({ kind: z.string(), pf: z.string().nullable() }).nullable(),
    failure: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).nullable(),
  }),
);

export type HostObject = z.infer<typeof HOST_SCHEMA>;
type PhysicalFunctionObject = z.infer<typeof PHYSICAL_FUNCTION_SCHEMA>;
export type VirtualFunctionObject = z.infer<typeof VIRTUAL_FUNCTION_SCHEMA>;
type GuestObject = z.infer<typeof GUEST_SCHEMA>;
export type OperationObject = z.infer<typeof OPERATION_SCHEMA>;
export type ObservedObject =
  | HostObject
  | PhysicalFunctionObject
  | VirtualFunctionObject
  | GuestObject
  | OperationObject;
export type ObservedKind = ObservedObject["kind"];
export type ObjectOf<Kind extends ObservedKind> = Extract<ObservedObject, { readonly kind: Kind }>;

/** An object that was read, before it has its place among versions. */
export type Observation<Object extends ObservedObject = ObservedObject> = Object extends ObservedObject
  ? Pick<Object, "kind" | "status"> & { readonly name: string }
  : never;
