import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { preflight } from "./preflight/preflight.ts";
import { type Readiness, readinessOf } from "./readiness.ts";
import { hostWithPf, pf, readHost, rootPort, type TestHost, type TestPf } from "./testing/host-builder.ts";

async function readiness(host: TestHost): Promise<Readiness> {
  const { inventory, pf } = await readHost(host);
  return readinessOf(pf, await preflight(inventory, pf));
}

const word = async (options: TestPf, host?: Partial<TestHost>) => (await readiness(hostWithPf(options, host))).word;

describe("readinessOf", () => {
  it("says yes, and why with reservations", async () => {
    assert.deepEqual(await readiness(hostWithPf({ driverLimit: 7 })), { word: "yes", reason: "" });
    const warned = await readiness(hostWithPf({}, { iommu: false }));
    assert.deepEqual([warned.word, warned.code], ["yes", "VFL-0110"]);
  });

  it("says no with the reason and its code", async () => {
    const { word, reason, code } = await readiness(hostWithPf({ driver: null }));
    assert.deepEqual([word, code], ["no", "VFL-0102"]);
    assert.match(reason, /no driver/);
  });

  it("says limited where fewer work than are offered", async () => {
    const options: TestPf = { totalVfs: 16, firstVfOffset: 256, vfStride: 256 };
    const host: TestHost = {
      functions: { "0000:00:01.0": rootPort(1, { subordinate: 5 }), "0000:01:00.0": pf("0000:01:00.0", options) },
    };
    assert.deepEqual(await readiness(host), { word: "limited", reason: "4 of 16 VFs would work" });
  });

  it("says full where all VFs exist", async () => {
    assert.equal(await word({ totalVfs: 4, numVfs: 4 }), "full");
    assert.equal(await word({ totalVfs: 4, numVfs: 3 }), "yes");
  });

  it("says unknown where a decisive check has no answer", async () => {
    assert.equal(await word({ driver: "mystery" }), "unknown");
    assert.equal(await word({ driverLimit: null }, { complete: false }), "unknown");
    // Routes decide nothing.
    assert.equal(await word({ net: { eno1: true } }, { files: { "/proc/net/route": undefined } }), "yes");
  });
});
