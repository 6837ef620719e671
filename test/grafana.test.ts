import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { z } from "zod";
import { startServed } from "../src/server/testing/served.ts";

/** A variable of the dashboard. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana writes them so
const DATASOURCE = z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") });
const DASHBOARD = z.looseObject({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.int().min(36),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(
    z.looseObject({
      id: z.int(),
      type: z.enum(["timeseries", "stat"]),
      title: z.string().min(1),
      datasource: DATASOURCE,
      gridPos: z.strictObject({ x: z.int().max(23), y: z.int(), w: z.int().max(24), h: z.int() }),
      targets: z.array(z.looseObject({ refId: z.string(), datasource: DATASOURCE, expr: z.string() })).min(1),
    }),
  ),
});

it("Grafana's dashboard asks for metrics that there are, and for all of them", async () => {
  const text = readFileSync(new URL("../examples/grafana/vfleet.json", import.meta.url), "utf8");
  const { panels } = DASHBOARD.parse(JSON.parse(text));
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const served = await startServed();
  const { text: metrics } = await served.ask("/metrics");
  await served.close();
  const offered = new Set([...metrics.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
  const asked = new Set([...text.matchAll(/\bvfleet_\w+/g)].map(([name]) => name));
  assert.deepEqual(
    [...asked].filter((name) => !offered.has(name)),
    [],
  );
  // A limit below which nobody may fall is shown by no panel.
  assert.deepEqual(
    [...offered].filter((name) => !asked.has(name ?? "")),
    ["vfleet_vf_min_transmit_rate_mbps"],
  );
});
