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

test("times: what was measured by pings is told with who sent, and why where it is no figure", () => {
  const traffic = {
    by: "ping 192.0.2.10",
    intervalMs: 50,
    answered: 412,
    lost: 17,
    longestGapMs: 900,
    unmeasured: null,
  };
  const times = { phases: [], downtimeMs: 40, withoutVfMs: null };
  const words = (lines: readonly string[]) => lines.map((line) => stripVTControlCharacters(line).trim());
  assert.deepEqual(words(renderTimes({ ...times, withoutTrafficMs: 850, traffic })).slice(1), [
    "no traffic  850 ms",
    "packets     412 answered, 17 lost; one each 50 ms, by ping 192.0.2.10",
  ]);
  const died = { ...traffic, unmeasured: "ping ended: SIGTERM, in the middle" };
  assert.match(renderTimes({ ...times, withoutTrafficMs: null, traffic: died }).join(), /not measured: ping ended/);
});

test("times: what was not measured is told so", () => {
  const times = { phases: [], downtimeMs: null, withoutVfMs: 1500, withoutTrafficMs: null, traffic: null };
  const [still, standby, traffic] = renderTimes(times);
  assert.match(still ?? "", /not told/);
  assert.match(standby ?? "", /1\.5 s/);
  assert.match(traffic ?? "", /not measured/);
});
