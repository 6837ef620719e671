import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { AuditedChange } from "../access/audit-log.ts";
import type { Role } from "../access/role.ts";
import type { TokenHolder } from "../access/token-store.ts";

/** Where the API's paths begin; another version of it would begin otherwise. */
export const API_PATH = "/api/v1alpha1";

export type Api = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may: nobody answers for a route that says nothing. */
    access?: Role | "anyone";
  }
  interface FastifyRequest {
    /** Who asks; null where the route is for anyone. */
    holder: TokenHolder | null;
    /** Of the error that is answered; null where none is. */
    errorCode: ErrorCode | null;
    /** For the audit log. */
    change: AuditedChange | null;
  }
}
