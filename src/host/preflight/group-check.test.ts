import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import {
  hostWithPf,
  pf,
  preflightOf,
  rootPort,
  type TestFunction,
  type TestHost,
  type TestPf,
  vfFunctions,
} from "../testing/host-builder.ts";

const PF = "0000:03:00.0";

/** The lab's switch: x3130 upstream and xio3130 downstream ports without ACS, igb below. */
function switchHost(
  options: TestPf,
  changes: { acs?: boolean | null; above?: TestFunction } = {},
  rest: Partial<TestHost> = {},
): TestHost {
  const igb = options.numVfs ? vfFunctions(PF, options) : { [PF]: pf(PF, options) };
  return {
    ...rest,
    functions: {
      "0000:00:01.0": changes.above ?? rootPort(1, { subordinate: 3 }),
      "0000:01:00.0": rootPort(2, { subordinate: 3, portType: 5, acs: null }),
      "0000:02:00.0": rootPort(3, { portType: 6, acs: changes.acs ?? null }),
      ...igb,
      ...rest.functions,
    },
  };
}

describe("checkGroups", () => {
  it("passes below a root port with ACS: each VF in a group of its own (lab, igb)", async () => {
    const expected = {
      result: "pass",
      summary: /each of 7 VFs would have an IOMMU group of its own/,
      evidence: /Linux 6.12/,
    } as const;
    await assertFinding(hostWithPf({ driverLimit: 7 }), "isolation", expected, { use: "vfio" });
  });

  it("says of VFs behind a switch without ACS that they share a group with the port and the PF (lab)", async () => {
    const text = /share an IOMMU group with 0000:03:00.0, which this host uses/;
    const evidence = /VF 0 shares its group with 0000:02:00.0, 0000:03:00.0/;
    const refused = {
      result: "refuse",
      summary: /"group is not viable"/,
      evidence,
      largest: 0,
      remedy: /root port with ACS/,
    } as const;
    const result = await assertFinding(switchHost({}), "isolation", refused, { pf: PF, use: "vfio" });
    assert.match(result.findings.find(({ check }) => check === "isolation")?.summary ?? "", text);
    assert.deepEqual([result.verdict, result.largest], ["refuse", 0]);
    const warned = { result: "warn", summary: /no guest could have them/, evidence } as const;
    const { largest } = await assertFinding(switchHost({}), "isolation", warned, { pf: PF });
    assert.equal(largest, 8);
  });

  it("passes behind a switch with ACS", async () => {
    await assertFinding(
      switchHost({}, { acs: true }),
      "isolation",
      { result: "pass", summary: /of its own/ },
      { pf: PF, use: "vfio" },
    );
  });

  it("warns where the group's other members would let a guest have it (driver_managed_dma)", async () => {
    for (const driver of ["vfio-pci", "pci-stub", "mlx5_vfio_pci", "hisi-acc-vfio-pci"]) {
      const expected = { result: "warn", summary: /8 of 8 VFs share IOMMU groups/ } as const;
      await assertFinding(switchHost({ driver }), "isolation", expected, { pf: PF, use: "vfio", vfs: 8 });
    }
  });

  it("does not say whether a member is in the way whose driver nobody saw", async () => {
    const dump = switchHost({ driver: null }, {}, { complete: false });
    const expected = { result: "unknown", summary: /0000:03:00.0, whose driver is not known/, remedy: /ACS/ } as const;
    await assertFinding(dump, "isolation", expected, { pf: PF, use: "vfio" });
  });

  it("says the same with VFs there as without", async () => {
    const expected = { result: "refuse", summary: /0000:03:00.0/, largest: 0 } as const;
    await assertFinding(switchHost({ numVfs: 3 }), "isolation", expected, { pf: PF, use: "vfio", vfs: 3 });
    await assertFinding(
      hostWithPf({ numVfs: 3 }),
      "isolation",
      { result: "pass", summary: /each of 3 VFs/ },
      { use: "vfio" },
    );
  });

  it("sees VFs of another PF in the way", async () => {
    const other = "0000:03:00.1";
    const functions = vfFunctions(other, { numVfs: 1, firstVfOffset: 128 });
    const expected = { result: "refuse", summary: /0000:03:00.0, 0000:03:00.1, 0000:03:10.1/, largest: 0 } as const;
    await assertFinding(switchHost({ multiFunction: true }, {}, { functions }), "isolation", expected, {
      pf: PF,
      use: "vfio",
    });
  });

  it("sees what else hangs from a slot of root ports that share a group", async () => {
    const ports = { "0000:00:01.0": rootPort(1, { acs: false }), "0000:00:01.1": rootPort(2, { acs: false }) };
    const multi = Object.fromEntries(
      Object.entries(ports).map(([at, fn]) => [at, { ...fn, config: { ...fn.config, multiFunction: true } }]),
    );
    const functions = { ...multi, "0000:01:00.0": pf("0000:01:00.0"), ...vfFunctions("0000:02:00.0", { numVfs: 1 }) };
    const expected = { result: "refuse", summary: /0000:01:00.0, 0000:02:00.0, 0000:02:10.0/, largest: 0 } as const;
    await assertFinding({ functions }, "isolation", expected, { use: "vfio" });
  });

  it("counts the controls that the kernel would set where no IOMMU is on", async () => {
    const host = hostWithPf({}, { functions: { "0000:00:01.0": rootPort(1, { acs: false }) } });
    const shared = {
      result: "refuse",
      summary: /0000:01:00.0/,
      evidence: /off: ACS Source Validation/,
      largest: 0,
    } as const;
    await assertFinding(host, "isolation", shared, { use: "vfio" });
    const off = { ...host, iommu: false };
    await assertFinding(
      off,
      "isolation",
      { result: "pass", summary: /of its own/, evidence: /as the kernel would set it/ },
      { use: "vfio" },
    );
  });

  it("is unknown where a port's ACS was not read", async () => {
    const port = rootPort(1);
    const short = { ...port, config: { ...port.config, readBytes: 256 } };
    const host = hostWithPf({}, { functions: { "0000:00:01.0": short }, complete: false });
    const expected = { result: "unknown", summary: /cannot be told/, evidence: /0000:00:01.0: .*not read/ } as const;
    await assertFinding(host, "isolation", expected, { use: "vfio" });
  });

  it("is unknown where VFs have no addresses", async () => {
    await assertFinding(hostWithPf({ readBytes: 64 }), "isolation", { result: "unknown", summary: /cannot be told/ });
    const clash = hostWithPf({}, { functions: { "0000:01:10.4": { config: { portType: 0 } } } });
    await assertFinding(clash, "isolation", { result: "unknown", summary: /address of its own/ }, { vfs: 3 });
  });

  it("judges two modes of one host apart", async () => {
    // The model of a host is kept; with an IOMMU and without it is another.
    const host = hostWithPf({}, { functions: { "0000:00:01.0": rootPort(1, { acs: false }) } });
    const on = await preflightOf(host, { use: "vfio" });
    const off = await preflightOf({ ...host, iommu: false }, { use: "vfio" });
    const results = [on, off].map(({ findings }) => findings.find(({ check }) => check === "isolation")?.result);
    assert.deepEqual(results, ["refuse", "pass"]);
  });
});
