import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiClient } from "../client/api-client.ts";
import { performPlan } from "./follow-operation.ts";

const OPERATION = { number: 7, state: "applying", endedAt: null, steps: [], events: [{ event: "stepBegun", step: 0 }] };

const within = { timeout: 20_000 };

/** A server that answers to so many requests of one kind, and then to nothing; who gives up is let go. */
function client(answers: { readonly apply: number; readonly record: number }) {
  const left = { ...answers };
  const asked: string[] = [];
  const answer = (value: unknown, status = 200) =>
    new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
  const fetch = (async (input: URL, { signal }: RequestInit) => {
    const { pathname } = input;
    asked.push(pathname);
    if (pathname.endsWith("/apply") && left.apply-- > 0) return answer({ operation: 7 }, 202);
    if (pathname.endsWith("/record") && left.record-- > 0) return answer(OPERATION);
    assert.ok(signal, `${pathname} could not be given up`);
    signal.throwIfAborted();
    // As a socket it keeps this process.
    const open = setTimeout(() => {}, within.timeout);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        clearTimeout(open);
        reject(signal.reason);
      });
    });
  }) as typeof globalThis.fetch;
  return { client: new ApiClient({ url: "http://127.0.0.1:1", token: () => "x", fetch }), asked };
}

test("a server that answers no more is left with what was seen last; it was asked to stop before", within, async () => {
  const { client: server, asked } = client({ apply: 1, record: 1 });
  const stop = new AbortController();
  const abandon = new AbortController();
  const seen = Promise.withResolvers<void>();
  const following = performPlan(server, "lab", "plan", {
    signal: stop.signal,
    abandon: abandon.signal,
    onEvent: () => seen.resolve(),
  });
  await seen.promise;
  stop.abort();
  abandon.abort();
  const operation = await following;
  assert.deepEqual([operation?.number, operation?.state], [7, "applying"]);
  assert.ok(asked.some((path) => path.endsWith("/operations/7/stop")));
});

test("one that has not said yet what it does is left without an operation", within, async () => {
  for (const answers of [
    { apply: 0, record: 0 },
    { apply: 1, record: 0 },
  ]) {
    const abandon = new AbortController();
    const following = performPlan(client(answers).client, "lab", "plan", { abandon: abandon.signal });
    setTimeout(() => abandon.abort(), 50);
    await assert.rejects(following, { code: "VFL-0522", message: /had not said what it does/ });
  }
});

test("a limit that has passed is told as a server that does not answer", within, async () => {
  const { client: server } = client({ apply: 0, record: 0 });
  const late = server.ask("GET /whoami", {}, AbortSignal.timeout(20));
  await assert.rejects(late, { status: 0, code: "VFL-0522" });
  await assert.rejects(server.ask("GET /whoami", {}, AbortSignal.abort()), { name: "AbortError" });
});
