import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import {
  API_VERSION,
  GUEST_SCHEMA,
  HOST_SCHEMA,
  type ObservedKind,
  type ObservedObject,
  OPERATION_SCHEMA,
  PHYSICAL_FUNCTION_SCHEMA,
  VIRTUAL_FUNCTION_SCHEMA,
} from "../../fleet/objects.ts";
import { fieldSelector } from "../../fleet/select-objects.ts";
import { API_PATH, type Api } from "./api.ts";
import { PROBLEM_SCHEMA } from "./problem.ts";

const MOST_ITEMS = 1000;
const USUAL_ITEMS = 500;

/** Kinds of objects that are observed, by the word that paths have for them. */
const KINDS = {
  hosts: { kind: "Host", schema: HOST_SCHEMA },
  physicalfunctions: { kind: "PhysicalFunction", schema: PHYSICAL_FUNCTION_SCHEMA },
  virtualfunctions: { kind: "VirtualFunction", schema: VIRTUAL_FUNCTION_SCHEMA },
  guests: { kind: "Guest", schema: GUEST_SCHEMA },
  operations: { kind: "Operation", schema: OPERATION_SCHEMA },
} as const satisfies Record<string, { kind: ObservedKind; schema: z.ZodType }>;

/** By the words that objects have for them. */
export const OBSERVED_KIND = z.enum(Object.values(KINDS).map(({ kind }) => kind));

const NAME = z.string().min(1).max(256);

const LIST_QUERY = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MOST_ITEMS).default(USUAL_ITEMS),
  continue: z
    .string()
    .max(1024)
    .optional()
    .describe("from the list before, whose end this goes on from. Each page is of its own moment"),
  fieldSelector: z
    .string()
    .max(1024)
    .optional()
    .describe("fields of status: driver=vfio-pci,guest!= (an empty value is null)"),
});

/** Reading what was observed: lists of all hosts and of one, and single objects. */
export function objectRoutes(api: Api, cache: ObjectCache): void {
  for (const [word, { kind, schema }] of Object.entries(KINDS)) {
    const list = z.object({
      apiVersion: z.literal(API_VERSION),
      kind: z.literal(`${kind}List`),
      metadata: z.object({
        resourceVersion: z.string().describe("watch from here to miss nothing"),
        continue: z.string().nullable().describe("for the next page; null where this is the last"),
      }),
      items: z.array(schema),
    });
    const errors = { 400: PROBLEM_SCHEMA, 401: PROBLEM_SCHEMA, 404: PROBLEM_SCHEMA };
    const listOf = (query: z.infer<typeof LIST_QUERY>, host?: string) => ({
      apiVersion: API_VERSION,
      kind: `${kind}List`,
      ...pageOf(cache, kind, query, host),
    });
    api.get(`${API_PATH}/${word}`, {
      config: { access: "viewer" },
      schema: { summary: `list ${word} of all hosts`, querystring: LIST_QUERY, response: { 200: list, ...errors } },
      handler: (request) => listOf(request.query) as never,
    });
    if (kind === "Host") {
      api.get(`${API_PATH}/hosts/:host`, {
        config: { access: "viewer" },
        schema: { summary: "one host", params: z.strictObject({ host: NAME }), response: { 200: schema, ...errors } },
        handler: ({ params }) => one(cache, kind, params.host, "") as never,
      });
      continue;
    }
    api.get(`${API_PATH}/hosts/:host/${word}`, {
      config: { access: "viewer" },
      schema: {
        summary: `list ${word} of a host`,
        params: z.strictObject({ host: NAME }),
        querystring: LIST_QUERY,
        response: { 200: list, ...errors },
      },
      handler: ({ params, query }) => {
        one(cache, "Host", params.host, "");
        return listOf(query, params.host) as never;
      },
    });
    api.get(`${API_PATH}/hosts/:host/${word}/:name`, {
      config: { access: "viewer" },
      schema: {
        summary: `one of a host's ${word}`,
        params: z.strictObject({ host: NAME, name: NAME }),
        response: { 200: schema, ...errors },
      },
      handler: ({ params }) => one(cache, kind, params.host, params.name) as never,
    });
  }
}

function one(cache: ObjectCache, kind: ObservedKind, host: string, name: string) {
  const found = cache.get(kind, host, name);
  if (found !== undefined) return found;
  const what = cache.hosts.includes(host) ? `host ${host} has no ${kind} ${name}` : `there is no host ${host}`;
  throw new VfleetError("VFL-0504", { message: what, details: { kind, host, name } });
}

/** Where a page ended: behind this object. */
const PLACE = z.tuple([z.string(), z.string()]);

function pageOf(
  cache: ObjectCache,
  kind: ObservedKind,
  { limit, continue: from, fieldSelector: selector }: z.infer<typeof LIST_QUERY>,
  host?: string,
) {
  const isWanted = selector === undefined ? () => true : fieldSelector(selector);
  const [afterHost, afterName] = from === undefined ? [] : placeOf(from);
  const items: ObservedObject[] = [];
  let isBefore = afterHost !== undefined;
  for (const object of cache.all(kind, host)) {
    const { metadata } = object;
    if (isBefore) {
      if (metadata.host === afterHost && metadata.name === afterName) isBefore = false;
      continue;
    }
    if (!isWanted(object)) continue;
    items.push(object);
    if (items.length > limit) break;
  }
  if (isBefore) throw new VfleetError("VFL-0505", { message: "the page that this goes on from has gone" });
  const isLast = items.length <= limit;
  const shown = isLast ? items : items.slice(0, limit);
  const end = shown.at(-1);
  return {
    metadata: {
      resourceVersion: cache.version,
      continue: isLast || end === undefined ? null : placeText(end.metadata.host, end.metadata.name),
    },
    items: shown,
  };
}

function placeText(host: string, name: string): string {
  return Buffer.from(JSON.stringify([host, name])).toString("base64url");
}

function placeOf(text: string): z.infer<typeof PLACE> {
  try {
    return PLACE.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch (cause) {
    throw new VfleetError("VFL-0501", { message: "continue: this is from no list", cause });
  }
}
