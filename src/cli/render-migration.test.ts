import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { MigrationVerdict } from "../host/migrate/migration-port.ts";
import { renderTimes, renderVerdict } from "./render-migration.ts";

const REFUSED: MigrationVerdict = {
  checks: [
    {
      check: "driver",
      method: "vfio",
      result: "refused",
      summary: "vfio-pci of a VF 8086:10ca has no migration",
      evidence: [{ fact: "driver vfio-pci", from: "/sys/bus/pci/devices/0000:01:10.0/driver" }],
      remedy: "use a failover pair",
    },
  ],
  move: null,
};

test("a verdict: each check with what was seen and what to do, then what comes of it", () => {
  assert.deepEqual(renderVerdict(REFUSED).map(stripVTControlCharacters), [
    "✖ driver       vfio      vfio-pci of a VF 8086:10ca has no migration",
    "  seen        driver vfio-pci (/sys/bus/pci/devices/0000:01:10.0/driver)",
    "  remedy      use a failover pair",
    "",
    "✖ the guest cannot be moved (VFL-0412)",
  ]);
});

test("times: what was not measured is told so", () => {
  const times = { phases: [], downtimeMs: null, withoutVfMs: 1500, withoutTrafficMs: null };
  const [still, standby, traffic] = renderTimes(times);
  assert.match(still ?? "", /not told/);
  assert.match(standby ?? "", /1\.5 s/);
  assert.match(traffic ?? "", /not measured/);
});
