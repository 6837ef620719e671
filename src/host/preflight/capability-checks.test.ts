import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import { hostWithPf, pf, rootPort, type TestHost, type TestPf } from "../testing/host-builder.ts";

const DUMP = { complete: false };

/** igb has TotalVFs 8 in its registers and allows 7 (kernel-lab.md). */
const IGB: TestPf = { totalVfs: 8, driverLimit: 7 };

describe("checkLimits", () => {
  it("passes up to the driver's limit: igb has 8 and allows 7", async () => {
    const host = hostWithPf(IGB);
    await assertFinding(
      host,
      "limits",
      { result: "pass", summary: /7 of at most 7 .*hardware has 8/, largest: 7 },
      { vfs: 7 },
    );
  });

  it("refuses more than the driver's limit: 8 on igb is ERANGE (kernel-lab.md)", async () => {
    const expected = {
      result: "refuse",
      summary: /8 VFs are more than the 7/,
      evidence: /driver limit 7/,
      largest: 7,
      remedy: /at most 7/,
    } as const;
    await assertFinding(hostWithPf(IGB), "limits", expected, { vfs: 8 });
  });

  it("refuses a PF that offers none, and names mlx5's firmware switch (diagnosis 9)", async () => {
    const mlx5 = { totalVfs: 0, driver: "mlx5_core", vfBars: [] } as const;
    const expected = {
      result: "refuse",
      summary: /offers no VFs/,
      evidence: /TotalVFs 0/,
      largest: 0,
      remedy: /SRIOV_EN=1/,
    } as const;
    await assertFinding(hostWithPf({ ...mlx5, driverLimit: null }), "limits", expected);
    await assertFinding(hostWithPf({ totalVfs: 8, driverLimit: 0 }), "limits", {
      ...expected,
      evidence: /TotalVFs 8/,
      remedy: /BIOS/,
    });
  });

  it("refuses what the kernel takes for no PF: sriov_init failed, and there is no sriov_totalvfs", async () => {
    const expected = {
      result: "refuse",
      summary: /no Physical Function/,
      largest: 0,
      remedy: /CONFIG_PCI_IOV/,
    } as const;
    await assertFinding(hostWithPf({ driverLimit: null }), "limits", expected);
  });

  it("refuses a function without the capability", async () => {
    const host: TestHost = { functions: { "0000:01:00.0": { config: { portType: 0 } } } };
    await assertFinding(host, "limits", {
      result: "refuse",
      summary: /no SR-IOV capability/,
      largest: 0,
      remedy: /scan/,
    });
  });

  it("does not pass by TotalVFs alone, which a driver may have lowered", async () => {
    const host = hostWithPf({ driverLimit: null }, DUMP);
    await assertFinding(host, "limits", { result: "unknown", summary: /has 8 VFs.*not known/ }, { vfs: 8 });
    const refused = { result: "refuse", summary: /9 VFs are more than the 8/, largest: 8 } as const;
    await assertFinding(host, "limits", refused, { vfs: 9 });
  });

  it("takes the driver's limit where the registers were not readable", async () => {
    const host = hostWithPf({ ...IGB, readBytes: 64 });
    await assertFinding(host, "limits", { result: "pass", summary: /at most 7/, largest: 7 }, { vfs: 7 });
  });
});

describe("checkPresentVfs", () => {
  it("passes without VFs, and with the number that is there: the kernel changes nothing", async () => {
    await assertFinding(hostWithPf(IGB), "present-vfs", { result: "pass", summary: /no VFs/, evidence: /NumVFs 0/ });
    const host = hostWithPf({ ...IGB, numVfs: 3 });
    await assertFinding(
      host,
      "present-vfs",
      { result: "pass", summary: /\(3\).*changes nothing/, evidence: /NumVFs 3/ },
      { vfs: 3 },
    );
  });

  it("refuses another number while VFs exist: EBUSY, and says who uses them", async () => {
    const host = hostWithPf({ ...IGB, numVfs: 3 });
    const expected = {
      result: "refuse",
      summary: /3 VFs exist.*EBUSY/,
      evidence: /VF 2 has driver igbvf/,
      remedy: /write 0 to sriov_numvfs and then 5/,
    } as const;
    await assertFinding(host, "present-vfs", expected, { vfs: 5 });
  });

  it("is unknown where neither registers nor sysfs tell", async () => {
    const host = hostWithPf({ ...IGB, readBytes: 64, files: { sriov_numvfs: "" } });
    await assertFinding(host, "present-vfs", { result: "unknown", summary: /could not be read/ });
  });
});

describe("checkConsistency", () => {
  it("passes a capability that agrees with itself", async () => {
    await assertFinding(hostWithPf(IGB), "capability", {
      result: "pass",
      summary: /consistent/,
      evidence: /InitialVFs 8, TotalVFs 8/,
    });
  });

  it("refuses InitialVFs that differ from TotalVFs (sriov_enable: EIO)", async () => {
    const expected = {
      result: "refuse",
      summary: /InitialVFs is 4, TotalVFs 8.*EIO/,
      largest: 0,
      remedy: /firmware/,
    } as const;
    await assertFinding(hostWithPf({ initialVfs: 4 }), "capability", expected, { vfs: 1 });
    const more = { ...expected, summary: /InitialVFs is 9, TotalVFs 8/ };
    await assertFinding(hostWithPf({ initialVfs: 9, vfMigrationCapable: true }), "capability", more, { vfs: 1 });
  });

  it("warns of VFs that only VF migration brings (sriov_enable adds InitialVFs at most)", async () => {
    const host = hostWithPf({ initialVfs: 4, vfMigrationCapable: true });
    await assertFinding(host, "capability", { result: "pass", summary: /consistent/ }, { vfs: 4 });
    await assertFinding(
      host,
      "capability",
      { result: "warn", summary: /no more than 4 appear/, remedy: /at most 4/ },
      { vfs: 5 },
    );
  });

  it("refuses a capability without page sizes (sriov_init: EIO)", async () => {
    const expected = {
      result: "refuse",
      summary: /no page size.*EIO/,
      evidence: /Supported Page Sizes 0h/,
      largest: 0,
    } as const;
    await assertFinding(hostWithPf({ pageSizes: 0 }), "capability", expected);
  });

  it("refuses VFs without an offset or a stride of their own, once the device shows them (compute_max_vf_buses: EIO)", async () => {
    const none = { result: "refuse", summary: /Offset or VF Stride is 0.*EIO/, largest: 0 } as const;
    const host = (options: TestPf): TestHost => ({ functions: { "0000:01:00.0": pf("0000:01:00.0", options) } });
    await assertFinding(host({ numVfs: 2, firstVfOffset: 0 }), "capability", none);
    await assertFinding(host({ numVfs: 2, vfStride: 0 }), "capability", { ...none, largest: 1 }, { vfs: 2 });
    await assertFinding(
      host({ numVfs: 1, vfStride: 0 }),
      "capability",
      { result: "pass", summary: /consistent/ },
      { vfs: 1 },
    );
  });

  it("leaves it open while NumVFs is 0: both may change with it (PCIe 6.0 §9.3.3.9)", async () => {
    const host = hostWithPf({ firstVfOffset: 0, vfStride: 0 });
    await assertFinding(host, "capability", {
      result: "unknown",
      summary: /may show them later/,
      evidence: /Offset 0, VF Stride 0 at NumVFs 0/,
    });
    await assertFinding(host, "bus-numbers", { result: "unknown", summary: /not known/ });
  });

  it("is unknown where the capability was not read", async () => {
    const host = hostWithPf({ readBytes: 256 });
    await assertFinding(host, "capability", { result: "unknown", summary: /could not be read/ });
    const part = hostWithPf({ readBytes: 0x118 });
    await assertFinding(part, "capability", { result: "unknown", summary: /in part/ });
  });
});

describe("checkDependencyLink", () => {
  const second = "0000:01:00.1";
  function host(link: number, others: TestHost["functions"], complete = true): TestHost {
    const functions = {
      "0000:00:01.0": rootPort(1),
      "0000:01:00.0": pf("0000:01:00.0", { dependencyLink: link }),
      ...others,
    };
    return { functions, complete };
  }

  it("passes a PF that depends on itself alone", async () => {
    await assertFinding(host(0, {}), "dependency-link", { result: "pass", summary: /no other/, evidence: /Link 00/ });
  });

  it("passes a PF that depends on another PF", async () => {
    const others = { [second]: pf(second) };
    await assertFinding(host(1, others), "dependency-link", {
      result: "pass",
      summary: /depends on 0000:01:00.1, which is/,
    });
  });

  it("refuses where the other function is not there: ENODEV", async () => {
    const expected = {
      result: "refuse",
      summary: /0000:01:00.1.*not there.*ENODEV/,
      evidence: /Link 01/,
      largest: 0,
      remedy: /rescan/,
    } as const;
    await assertFinding(host(1, {}), "dependency-link", expected);
  });

  it("refuses where the other function is no PF: ENOSYS", async () => {
    const expected = { result: "refuse", summary: /no Physical Function.*ENOSYS/, largest: 0 } as const;
    const plain = { [second]: { config: { portType: 0 } } };
    await assertFinding(host(1, plain), "dependency-link", expected);
    // sriov_init leaves a function with TotalVFs 0 without is_physfn.
    const none = { [second]: pf(second, { totalVfs: 0, driverLimit: null, vfBars: [] }) };
    await assertFinding(host(1, none), "dependency-link", expected);
  });

  it("is unknown where the source says nothing of the other function", async () => {
    const unknown = { result: "unknown", summary: /says nothing/ } as const;
    await assertFinding(host(1, {}, false), "dependency-link", unknown);
    const short = { [second]: { config: { portType: 0, readBytes: 64 } } };
    await assertFinding(host(1, short, false), "dependency-link", { result: "unknown", summary: /not read/ });
  });

  it("takes only the function number of a Root Complex integrated endpoint's link (sriov_init)", async () => {
    const rciep = pf("0000:00:05.1", { portType: 9, dependencyLink: 0x01, link: null });
    const functions = { "0000:00:05.1": rciep };
    await assertFinding({ functions }, "dependency-link", { result: "pass", summary: /no other/ }, { pf: "00:05.1" });
  });
});
