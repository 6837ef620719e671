import { z } from "zod";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import { FUNCTION_KINDS } from "../../host/topology.ts";
import { bdf } from "../../pci/bdf.ts";
import { readAllocations } from "../../state/desired-folder.ts";
import type { HostReader } from "../host-reader.ts";
import { hostNamed, type ManagedHost } from "../managed-host.ts";
import { API_PATH, type Api } from "./api.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const NAME = z.string().min(1).max(256);
const ADDRESS = z.string().min(1).max(64).describe("as 0000:01:00.0; the domain may be left out");
const MOST_VFS = 65_535;
const UNKNOWN = z.record(z.string(), z.string()).describe("why a field is null: it was not read; empty where all was");
const ERRORS = {
  400: PROBLEM_SCHEMA,
  401: PROBLEM_SCHEMA,
  403: PROBLEM_SCHEMA,
  404: PROBLEM_SCHEMA,
  503: PROBLEM_SCHEMA,
};
const HOST = z.strictObject({ host: NAME });

const PLACED = z.object({
  bdf: z.string(),
  parent: z.string().nullable().describe("the bridge above; null on a root bus"),
  kind: z.enum(FUNCTION_KINDS),
  name: z.string().nullable().describe("the interface or controller that a driver made of it"),
  device: z.string().nullable().describe("vendor and device by name"),
  driver: z.string().nullable(),
  numaNode: z.int().nullable(),
  iommuGroup: z.int().nullable(),
  link: z
    .object({ speed: z.number(), width: z.int(), maxSpeed: z.number(), maxWidth: z.int() })
    .nullable()
    .describe("GT/s and lanes; null where it has none, as a VF"),
  pf: z.string().optional().describe("of a VF"),
  vfIndex: z.int().optional(),
  unknown: UNKNOWN,
});

const FUNCTION = z
  .looseObject({
    bdf: z.string(),
    vendorId: z.int().nullable(),
    deviceId: z.int().nullable(),
    name: z.string().nullable(),
    driver: z.string().nullable(),
    iommuGroup: z.int().nullable(),
    numaNode: z.int().nullable(),
    parent: z.string().nullable(),
    physfn: z.string().optional(),
    vfIndex: z.int().optional(),
    groupMembers: z.array(z.string()).nullable(),
    resources: z.array(z.looseObject({ index: z.int() })).nullable(),
    settings: z.looseObject({ vfIndex: z.int() }).nullable().optional(),
    devices: z.object({
      net: z.array(z.string()).nullable(),
      nvme: z.array(z.string()).nullable(),
      rdma: z.array(z.string()).nullable(),
      drm: z.array(z.string()).nullable(),
      unknown: UNKNOWN,
    }),
    netDevices: z.array(z.looseObject({ name: z.string(), unknown: UNKNOWN })),
    attributes: z.array(z.object({ name: z.string(), value: z.string().nullable(), unknown: UNKNOWN })),
    registers: z.looseObject({
      capabilities: z.array(z.looseObject({})),
      extendedCapabilities: z.array(z.looseObject({})),
      problems: z.array(z.looseObject({})),
    }),
    config: z.string().describe("its configuration space, byte by byte in hexadecimal; -- where one was not read"),
    unknown: UNKNOWN,
  })
  .describe("as vfleet show --json has it");

const PREFLIGHT = z
  .object({
    bdf: z.string(),
    count: z.int(),
    asked: z.int().nullable(),
    use: z.string().nullable(),
    largest: z.int().nullable(),
    verdict: z.enum(["pass", "warn", "refuse", "unknown"]),
    findings: z.array(
      z.object({
        check: z.string(),
        code: z.string(),
        result: z.enum(["pass", "warn", "refuse", "unknown"]),
        summary: z.string(),
        evidence: z.array(z.object({ fact: z.string(), from: z.string().optional() })),
        remedy: z.string().optional(),
        largest: z.int().optional(),
        errno: z.string().optional(),
      }),
    ),
  })
  .describe("as vfleet preflight --json has it");

const CLAIM = z.object({
  claim: z.string(),
  guest: z.string().nullable(),
  lifetime: z.string().nullable().describe("null: until it is released"),
  guestSeen: z.boolean(),
  pfKey: z.string(),
  pf: z.string().nullable().describe("the PF of that key; null while none was seen"),
  vfIndex: z.int(),
  mac: z.string().nullable().describe("that the VF has by the claim; null where it has none of its own"),
});

/** What is read of a host when it is asked for: more than is kept of it in objects. */
export function readingRoutes(
  api: Api,
  cache: ObjectCache,
  hosts: readonly ManagedHost[],
  readers: ReadonlyMap<string, HostReader>,
): void {
  const readerOf = (host: string) => readers.get(hostNamed(hosts, host).name) as HostReader;

  api.get(`${API_PATH}/hosts/:host/topology`, {
    config: { access: "viewer" },
    schema: {
      summary: "all PCI functions of a host in their places",
      params: HOST,
      response: { 200: z.object({ functions: z.array(PLACED) }), ...ERRORS },
    },
    handler: async ({ params: { host } }) => ({ functions: [...(await readerOf(host).topology())] }),
  });
  api.get(`${API_PATH}/hosts/:host/functions/:bdf`, {
    config: { access: "viewer" },
    schema: {
      summary: "all of one function, as its host and as its registers have it",
      params: z.strictObject({ host: NAME, bdf: ADDRESS }),
      response: { 200: FUNCTION, ...ERRORS },
    },
    handler: async ({ params }) => (await readerOf(params.host).function(bdf(params.bdf))) as never,
  });
  api.get(`${API_PATH}/hosts/:host/preflights`, {
    config: { access: "viewer" },
    schema: {
      summary: "whether VFs can be made, and what stands in the way",
      params: HOST,
      querystring: z.strictObject({
        pf: ADDRESS.optional().describe("of one PF; of all where left out"),
        vfs: z.coerce.number().int().min(0).max(MOST_VFS).optional().describe("as many as there can be where left out"),
      }),
      response: { 200: z.object({ items: z.array(PREFLIGHT) }), ...ERRORS },
    },
    handler: async ({ params: { host }, query: { pf, vfs } }) => ({
      items: (await readerOf(host).preflights(pf === undefined ? undefined : bdf(pf), vfs)) as never,
    }),
  });
  api.get(`${API_PATH}/hosts/:host/claims`, {
    config: { access: "viewer" },
    schema: {
      summary: "which VFs claims have, as it is kept",
      params: HOST,
      response: { 200: z.object({ items: z.array(CLAIM) }), ...ERRORS },
    },
    handler: async ({ params: { host } }) => ({ items: await claimsOf(cache, hostNamed(hosts, host)) }),
  });
  api.get(`${API_PATH}/hosts/:host/capture`, {
    config: { access: "viewer" },
    schema: {
      summary: "what vfleet reads of a host, as an archive that any vfleet can read: vfleet scan --source FILE",
      params: HOST,
      querystring: z.strictObject({
        anonymise: z.stringbool().default(false).describe("leave out serial numbers, addresses, host names"),
      }),
      response: { 200: { content: { "application/gzip": { schema: z.file() } } }, ...ERRORS },
    },
    handler: async ({ params: { host }, query: { anonymise } }, reply) => {
      const archive = await readerOf(host).capture(anonymise);
      const name = host.replace(/[^\w.-]/g, "_");
      reply.type("application/gzip").header("content-disposition", `attachment; filename="${name}.tar.gz"`);
      return reply.send(archive as never);
    },
  });
}

async function claimsOf(cache: ObjectCache, { name, setting }: ManagedHost): Promise<z.infer<typeof CLAIM>[]> {
  const pfs = new Map<string, string>();
  for (const { status, metadata } of cache.all("PhysicalFunction", name)) pfs.set(status.key, metadata.name);
  const kept = await readAllocations(setting.folders.state);
  return kept.map(({ claim, guest = null, lifetime = null, guestSeen = false, pfKey, vfIndex, mac }) => {
    return { claim, guest, lifetime, guestSeen, pfKey, pf: pfs.get(pfKey) ?? null, vfIndex, mac };
  });
}
