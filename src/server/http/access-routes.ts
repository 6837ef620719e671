import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { ROLE_SCHEMA } from "../access/role.ts";
import { isTokenName, type TokenHolder, type TokenStore } from "../access/token-store.ts";
import { API_PATH, type Api } from "./api.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const TOKEN_NAME = z.string().refine(isTokenName, "lower case letters, digits, - and .");
const TOKEN = z.object({ name: z.string(), role: ROLE_SCHEMA, createdAt: z.string() });
const ERRORS = { 400: PROBLEM_SCHEMA, 401: PROBLEM_SCHEMA, 403: PROBLEM_SCHEMA };

/** Tokens, and who changed what. */
export function accessRoutes(api: Api, tokens: TokenStore, audit: AuditLog): void {
  api.get(`${API_PATH}/whoami`, {
    config: { access: "viewer" },
    schema: {
      summary: "whose token the request has",
      response: { 200: z.object({ name: z.string(), role: ROLE_SCHEMA }), ...ERRORS },
    },
    // The guard lets nobody past without a token.
    handler: ({ holder }) => holder as TokenHolder,
  });
  api.get(`${API_PATH}/tokens`, {
    config: { access: "admin" },
    schema: { summary: "tokens by name", response: { 200: z.object({ items: z.array(TOKEN) }), ...ERRORS } },
    handler: () => ({ items: [...tokens.list()] }),
  });
  api.post(`${API_PATH}/tokens`, {
    config: { access: "admin" },
    schema: {
      summary: "make a token, which is shown this once",
      body: z.strictObject({ name: TOKEN_NAME, role: ROLE_SCHEMA }),
      response: {
        201: z.object({ name: z.string(), role: ROLE_SCHEMA, token: z.string() }),
        409: PROBLEM_SCHEMA,
        ...ERRORS,
      },
    },
    handler: async ({ body: { name, role } }, reply) => {
      const token = tokens.create(name, role, new Date());
      reply.code(201);
      return { name, role, token };
    },
  });
  api.delete(`${API_PATH}/tokens/:name`, {
    config: { access: "admin" },
    schema: {
      summary: "revoke a token",
      params: z.strictObject({ name: z.string().min(1).max(64) }),
      response: { 204: z.null(), 404: PROBLEM_SCHEMA, ...ERRORS },
    },
    handler: async ({ params: { name } }, reply) => {
      if (!tokens.revoke(name)) throw new VfleetError("VFL-0504", { message: `there is no token ${name}` });
      reply.code(204);
      return null;
    },
  });
  api.get(`${API_PATH}/audit`, {
    config: { access: "admin" },
    schema: {
      summary: "who changed what, or tried to; the latest first",
      querystring: z.strictObject({
        limit: z.coerce.number().int().min(1).max(1000).default(100),
        before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
      }),
      response: {
        200: z.object({
          items: z.array(
            z.object({
              id: z.int(),
              at: z.string(),
              token: z.string().nullable(),
              role: ROLE_SCHEMA.nullable(),
              remote: z.string(),
              method: z.string(),
              path: z.string(),
              status: z.int(),
              code: z.string().nullable(),
              requestId: z.string(),
              change: z
                .object({ host: z.string(), kind: z.string(), operation: z.int().nullable() })
                .nullable()
                .describe("of a plan that was made or done; operation is null where none was begun"),
            }),
          ),
        }),
        ...ERRORS,
      },
    },
    handler: ({ query: { limit, before } }) => ({ items: [...audit.list(limit, before)] }),
  });
}
