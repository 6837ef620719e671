import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import type { ApiClient, WatchOptions } from "../../../src/client/api-client.ts";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import { LiveObjects } from "./live-objects.ts";

const problem = (status: number) => new ApiProblem({ status, code: "", detail: "no", remedy: "" });

/** A server whose lists are read, by routes as they are asked, and whose streams are as they are said to be. */
function serverOf(watch: (options: WatchOptions) => void, ask: () => void = () => {}) {
  const asked: string[] = [];
  let watched = 0;
  const client = {
    ask: async (route: string) => {
      asked.push(route);
      ask();
      if (route === "GET /hosts/{host}") return { kind: "Host", metadata: { host: "a", name: "a" } };
      return { metadata: { resourceVersion: String(asked.length), continue: null }, items: [] };
    },
    watch: (options: WatchOptions) => {
      watched += 1;
      watch(options);
      return [];
    },
  } as unknown as Pick<ApiClient, "ask" | "watch">;
  return { client, asked, watched: () => watched };
}

/** Lets what waits for nothing but promises go on. */
const settle = async () => {
  for (let round = 0; round < 50; round += 1) await Promise.resolve();
};

describe("objects that are kept up to date", () => {
  test("a token that is refused is told of, and not used again", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const onRefused = mock.fn();
    const { client, watched } = serverOf(() => {
      throw problem(401);
    });
    new LiveObjects({ kind: "Host" }, { client, onRefused });
    await settle();
    t.mock.timers.tick(60_000);
    await settle();
    assert.deepEqual([watched(), onRefused.mock.callCount()], [1, 1]);
  });

  test("a host that is gone is asked for less and less often", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { client, watched } = serverOf(() => {
      throw problem(404);
    });
    const live = new LiveObjects({ host: "a" }, { client });
    for (let second = 0; second < 30; second += 0.5) {
      await settle();
      t.mock.timers.tick(500);
    }
    live.close();
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5 s.
    assert.equal(watched(), 6);
  });

  test("that there is nothing is known once all was read", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { client } = serverOf(
      () => {},
      () => {
        throw problem(503);
      },
    );
    const live = new LiveObjects({ kind: "Host" }, { client });
    await settle();
    assert.deepEqual([live.hasLoaded, live.status.state], [false, "cut off"]);
    live.close();
  });

  test("the host is read after the version from which changes are told", async () => {
    let from: string | undefined;
    const { client, asked } = serverOf((options) => {
      from = options.from;
      throw problem(401);
    });
    const live = new LiveObjects({ host: "a" }, { client });
    await settle();
    assert.deepEqual(asked.slice(0, 2), ["GET /hosts/{host}/physicalfunctions", "GET /hosts/{host}"]);
    assert.equal(from, "1");
    assert.equal(live.hasLoaded, true);
  });
});
