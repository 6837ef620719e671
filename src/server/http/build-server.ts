import { readFileSync } from "node:fs";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import {
  createSerializerCompiler,
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import type { DeviceNames } from "../../host/device-names.ts";
import { jsonOfObserved } from "../../kernel/port-json.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { TokenStore } from "../access/token-store.ts";
import { HostReader } from "../host-reader.ts";
import type { ManagedHost } from "../managed-host.ts";
import { PlanDesk } from "../plan-desk.ts";
import type { TlsFiles } from "../tls/own-certificate.ts";
import { accessRoutes } from "./access-routes.ts";
import type { Api } from "./api.ts";
import { commandRoutes } from "./command-routes.ts";
import { errorRoute } from "./error-route.ts";
import { guard, type ServerNames } from "./guard.ts";
import { hostRoutes } from "./host-routes.ts";
import { metricsRoute } from "./metrics-route.ts";
import { objectRoutes } from "./object-routes.ts";
import { pageRoute } from "./page-route.ts";
import { planRoutes } from "./plan-routes.ts";
import { errorOf, problemOf } from "./problem.ts";
import { readingRoutes } from "./reading-routes.ts";
import { trafficRoutes } from "./traffic-routes.ts";
import { watchRoute } from "./watch-route.ts";

export interface ServerOptions {
  readonly cache: ObjectCache;
  readonly hosts: readonly ManagedHost[];
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  readonly names: ServerNames;
  readonly deviceNames: DeviceNames;
  readonly version: string;
  readonly logLevel: string;
  /** Of one address; 200 in a second on the average where left out. */
  readonly requestsPerMinute?: number;
  readonly tls?: TlsFiles & { readonly isOwn: boolean };
  /** Where the page was built to; undefined: there is none. */
  readonly page?: string;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
/** A thousand who watch, and those who ask beside them. */
const MOST_CONNECTIONS = 4096;
const REQUESTS_PER_MINUTE = 60 * 200;

/** The API, ready to listen. What is asked and answered is in docs/api.md and /openapi.json. */
export async function buildServer(options: ServerOptions): Promise<Api> {
  const { cache, hosts, tokens, audit, names, version, logLevel, tls } = options;
  const sendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const answer = hasZodFastifySchemaValidationErrors(error) ? invalid(error.validation) : errorOf(error);
    if (answer.code === "VFL-0507") request.log.error(error);
    const problem = problemOf(answer, request.id);
    request.errorCode = answer.code;
    if (problem.status === 401) reply.header("www-authenticate", "Bearer");
    return reply.code(problem.status).type("application/problem+json").send(JSON.stringify(problem));
  };
  const api: Api = fastify({
    logger: { level: logLevel, redact: ["req.headers.authorization"] },
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // A name in a path may be as long as an interface's, an address, or a file's.
    routerOptions: { maxParamLength: 512 },
    // Of paths that are none, which reach no route.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request as FastifyRequest, reply as FastifyReply),
    genReqId: () => crypto.randomUUID(),
    ...(tls && { https: { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) } }),
  }).withTypeProvider<ZodTypeProvider>() as unknown as Api;
  api.server.maxConnections = MOST_CONNECTIONS;
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(createSerializerCompiler({ replacer: jsonOfObserved as never }));

  api.setErrorHandler(sendProblem);
  api.setNotFoundHandler((request) => {
    throw new VfleetError("VFL-0504", { message: `there is no ${request.method} ${pathOf(request.url)}` });
  });

  api.decorateRequest("errorCode", null);
  api.decorateRequest("change", null);
  await limit(api, options.requestsPerMinute ?? REQUESTS_PER_MINUTE);
  guard(api, tokens, names);
  api.addHook("onSend", async (request, reply, payload) => {
    reply.header("x-request-id", request.id);
    // Who has no token has changed nothing, and is to push nobody out who has. The server's log has their requests.
    if (request.method === "GET" || request.method === "HEAD" || request.holder === null) return payload;
    audit.add({
      at: new Date().toISOString(),
      token: request.holder.name,
      role: request.holder.role,
      remote: request.ip,
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      code: request.errorCode,
      requestId: request.id,
      change: request.change,
    });
    return payload;
  });
  await api.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'self'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
    },
    frameguard: { action: "deny" },
    // With a certificate of its own a person has to be able to say that they trust it.
    hsts: tls !== undefined && !tls.isOwn,
  });
  await api.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "vfleet",
        version,
        description: "SR-IOV virtual functions: what there is, who has it, and what is wanted.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });

  const readers = new Map(
    hosts.map(({ name, setting }) => [name, new HostReader(setting.kernel, options.deviceNames, version)]),
  );
  const desk = new PlanDesk(hosts, cache, (problem) => api.log.error(problem));
  objectRoutes(api, cache);
  const endWatching = watchRoute(api, cache, tokens);
  planRoutes(api, desk);
  hostRoutes(api, hosts);
  readingRoutes(api, cache, hosts, readers);
  trafficRoutes(api, hosts);
  errorRoute(api);
  commandRoutes(api, hosts, desk);
  accessRoutes(api, tokens, audit);
  metricsRoute(api, cache, hosts);
  healthRoutes(api, hosts);
  await pageRoute(api, options.page);
  api.get("/openapi.json", { config: { access: "anyone" }, schema: { hide: true }, handler: () => api.swagger() });
  // What was begun comes to its end while the API still answers.
  api.addHook("preClose", async () => {
    await desk.close();
    endWatching();
  });
  await api.ready();
  return api;
}

/** Of whoever asks, before it is looked who that is: by itself the plugin would come after the guard, and count only whom it lets in. */
async function limit(api: Api, max: number): Promise<void> {
  await api.register(rateLimit, { global: false, max, timeWindow: "1 minute" });
  const check = api.rateLimit();
  api.addHook("onRequest", async function (request, reply) {
    if (request.routeOptions.config.rateLimit !== false) await check.call(this, request, reply);
  });
}

function healthRoutes(api: Api, hosts: readonly ManagedHost[]): void {
  const body = z.object({ status: z.string() });
  api.get("/healthz", {
    config: { access: "anyone" },
    schema: { summary: "whether the server runs", response: { 200: body } },
    handler: () => ({ status: "ok" }),
  });
  api.get("/readyz", {
    config: { access: "anyone" },
    schema: { summary: "whether all hosts were looked at", response: { 200: body, 503: body } },
    handler: async (_, reply) => {
      const unseen = hosts.filter(({ watched }) => !watched.wasAsked).length;
      if (unseen === 0) return { status: "ok" };
      reply.code(503);
      return { status: `${unseen} of ${hosts.length} hosts were not read yet` };
    },
  });
}

function invalid(
  issues: readonly { readonly instancePath: string; readonly message?: string | undefined }[],
): VfleetError {
  const [first] = issues;
  const where = first?.instancePath.replace(/^\//, "").replaceAll("/", ".") ?? "";
  return new VfleetError("VFL-0501", {
    message: `${where === "" ? "" : `${where}: `}${first?.message ?? "not valid"}`,
    details: Object.fromEntries(issues.map(({ instancePath, message = "" }) => [instancePath || "/", message])),
  });
}

/** Without the query. */
function pathOf(url: string): string {
  return (url.split("?")[0] ?? url).slice(0, 512);
}
