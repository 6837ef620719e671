import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { FILES } from "../../fleet/changes/change-request.ts";
import { settingOf } from "../../fleet/host-setting.ts";
import { LocalHost } from "../../fleet/local-host.ts";
import { hostNamed, type ManagedHost } from "../managed-host.ts";
import type { PlanDesk } from "../plan-desk.ts";
import { API_PATH, type Api } from "./api.ts";
import { inOrder } from "./in-order.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const NAME = z.string().min(1).max(256);
const PARAMS = z.strictObject({ host: NAME });
const OPERATION = z.looseObject({
  number: z.int(),
  state: z.string(),
  events: z.array(z.looseObject({ event: z.string() })),
});
const STATE = z
  .looseObject({ pfs: z.array(z.looseObject({ bdf: z.string(), vfs: z.array(z.looseObject({ vfIndex: z.int() })) })) })
  .describe("what plans are made from; what could not be read is {kind: unread, path, errno, reason} in its place");
const DAMAGED = z
  .array(z.object({ code: z.string(), message: z.string(), remedy: z.string() }))
  .describe("records that cannot be read, and are left out");
const STATUS = z
  .object({
    unfinished: z.array(OPERATION),
    damaged: DAMAGED,
    ended: z.array(z.looseObject({ claim: z.string(), why: z.string() })),
    plan: z.looseObject({ pfs: z.array(z.looseObject({ pf: z.string() })) }).nullable(),
    state: STATE,
  })
  .describe("as vfleet status --json has it; plan is null where nothing is wanted");
const ERRORS = {
  400: PROBLEM_SCHEMA,
  401: PROBLEM_SCHEMA,
  403: PROBLEM_SCHEMA,
  404: PROBLEM_SCHEMA,
  409: PROBLEM_SCHEMA,
};

/** What commands ask a server for, so that they say what they would say at the host itself. Hosts are read anew. */
export function commandRoutes(api: Api, hosts: readonly ManagedHost[], desk: PlanDesk): void {
  const open = async (name: string) => new LocalHost(await settingOf(hostNamed(hosts, name).setting));

  api.get(`${API_PATH}/hosts/:host/state`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: { summary: "a host as it is read now", params: PARAMS, response: { 200: STATE, ...ERRORS } },
    handler: async ({ params: { host } }) => plain(await (await open(host)).look()),
  });
  api.post(`${API_PATH}/hosts/:host/status`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: {
      summary:
        "how a host stands to what files want; where they are left out, to what is kept as wanted. Writes nothing",
      params: PARAMS,
      body: z.strictObject({ files: FILES.optional() }),
      response: { 200: STATUS, ...ERRORS },
    },
    handler: async ({ params: { host }, body: { files } }) => {
      const status = await (await open(host)).status(files);
      return plain({ ...status, damaged: status.damaged.map(told) });
    },
  });
  const RECORDS = z.object({ operations: z.array(OPERATION), damaged: DAMAGED });
  api.get(`${API_PATH}/hosts/:host/records`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: {
      summary: "all operations of a host as they are written down, the oldest first",
      params: PARAMS,
      response: { 200: RECORDS, ...ERRORS },
    },
    handler: async ({ params: { host } }) => {
      const { operations, damaged } = await (await open(host)).operations();
      return plain({ operations, damaged: damaged.map(told) });
    },
  });
  api.post(`${API_PATH}/hosts/:host/recover`, {
    config: { access: "operator" },
    serializerCompiler: inOrder,
    schema: {
      summary: "end operations that a crash has cut off, by what the hardware shows",
      params: PARAMS,
      body: z.strictObject({ stuck: z.boolean().optional().describe("try those that are stuck, too") }),
      response: { 200: RECORDS, ...ERRORS },
    },
    handler: async ({ params: { host }, body: { stuck = false } }) => {
      const { operations, damaged } = await (await open(host)).recover({ stuck });
      await hostNamed(hosts, host).watched.lookNow();
      return plain({ operations, damaged: damaged.map(told) });
    },
  });
  api.post(`${API_PATH}/hosts/:host/operations/:number/stop`, {
    config: { access: "operator" },
    serializerCompiler: inOrder,
    schema: {
      summary: "end an operation at its next step, and take it back; it must be this server's own",
      params: z.strictObject({ host: NAME, number: z.coerce.number().int().min(1).max(999_999_999) }),
      response: { 202: z.null(), ...ERRORS },
    },
    handler: async ({ params: { host, number } }, reply) => {
      hostNamed(hosts, host);
      if (!desk.stop(host, number)) {
        throw new VfleetError("VFL-0504", { message: `the server is at work at no operation ${number} of ${host}` });
      }
      reply.code(202);
      return null;
    },
  });
}

function told({ code, message, remedy }: VfleetError): z.infer<typeof DAMAGED>[number] {
  return { code, message, remedy };
}

/** What the schema says of it is less than its type does. */
function plain<Shape>(value: unknown): Shape {
  return value as Shape;
}
