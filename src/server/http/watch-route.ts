import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import type { TokenStore } from "../access/token-store.ts";
import { API_PATH, type Api } from "./api.ts";
import { EventStream, EventTexts } from "./event-stream.ts";
import { tokenOf } from "./guard.ts";
import { OBSERVED_KIND } from "./object-routes.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const HEARTBEAT_MS = 15_000;

const QUERY = z.strictObject({
  resourceVersion: z.string().max(64).optional().describe("of a list or an event: what happened after it"),
  host: z.string().max(256).optional(),
  kind: OBSERVED_KIND.optional(),
});

/** Who watches. */
interface Watcher {
  readonly stream: EventStream;
  /** With which it was let in. */
  readonly token: string;
}

/**
 * Changes of objects as Server-Sent Events: `event` ADDED, MODIFIED or DELETED, `data` the object, `id` its resourceVersion, from
 * which a client that was cut off goes on (Last-Event-ID).
 * @returns ends all watching
 */
export function watchRoute(api: Api, cache: ObjectCache, tokens: TokenStore): () => void {
  const watchers = new Set<Watcher>();
  const texts = new EventTexts();
  let isPumping = false;
  const stop = cache.listen(() => {
    if (isPumping) return;
    isPumping = true;
    // All that one look has brought goes together.
    setImmediate(() => {
      isPumping = false;
      for (const { stream } of watchers) stream.pump();
    });
  });
  const end = (watcher: Watcher) => {
    watchers.delete(watcher);
    watcher.stream.end();
  };
  const endRevoked = () => {
    for (const watcher of watchers) if (tokens.holderOf(watcher.token) === undefined) end(watcher);
  };
  tokens.onRevoked(endRevoked);
  const heartbeat = setInterval(() => {
    try {
      // By a command, without the server.
      endRevoked();
    } catch (error) {
      api.log.error(error);
    }
    for (const { stream } of watchers) stream.beat(performance.now());
  }, HEARTBEAT_MS);
  heartbeat.unref();

  api.get(`${API_PATH}/watch`, {
    config: { access: "viewer", rateLimit: false },
    schema: {
      summary: "watch changes, as Server-Sent Events",
      querystring: QUERY,
      headers: z.object({ "last-event-id": z.string().max(64).optional() }),
      response: { 400: PROBLEM_SCHEMA, 401: PROBLEM_SCHEMA, 404: PROBLEM_SCHEMA, 410: PROBLEM_SCHEMA },
    },
    handler: async (request, reply) => {
      const { resourceVersion, host, kind } = request.query;
      if (host !== undefined && !cache.hosts.includes(host)) {
        throw new VfleetError("VFL-0504", { message: `there is no host ${host}` });
      }
      const from = request.headers["last-event-id"] ?? resourceVersion ?? cache.version;
      if (cache.since(from, 0) === undefined) throw new VfleetError("VFL-0505", { details: { resourceVersion: from } });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      const stream = new EventStream(raw, cache, texts, { host, kind }, from);
      const watcher = { stream, token: tokenOf(request) };
      watchers.add(watcher);
      raw.on("close", () => watchers.delete(watcher));
      stream.pump();
    },
  });

  return () => {
    stop();
    clearInterval(heartbeat);
    for (const watcher of watchers) end(watcher);
  };
}
