import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isUnread } from "../../kernel/port.ts";
import { bdf, formatBdf, type RoutingId } from "../../pci/bdf.ts";
import { readInventory } from "../inventory.ts";
import { findingOf } from "../testing/assert-finding.ts";
import {
  hostWithPf,
  pf,
  preflightOf,
  readHost,
  rootPort,
  type TestHost,
  type TestPf,
  testKernel,
  vfFunctions,
} from "../testing/host-builder.ts";
import { type PreflightFacts, readHostFacts, readPreflightFacts, type VfUse } from "./facts.ts";
import { CHECKS, judge, type Preflight, preflight } from "./preflight.ts";

const ADDRESS = "0000:01:00.0";

function resultsOf({ findings }: Preflight): Record<string, string> {
  return Object.fromEntries(findings.map(({ check, result }) => [check, result]));
}

async function factsOf(host: TestHost, use?: VfUse, address = ADDRESS): Promise<PreflightFacts> {
  const { inventory, pf } = await readHost(host, address);
  return readPreflightFacts(inventory, await readHostFacts(inventory.kernel), pf, use);
}

describe("preflight", () => {
  it("passes the lab's igb: 8 VFs in the registers, 7 allowed (kernel-lab.md)", async () => {
    const result = await preflightOf(hostWithPf({ driverLimit: 7, net: { eno1: true } }), { use: "vfio" });
    assert.deepEqual([result.verdict, result.count, result.asked, result.largest], ["pass", 7, undefined, 7]);
    assert.deepEqual(
      result.findings.map(({ check }) => check),
      CHECKS.map(({ name }) => name),
    );
    assert.ok(result.findings.every((finding) => finding.result === "pass"));
  });

  it("refuses 8 VFs of it, and says that 7 would work", async () => {
    const result = await preflightOf(hostWithPf({ driverLimit: 7 }), { vfs: 8 });
    assert.deepEqual([result.verdict, result.asked, result.largest], ["refuse", 8, 7]);
    assert.deepEqual(
      result.findings.filter((finding) => finding.result === "refuse").map(({ check }) => check),
      ["limits"],
    );
  });

  it("takes the VFs that are there for no obstacle where no number is asked for", async () => {
    const host = hostWithPf({ driverLimit: 7, numVfs: 3 });
    const result = await preflightOf(host);
    assert.deepEqual([result.verdict, result.count, result.largest], ["pass", 3, 7]);
    const more = await preflightOf(host, { vfs: 7 });
    assert.deepEqual([more.verdict, more.largest], ["refuse", 7]);
    assert.match(findingOf(more, "present-vfs").summary, /EBUSY/);
  });

  it("refuses in the order in which the kernel would", async () => {
    const wrong = hostWithPf({
      driver: null,
      initialVfs: 4,
      firstVfOffset: 384,
      dependencyLink: 3,
      vfBars: [{ index: 0, address: 0n }],
    });
    const { findings } = await preflightOf(wrong, { vfs: 9 });
    const refusals = findings.filter(({ result }) => result === "refuse").map(({ check }) => check);
    // sriov_numvfs_store: ERANGE, ENOENT; sriov_enable: EIO, ENOMEM for BARs, ENOMEM for buses, ENODEV.
    assert.deepEqual(refusals, ["limits", "pf-driver", "capability", "vf-bar-space", "bus-numbers", "dependency-link"]);
  });

  it("invents no pass for a dump of registers alone", async () => {
    const host = hostWithPf({ driver: null, numVfs: 2 }, { complete: false, functions: {} });
    const functions = Object.fromEntries(
      Object.entries(host.functions).map(([address, { config }]) => [address, { config }]),
    );
    const result = await preflightOf({ functions, complete: false }, { use: "vfio", vfs: 2 });
    assert.equal(result.verdict, "unknown");
    assert.deepEqual(resultsOf(result), {
      limits: "unknown",
      "pf-driver": "unknown",
      // What registers show for certain:
      "present-vfs": "pass",
      capability: "pass",
      "vf-bar-space": "unknown",
      "bus-numbers": "pass",
      "dependency-link": "pass",
      ari: "pass",
      msix: "pass",
      iommu: "unknown",
      "interrupt-remapping": "unknown",
      isolation: "pass",
      use: "unknown",
      "default-route": "unknown",
      link: "pass",
      "kernel-parameters": "unknown",
    });
  });

  it("passes nothing but the absence of VFs where configuration space was not readable", async () => {
    const fn = pf(ADDRESS, { readBytes: 64, driver: null });
    const functions = {
      "0000:00:01.0": { config: { ...rootPort(1).config, readBytes: 64 } },
      [ADDRESS]: { config: fn.config, files: { sriov_numvfs: "0\n", sriov_totalvfs: "8\n" } },
    };
    const result = await preflightOf({ functions, complete: false });
    assert.equal(result.verdict, "unknown");
    const passed = result.findings.filter((finding) => finding.result === "pass").map(({ check }) => check);
    assert.deepEqual(passed, ["limits", "present-vfs"]);
  });

  it("does not know the largest number where nothing tells how many are offered", async () => {
    const host = hostWithPf({ readBytes: 0x110, driverLimit: null }, { complete: false });
    assert.equal((await preflightOf(host)).largest, null);
  });

  it("reads the host's facts itself, or takes them", async () => {
    const { inventory, pf } = await readHost(hostWithPf({ driverLimit: 7 }));
    const hostFacts = await readHostFacts(inventory.kernel);
    assert.deepEqual(await preflight(inventory, pf, { vfs: 2, hostFacts }), await preflight(inventory, pf, { vfs: 2 }));
  });
});

/** Hosts with a PF of any shape below a port of any shape: what is random is what checks decide by. */
const anyPf: fc.Arbitrary<TestPf> = fc
  .record({
    totalVfs: fc.nat(20),
    lowered: fc.option(fc.nat(20), { nil: null }),
    numVfs: fc.oneof(fc.constant(0), fc.nat(20)),
    initial: fc.option(fc.nat(20), { nil: undefined, freq: 6 }),
    firstVfOffset: fc.constantFrom(0, 1, 8, 128, 240, 250, 384),
    vfStride: fc.constantFrom(0, 1, 2, 16, 256),
    ari: fc.boolean(),
    vfMigrationCapable: fc.boolean(),
    dependencyLink: fc.constantFrom(0, 0, 0, 1),
    pageSizes: fc.constantFrom(0x553, 0x553, 0x553, 0),
    space: fc.constantFrom(0x3801_0000_0000n, 0x3801_0000_0000n, 0x3801_0000_0000n, 0n, 0x1000n),
    driver: fc.constantFrom("igb", "mlx5_core", "bnxt_en", "c6xx", "nvme", "vfio-pci", "pci-pf-stub", "mystery", null),
    up: fc.boolean(),
    vectors: fc.constantFrom("0", "3", "12", "4294967222"),
    msix: fc.option(fc.record({ vectors: fc.constant(8), enable: fc.boolean() }), { nil: null }),
    readBytes: fc.constantFrom(4096, 4096, 4096, 256, 64, 0x118),
  })
  .map(({ lowered, initial, space, up, vectors, ...options }) => ({
    ...options,
    driverLimit: lowered === null ? null : Math.min(lowered, options.totalVfs),
    numVfs: Math.min(options.numVfs, options.totalVfs),
    initialVfs: initial ?? options.totalVfs,
    ariCapableHierarchy: options.ari,
    vfBars: [{ index: 0, address: space }],
    net: { eno1: up },
    files: { sriov_vf_total_msix: `${vectors}\n` },
  }));

const anyHost: fc.Arbitrary<TestHost> = fc
  .record({
    options: anyPf,
    subordinate: fc.integer({ min: 1, max: 4 }),
    acs: fc.constantFrom(true, false, null),
    forwards: fc.boolean(),
    clash: fc.option(fc.integer({ min: 0x101, max: 0x200 }), { nil: undefined }),
    complete: fc.boolean(),
    iommu: fc.boolean(),
  })
  .map(({ options, subordinate, acs, forwards, clash, ...rest }) => ({
    ...rest,
    functions: {
      "0000:00:01.0": rootPort(1, { subordinate, acs, ari: forwards }),
      ...(clash === undefined ? {} : { [formatBdf(0, clash as RoutingId)]: { config: { portType: 0 } } }),
      ...(options.numVfs ? vfFunctions(ADDRESS, options) : { [ADDRESS]: pf(ADDRESS, options) }),
    },
  }));

const anyUse = fc.constantFrom<VfUse | undefined>(undefined, "vfio", "netdev", "nvme");

function refusals({ findings }: Preflight): string[] {
  return findings
    .filter(({ result, check }) => result === "refuse" && check !== "present-vfs")
    .map(({ check }) => check);
}

describe("judge", () => {
  it("calls that number the largest which no check refuses, while one refuses the next", async () => {
    await fc.assert(
      fc.asyncProperty(anyHost, anyUse, async (host, use) => {
        const facts = await factsOf(host, use);
        const { largest } = judge(facts, undefined);
        const { sriov } = facts.pf;
        const limit = sriov && (isUnread(sriov.driverLimit) ? sriov.totalVfs : sriov.driverLimit);
        if (limit === undefined || isUnread(limit)) {
          assert.equal(largest, sriov ? null : 0);
          return;
        }
        assert.ok(largest !== null && largest >= 0 && largest <= limit, `largest ${largest} of ${limit}`);
        if (largest > 0) assert.deepEqual(refusals(judge(facts, largest)), []);
        if (largest < limit)
          assert.notDeepEqual(refusals(judge(facts, largest + 1)), [], `at ${largest + 1} of ${limit}`);
      }),
      { numRuns: 600 },
    );
  });

  it("gives each refusal and warning a remedy, and a verdict that follows from the findings", async () => {
    await fc.assert(
      fc.asyncProperty(anyHost, anyUse, fc.integer({ min: 1, max: 30 }), async (host, use, vfs) => {
        const result = judge(await factsOf(host, use), vfs);
        const worst = ["refuse", "unknown", "warn", "pass"].find((kind) =>
          result.findings.some(({ result }) => result === kind),
        );
        assert.equal(result.verdict, worst);
        for (const { check, result: kind, remedy, summary, largest } of result.findings) {
          if (kind === "refuse" || kind === "warn") assert.ok(remedy, `${check}: ${summary}`);
          // It is below the number that the check refuses; but VFs without a driver can only stay as many as they are.
          if (kind === "refuse" && check !== "pf-driver") assert.ok((largest ?? 0) < vfs, `${check}: ${summary}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("passes nothing of which it does not know: a source that holds less gives no better verdict", async () => {
    const rank = { pass: 0, warn: 1, unknown: 2, refuse: 3 };
    await fc.assert(
      fc.asyncProperty(anyHost, anyUse, fc.integer({ min: 1, max: 20 }), async (host, use, vfs) => {
        const whole = judge(await factsOf({ ...host, complete: true }, use), vfs);
        // The same registers, and nothing else.
        const functions = Object.fromEntries(
          Object.entries(host.functions).map(([address, { config }]) => [address, { config }]),
        );
        const dump = judge(await factsOf({ functions, complete: false }, use), vfs);
        if (rank[whole.verdict] >= rank.unknown) assert.ok(rank[dump.verdict] >= rank.unknown);
        assert.notEqual(dump.verdict, "pass");
      }),
      { numRuns: 200 },
    );
  });

  it("never throws, whatever the registers and files hold", async () => {
    const bytes = fc
      .uint8Array({ minLength: 1024, maxLength: 1024 })
      .chain((noise) =>
        fc.array(fc.tuple(fc.nat(1023), fc.nat(255)), { maxLength: 12 }).map((spots) => ({ noise, spots })),
      );
    const zeros = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
    const fewBytes = `${zeros.repeat(7)}0x0000380101000000 0x0000380101000001 0x000000000014220c\n${zeros.repeat(5)}`;
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("0\n", "-1\n", "999999\n", "0x10\n", "\n", "18446744073709551615\n", fewBytes),
    );
    const link = fc.constantFrom("../0000:01:00.0", "../0000:01:00.1", "../../drivers/igb", "", "x/12", "../nothing");
    const files = fc.dictionary(
      fc.constantFrom(
        "sriov_totalvfs",
        "sriov_numvfs",
        "sriov_offset",
        "sriov_vf_total_msix",
        "resource",
        "numa_node",
        "vendor",
        "device",
      ),
      text,
    );
    const links = fc.dictionary(fc.constantFrom("physfn", "virtfn0", "virtfn1", "driver", "iommu_group"), link);
    const fn = fc
      .record({ bytes, files, links, whole: fc.boolean(), bridge: fc.boolean() })
      .map(({ bytes, files, links, whole, bridge }) => {
        const base = bridge ? rootPort(1) : pf(ADDRESS);
        const patch: [number, number[]][] = whole
          ? [[0, [...bytes.noise]]]
          : bytes.spots.map(([at, value]): [number, number[]] => [at, [value]]);
        return {
          config: { ...base.config, patch: [...(base.config.patch ?? []), ...patch] },
          driver: null,
          files: { ...base.files, ...files },
          links,
        };
      });
    const address = fc.nat(0x3ff).map((rid) => formatBdf(0, rid as RoutingId));
    const host = fc.record({
      functions: fc.dictionary(address, fn, { minKeys: 1, maxKeys: 5 }),
      files: fc.dictionary(
        fc.constantFrom(
          "/proc/cmdline",
          "/proc/modules",
          "/proc/interrupts",
          "/proc/net/route",
          "/proc/net/ipv6_route",
        ),
        text,
      ),
      log: fc.array(fc.oneof(text, fc.constant("pci_bus 0000:00: root bus resource [bus 00-ff]"))),
      complete: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(host, anyUse, fc.integer({ min: 1, max: 65535 }), async (host, use, vfs) => {
        const inventory = await readInventory(testKernel(host));
        const hostFacts = await readHostFacts(inventory.kernel);
        for (const fn of inventory.functions.values()) {
          const facts = await readPreflightFacts(inventory, hostFacts, fn, use);
          assert.equal(judge(facts, vfs).findings.length, use ? CHECKS.length : CHECKS.length - 1);
          assert.ok(["pass", "warn", "refuse", "unknown"].includes(judge(facts, undefined).verdict));
        }
      }),
      { numRuns: 250 },
    );
  });

  it("judges a PF and a function that is none alike, without throwing", async () => {
    const result = judge(
      await factsOf({ functions: { [bdf("00:00.0")]: { config: {} } } }, undefined, "0000:00:00.0"),
      undefined,
    );
    assert.deepEqual([result.verdict, result.largest], ["refuse", 0]);
  });
});
