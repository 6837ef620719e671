import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ObjectCache, ObjectEvent } from "../../fleet/object-cache.ts";
import { API_PATH, type Api } from "./api.ts";
import { OBSERVED_KIND } from "./object-routes.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const HEARTBEAT_MS = 15_000;
/** Who reads so slowly that this much waits for it is let go: it comes back, and goes on from where it was. */
const MOST_BACKLOG_BYTES = 8 * 1024 * 1024;

const QUERY = z.strictObject({
  resourceVersion: z.string().max(64).optional().describe("of a list or an event: what happened after it"),
  host: z.string().max(256).optional(),
  kind: OBSERVED_KIND.optional(),
});

interface Watcher {
  readonly host: string | undefined;
  readonly kind: string | undefined;
  send(text: string): void;
  end(): void;
}

/**
 * Changes of objects as Server-Sent Events: `event` ADDED, MODIFIED or DELETED, `data` the object, `id` its resourceVersion, from
 * which a client that was cut off goes on (Last-Event-ID).
 * @returns ends all watching
 */
export function watchRoute(api: Api, cache: ObjectCache): () => void {
  const watchers = new Set<Watcher>();
  const stop = cache.listen((event) => {
    // Once for all who watch.
    const text = textOf(event);
    for (const watcher of watchers) if (concerns(event, watcher)) watcher.send(text);
  });
  const heartbeat = setInterval(() => {
    for (const watcher of watchers) watcher.send(": alive\n\n");
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
      const missed = cache.since(from);
      if (missed === undefined) throw new VfleetError("VFL-0505", { details: { resourceVersion: from } });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      const watcher: Watcher = {
        host,
        kind,
        send(text) {
          raw.write(text);
          if (raw.writableLength > MOST_BACKLOG_BYTES) raw.destroy();
        },
        end: () => raw.end(),
      };
      raw.on("close", () => watchers.delete(watcher));
      // So that who is cut off before anything has changed knows where to go on.
      watcher.send(`: watching\nid: ${from}\n\n`);
      for (const event of missed) if (concerns(event, watcher)) watcher.send(textOf(event));
      watchers.add(watcher);
    },
  });

  return () => {
    stop();
    clearInterval(heartbeat);
    for (const watcher of watchers) watcher.end();
  };
}

function concerns({ object }: ObjectEvent, { host, kind }: Watcher): boolean {
  return (host === undefined || object.metadata.host === host) && (kind === undefined || object.kind === kind);
}

function textOf({ type, object }: ObjectEvent): string {
  return `event: ${type}\nid: ${object.metadata.resourceVersion}\ndata: ${JSON.stringify(object)}\n\n`;
}
