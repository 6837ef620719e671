import type { FastifyRequest } from "fastify";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { reaches } from "../access/role.ts";
import type { TokenStore } from "../access/token-store.ts";
import type { Api } from "./api.ts";

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/;

/** Names by which the server may be called, in the Host header. */
export interface ServerNames {
  readonly isKnown: (host: string) => boolean;
}

/**
 * Lets nobody past who may not: each request is for this server by its name, and has a token whose role reaches as far as the
 * route asks for. Tokens come in a header that no browser sends by itself, so that another's page can send none.
 */
export function guard(api: Api, tokens: TokenStore, names: ServerNames): void {
  api.decorateRequest("holder", null);
  api.addHook("onRoute", ({ url, config }) => {
    if (config?.access === undefined) throw new TypeError(`the route ${url} does not say who may`);
  });
  api.addHook("onRequest", async (request) => {
    if (!names.isKnown(request.host)) {
      throw new VfleetError("VFL-0510", { details: { host: request.host } });
    }
    const { access } = request.routeOptions.config;
    // A path that there is not, which its own handler tells.
    if (access === undefined || access === "anyone") return;
    const holder = tokens.holderOf(tokenOf(request));
    if (holder === undefined) throw new VfleetError("VFL-0502");
    request.holder = holder;
    if (!reaches(holder.role, access)) {
      throw new VfleetError("VFL-0503", {
        message: `this is for the role ${access}; the token ${holder.name} has the role ${holder.role}`,
        details: { needed: access, role: holder.role, token: holder.name },
      });
    }
  });
}

/** @returns what is no token of anybody's where it is none @throws VfleetError VFL-0502 */
export function tokenOf({ headers }: Pick<FastifyRequest, "headers">): string {
  const { authorization } = headers;
  if (authorization === undefined) throw new VfleetError("VFL-0502", { message: "the request has no token" });
  return BEARER.exec(authorization)?.[1] ?? "";
}
