import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFinding, findingOf } from "../testing/assert-finding.ts";
import { hostWithPf, pf, preflightOf, rootPort, type TestHost, type TestPf } from "../testing/host-builder.ts";

const PF = "0000:83:00.0";

/** Intel's 82599: 64 VFs, of which ixgbe allows 63 (vendors.md). */
const IXGBE: TestPf = {
  deviceId: 0x10fb,
  vfDeviceId: 0x10ed,
  totalVfs: 64,
  driverLimit: 63,
  driver: "ixgbe",
  vfStride: 2,
};

/** The 82599 at 83:00.0 below a root port of buses 83-83 (standard.md, "Routing ID"). */
function ixgbeHost(options: TestPf, subordinate = 0x83): TestHost {
  const port = rootPort(0x83, { subordinate, ari: options.ari !== false });
  return { functions: { "0000:80:02.0": port, [PF]: pf(PF, { ...IXGBE, ...options }) } };
}

const WITHOUT_ARI: TestPf = { firstVfOffset: 384, ari: false, ariCapableHierarchy: false };

describe("checkBusNumbers", () => {
  it("refuses an 82599 that loses ARI: bus 84 out of range of [bus 83]", async () => {
    const expected = {
      result: "refuse",
      summary: /bus 84 out of range of \[bus 83\] behind 0000:80:02.0 \(ENOMEM\)/,
      evidence: /First VF Offset 384, VF Stride 2\nVF 0 would be 0000:84:10.0\n0000:80:02.0 passes on \[bus 83\]/,
      largest: 0,
      remedy: /ARI/,
    } as const;
    const result = await assertFinding(ixgbeHost(WITHOUT_ARI), "bus-numbers", expected, { pf: PF });
    assert.deepEqual([result.verdict, result.largest, result.count], ["refuse", 0, 1]);
    const asked = await preflightOf(ixgbeHost(WITHOUT_ARI), { pf: PF, vfs: 63 });
    assert.deepEqual([asked.verdict, asked.largest], ["refuse", 0]);
    assert.match(findingOf(asked, "bus-numbers").summary, /VF 62: bus 84 out of range of \[bus 83\]/);
  });

  it("passes the same host with ARI on, 128/2", async () => {
    const expected = { result: "pass", summary: /all VFs are on the PF's bus/, largest: 64 } as const;
    const result = await assertFinding(ixgbeHost({ firstVfOffset: 128 }), "bus-numbers", expected, { pf: PF });
    assert.deepEqual([result.verdict, result.largest, result.count], ["pass", 63, 63]);
  });

  it("refuses as the lab's kernel did: 384/2 behind a root port of [bus 01]", async () => {
    const host = hostWithPf({ driverLimit: 7, firstVfOffset: 384, ariCapableHierarchy: false });
    const expected = { result: "refuse", summary: /bus 02 out of range of \[bus 01\]/, largest: 0 } as const;
    await assertFinding(host, "bus-numbers", expected, { vfs: 2 });
  });

  it("passes where the port has the buses, and says which the last VF needs", async () => {
    const expected = {
      result: "pass",
      summary: /bus 84 is in range/,
      evidence: /passes on \[bus 83-84\]/,
      largest: 64,
    } as const;
    await assertFinding(ixgbeHost(WITHOUT_ARI, 0x84), "bus-numbers", expected, { pf: PF, vfs: 63 });
  });

  it("gives the largest number that fits: a bus for each VF, 256/256", async () => {
    const options: TestPf = { totalVfs: 16, firstVfOffset: 256, vfStride: 256 };
    const host: TestHost = {
      functions: { "0000:00:01.0": rootPort(1, { subordinate: 5 }), "0000:01:00.0": pf("0000:01:00.0", options) },
    };
    const expected = {
      result: "refuse",
      summary: /VF 15: bus 11 out of range of \[bus 01-05\]/,
      largest: 4,
      remedy: /at most 4 VFs/,
    } as const;
    const result = await assertFinding(host, "bus-numbers", expected, { vfs: 16 });
    assert.equal(result.largest, 4);
    await assertFinding(host, "bus-numbers", { result: "pass", summary: /bus 05 is in range/, largest: 4 }, { vfs: 4 });
  });

  it("looks at every bridge above, not at the nearest alone", async () => {
    const functions = {
      "0000:80:02.0": rootPort(0x81, { subordinate: 0x83 }),
      "0000:81:00.0": rootPort(0x82, { subordinate: 0x84, portType: 5 }),
      "0000:82:00.0": rootPort(0x83, { subordinate: 0x84, portType: 6 }),
      [PF]: pf(PF, { ...IXGBE, ...WITHOUT_ARI }),
    };
    const expected = {
      result: "refuse",
      summary: /bus 84 out of range of \[bus 81-83\] behind 0000:80:02.0 \(nothing would reach it\)/,
      largest: 0,
    } as const;
    await assertFinding({ functions }, "bus-numbers", expected, { pf: PF });
  });

  it("refuses VFs beyond bus ff", async () => {
    const host: TestHost = {
      functions: {
        "0000:00:01.0": rootPort(0xff),
        "0000:ff:00.0": pf("0000:ff:00.0", { firstVfOffset: 0xfe, vfStride: 1 }),
      },
    };
    const beyond = { result: "refuse", summary: /bus 100 out of range of \[bus ff\]/, largest: 2 } as const;
    await assertFinding(host, "bus-numbers", beyond, { pf: "ff:00.0", vfs: 3 });
  });

  it("refuses an address that another function has", async () => {
    const host = hostWithPf({}, { functions: { "0000:01:10.4": { config: { portType: 0 } } } });
    const expected = { result: "refuse", summary: /VF 2 would have the address of 0000:01:10.4/, largest: 2 } as const;
    const result = await assertFinding(host, "bus-numbers", expected, { vfs: 3 });
    assert.equal(result.largest, 2);
    await assertFinding(host, "bus-numbers", { result: "pass", summary: /PF's bus/, largest: 8 }, { vfs: 2 });
  });

  it("takes no offence at the VFs that the PF has now", async () => {
    await assertFinding(
      hostWithPf({ numVfs: 4 }),
      "bus-numbers",
      { result: "pass", summary: /PF's bus/, largest: 8 },
      { vfs: 4 },
    );
  });

  it("reads a root bus's range from the kernel log", async () => {
    const address = "0000:30:00.0";
    const options: TestPf = { portType: 9, firstVfOffset: 384, ariCapableHierarchy: false, link: null };
    const host: TestHost = { functions: { [address]: pf(address, options) } };
    const unknown = { result: "unknown", summary: /which buses the bridge above passes on/ } as const;
    await assertFinding(host, "bus-numbers", unknown, { pf: address });
    const log = ["pci_bus 0000:00: root bus resource [bus 00-2f]", "pci_bus 0000:30: root bus resource [bus 30-5f]"];
    const passed = {
      result: "pass",
      summary: /bus 31 is in range/,
      evidence: /host bridge passes on \[bus 30-5f\]/,
      largest: 8,
    } as const;
    await assertFinding({ ...host, log }, "bus-numbers", passed, { pf: address });
    const refused = { result: "refuse", summary: /bus 31 out of range of \[bus 30\]/, largest: 0 } as const;
    await assertFinding({ ...host, log: ["pci_bus 0000:30: root bus resource [bus 30]"] }, "bus-numbers", refused, {
      pf: address,
    });
  });

  it("does not take a root bus's range for that of a bus whose bridge is not in the source", async () => {
    const host: TestHost = {
      functions: { [PF]: pf(PF, { ...IXGBE, ...WITHOUT_ARI }) },
      log: ["pci_bus 0000:00: root bus resource [bus 00-fe]", "pci_bus 0000:80: root bus resource [bus 80-fe]"],
    };
    await assertFinding(host, "bus-numbers", { result: "unknown", summary: /not known/ }, { pf: PF });
  });

  it("is unknown where offset and stride were not read", async () => {
    const host = hostWithPf({ readBytes: 64, files: { sriov_offset: "", sriov_stride: "" } });
    await assertFinding(host, "bus-numbers", { result: "unknown", summary: /could not be read/ });
  });
});
