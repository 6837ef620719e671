import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { CATALOGUE } from "../../errors/catalogue.ts";
import { type Served, startServed } from "../testing/served.ts";

interface Route {
  readonly method: string;
  readonly path: string;
}

const SLOWEST_MS = 10_000;

/** What is in paths, queries and bodies of requests that somebody makes on purpose. */
const HOSTILE = fc.oneof(
  fc.constantFrom(
    "",
    "lab",
    "0000:01:00.0",
    "0000:01:00.0-vf0",
    "..",
    "../../etc/passwd",
    "__proto__",
    "constructor",
    "%00",
    "\u0000",
    "1",
    "-1",
    "1e309",
    "9007199254740993",
    "null",
    "driver=igb",
    "driver",
    "=",
    "WyJsYWIiLCIiXQ",
    "a".repeat(600),
  ),
  fc.string(),
  fc.string({ unit: "binary" }),
);
const DOCUMENT = fc.oneof(
  HOSTILE,
  fc.constantFrom(
    "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: f}\nspec: {select: {driver: igb}, numVfs: 2}\n",
    "a: &a [*a]\n",
    "&a [&b [*a,*a],&c [*b,*b],*c,*c]",
    "- - - - - -\n",
    "---\n---\n",
  ),
);
const BODY = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      kind: fc.oneof(
        fc.constantFrom("apply", "undo", "set", "bind", "reset", "attach", "detach", "release", "migrate"),
        HOSTILE,
      ),
      document: fc.oneof(fc.record({ name: HOSTILE, text: DOCUMENT }), fc.jsonValue()),
      files: fc.oneof(fc.array(fc.record({ label: HOSTILE, text: DOCUMENT })), fc.jsonValue()),
      persist: fc.boolean(),
      operation: fc.oneof(fc.integer(), fc.double(), HOSTILE),
      vf: HOSTILE,
      settings: fc.oneof(fc.dictionary(fc.oneof(fc.constantFrom("vlan", "mac", "trust"), HOSTILE), fc.jsonValue())),
      driver: HOSTILE,
      claim: HOSTILE,
      guest: HOSTILE,
      pfs: fc.oneof(fc.array(HOSTILE), fc.jsonValue()),
      all: fc.boolean(),
      policy: HOSTILE,
      ended: fc.boolean(),
      destination: HOSTILE,
      method: fc.oneof(fc.constantFrom("auto", "vfio", "failover"), HOSTILE),
      timeoutSeconds: fc.oneof(fc.integer(), fc.double()),
      name: HOSTILE,
      role: fc.oneof(fc.constantFrom("viewer", "operator", "admin"), HOSTILE),
    },
    { requiredKeys: [] },
  ),
  HOSTILE,
);

describe("requests of any kind", () => {
  let served: Served;
  let routes: readonly Route[];

  before(async () => {
    served = await startServed();
    const { body } = await served.ask("/openapi.json");
    routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
  });
  after(() => served.close());

  it("are answered: done, or a problem of the catalogue; never by 500, never late", async () => {
    const request = fc.record({
      route: fc.nat().map((number) => routes[number % routes.length] as Route),
      words: fc.array(HOSTILE, { minLength: 3, maxLength: 3 }),
      query: fc.dictionary(
        fc.oneof(
          fc.constantFrom("limit", "continue", "fieldSelector", "resourceVersion", "host", "kind", "before"),
          fc.string(),
        ),
        HOSTILE,
        { maxKeys: 3 },
      ),
      body: BODY,
      raw: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ route: { method, path }, words, query, body, raw }) => {
        const rest = [...words];
        const filled = path.replace(/\{\w+\}/g, () => encodeURIComponent(rest.pop()?.toWellFormed() ?? "x") || "x");
        // A watch that is let in does not end.
        const known = filled.endsWith("/watch") ? { ...query, resourceVersion: "of.0" } : query;
        const text = new URLSearchParams(known).toString();
        const began = performance.now();
        const { status, body: answer } = await served.ask(`${filled}${text === "" ? "" : `?${text}`}`, {
          method,
          ...(method === "POST" ? { body: raw && typeof body === "string" ? body : JSON.stringify(body) } : {}),
        });
        assert.ok(performance.now() - began < SLOWEST_MS, `${method} ${filled} took too long`);
        assert.ok(status < 500, `${method} ${filled} ${text}: ${status} ${JSON.stringify(answer)}`);
        if (status >= 400) assert.ok(Object.hasOwn(CATALOGUE, answer.code), `${method} ${filled}: ${answer?.code}`);
      }),
      { numRuns: 1500 },
    );
  });
});
