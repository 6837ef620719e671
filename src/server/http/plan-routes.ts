import { z } from "zod";
import { CHANGE_REQUEST } from "../../fleet/changes/change-request.ts";
import type { PlanDesk, PlanEntry } from "../plan-desk.ts";
import { API_PATH, type Api } from "./api.ts";
import { inOrder } from "./in-order.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const NAME = z.string().min(1).max(256);

const REFUSAL = z.looseObject({ code: z.string(), summary: z.string(), remedy: z.string() });
const PLAN = z.object({
  id: z.string(),
  host: z.string(),
  kind: z.string(),
  title: z.string(),
  verdict: z.enum(["refused", "settled", "changes"]),
  expiresAt: z.string(),
  plan: z
    .looseObject({
      refusals: z.array(REFUSAL),
      pfs: z.array(
        z.looseObject({
          pf: z.string(),
          refusals: z.array(REFUSAL),
          warnings: z.array(REFUSAL),
          steps: z.array(z.looseObject({ kind: z.string() })),
          resetsAllVfs: z.boolean(),
          affected: z.array(z.looseObject({ vfIndex: z.int(), how: z.string() })),
          expectedMs: z.number(),
        }),
      ),
    })
    .describe("as vfleet plan --json has it; of a move it has no PFs"),
  migration: z
    .looseObject({
      checks: z.array(
        z.looseObject({ check: z.string(), result: z.enum(["ok", "refused", "unknown"]), summary: z.string() }),
      ),
      move: z.looseObject({ method: z.string(), guest: z.string(), destination: z.string() }).nullable(),
    })
    .nullable()
    .describe("of a move, as vfleet migrate --json has it; move is null where the guest cannot be moved"),
  ended: z
    .array(z.looseObject({ claim: z.string(), why: z.string() }))
    .describe("claims whose time is over: what they have stays reserved until it is released"),
  keeps: z.array(z.string()).describe("files of the host that are written once it was done"),
});
const ERRORS = { 400: PROBLEM_SCHEMA, 401: PROBLEM_SCHEMA, 403: PROBLEM_SCHEMA, 404: PROBLEM_SCHEMA };

/** A plan is a resource: it is made, looked at, and done as it was shown, or not at all. */
export function planRoutes(api: Api, desk: PlanDesk): void {
  api.post(`${API_PATH}/hosts/:host/plans`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: {
      summary: "what would be done, and to whom; writes nothing",
      params: z.strictObject({ host: NAME }),
      body: CHANGE_REQUEST,
      response: { 201: PLAN, 409: PROBLEM_SCHEMA, 412: PROBLEM_SCHEMA, ...ERRORS },
    },
    handler: async (request, reply) => {
      const { params, body, holder } = request;
      const entry = await desk.make(params.host, body, holder?.name ?? "");
      request.change = { host: entry.host, kind: entry.kind, operation: null };
      reply.code(201);
      return shown(entry);
    },
  });
  api.get(`${API_PATH}/plans/:id`, {
    config: { access: "viewer" },
    serializerCompiler: inOrder,
    schema: {
      summary: "a plan that was made",
      params: z.strictObject({ id: NAME }),
      response: { 200: PLAN, ...ERRORS },
    },
    handler: ({ params: { id } }) => shown(desk.get(id)),
  });
  api.post(`${API_PATH}/plans/:id/apply`, {
    config: { access: "operator" },
    schema: {
      summary: "do exactly that plan; refused where the host has moved",
      params: z.strictObject({ id: NAME }),
      response: {
        202: z.object({
          operation: z
            .int()
            .nullable()
            .describe("watch it as an object, or read it; null where nothing had to be done"),
        }),
        409: PROBLEM_SCHEMA,
        503: PROBLEM_SCHEMA,
        ...ERRORS,
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const { host, kind } = desk.get(id);
      request.change = { host, kind, operation: null };
      const operation = await desk.apply(id);
      request.change = { host, kind, operation };
      reply.code(202);
      return { operation };
    },
  });
}

function shown(entry: PlanEntry): z.infer<typeof PLAN> {
  return JSON.parse(JSON.stringify(entry)) as z.infer<typeof PLAN>;
}
