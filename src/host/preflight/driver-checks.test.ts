import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import { hostWithPf, preflightOf, type TestHost, type TestPf } from "../testing/host-builder.ts";

const VFIO_SWITCH = "/sys/module/vfio_pci/parameters/enable_sriov";

function onVfio(enableSriov: string | undefined, options: TestPf = {}): TestHost {
  return hostWithPf({ ...options, driver: "vfio-pci" }, { files: { [VFIO_SWITCH]: enableSriov } });
}

describe("checkPfDriver", () => {
  it("passes a driver that makes VFs", async () => {
    await assertFinding(hostWithPf({}), "pf-driver", {
      result: "pass",
      summary: /igb makes VFs/,
      evidence: /driver igb/,
    });
    await assertFinding(hostWithPf({ driver: "pci-pf-stub" }), "pf-driver", { result: "pass", summary: /pci-pf-stub/ });
  });

  it("refuses a PF without a driver: ENOENT (sriov_numvfs_store)", async () => {
    const expected = {
      result: "refuse",
      summary: /no driver \(ENOENT\)/,
      largest: 0,
      errno: "ENOENT",
      remedy: /pci-pf-stub/,
    } as const;
    const result = await assertFinding(hostWithPf({ driver: null }), "pf-driver", expected);
    assert.equal(result.largest, 0);
  });

  it("warns alone where the number asked for is there: the kernel answers that before it looks for a driver", async () => {
    const host = hostWithPf({ driver: null, numVfs: 3 });
    const there = { result: "warn", summary: /no driver.*3 VFs that exist stay/ } as const;
    const result = await assertFinding(host, "pf-driver", there, { vfs: 3 });
    assert.equal(result.largest, 3);
    await assertFinding(host, "pf-driver", { result: "refuse", summary: /ENOENT/, largest: 3 }, { vfs: 2 });
  });

  it("refuses a PF on vfio-pci without enable_sriov: ENOENT (kernel-lab.md)", async () => {
    const expected = {
      result: "refuse",
      summary: /vfio-pci, which makes no VFs \(ENOENT\)/,
      evidence: /enable_sriov is N/,
      largest: 0,
      remedy: /enable_sriov to Y/,
    } as const;
    await assertFinding(onVfio("N\n"), "pf-driver", expected);
  });

  it("warns of a PF on vfio-pci with enable_sriov: a VF token is needed", async () => {
    await assertFinding(onVfio("Y\n"), "pf-driver", { result: "warn", summary: /whose user decides/, remedy: /token/ });
    await assertFinding(onVfio(undefined), "pf-driver", { result: "unknown", summary: /could not be read/ });
  });

  it("refuses bnxt while its interface is down: the write succeeds with 0 VFs (diagnosis 13)", async () => {
    const bnxt = (net: TestPf["net"]) => hostWithPf({ driver: "bnxt_en", ...(net ? { net } : {}) });
    const expected = {
      result: "refuse",
      summary: /no VFs while the PF's interface is down/,
      largest: 0,
      remedy: /ip link set/,
    } as const;
    await assertFinding(bnxt({ eno1: false }), "pf-driver", expected);
    await assertFinding(bnxt({ eno1: true }), "pf-driver", { result: "pass", summary: /bnxt_en/ });
    // In another network namespace, it may be up or not.
    await assertFinding(bnxt(undefined), "pf-driver", { result: "unknown", summary: /could not be read/ });
    const dump = hostWithPf({ driver: "bnxt_en" }, { complete: false });
    await assertFinding(dump, "pf-driver", { result: "unknown", summary: /could not be read/ });
  });

  it("refuses igb whose MSI-X is off: EPERM (igb_enable_sriov, as the lab's no-msi shows)", async () => {
    const off = { msix: { vectors: 10, enable: false } };
    const expected = { result: "refuse", summary: /MSI-X of the PF is off/, largest: 0, errno: "EPERM" } as const;
    const result = await assertFinding(hostWithPf(off), "pf-driver", expected);
    assert.equal(result.largest, 0);
    // Others find a way without, or nobody knows.
    await assertFinding(hostWithPf({ ...off, driver: "ixgbe" }), "pf-driver", { result: "pass", summary: /ixgbe/ });
  });

  it("refuses a virtio device that no driver has, or whose driver takes no VFs (virtio_pci_sriov_configure)", async () => {
    const features = (srIov: string) => `${"1".repeat(37)}${srIov}${"0".repeat(26)}\n`;
    const onVirtio = (status: string, srIov: string) =>
      hostWithPf({
        driver: "virtio-pci",
        files: { "virtio3/status": `${status}\n`, "virtio3/features": features(srIov) },
      });
    await assertFinding(onVirtio("0x0000000f", "1"), "pf-driver", { result: "pass", summary: /virtio-pci makes VFs/ });
    await assertFinding(onVirtio("0x00000001", "0"), "pf-driver", {
      result: "refuse",
      summary: /has no driver/,
      evidence: /status is 0x01/,
      largest: 0,
      errno: "EBUSY",
      remedy: /virtio_net/,
    });
    await assertFinding(onVirtio("0x0000000f", "0"), "pf-driver", {
      result: "refuse",
      summary: /VIRTIO_F_SR_IOV/,
      largest: 0,
      errno: "EINVAL",
    });
    await assertFinding(hostWithPf({ driver: "virtio-pci" }), "pf-driver", {
      result: "unknown",
      summary: /not be read/,
    });
  });

  it("warns that QAT enables all VFs, whatever number is written", async () => {
    const qat = hostWithPf({ driver: "c6xx", totalVfs: 16, vfStride: 1 });
    await assertFinding(qat, "pf-driver", { result: "warn", summary: /all 16 VFs/, remedy: /16/ }, { vfs: 4 });
    await assertFinding(qat, "pf-driver", { result: "pass", summary: /c6xx makes VFs/ }, { vfs: 16 });
  });

  it("judges all the VFs that QAT enables, not those asked for", async () => {
    const host = hostWithPf({
      driver: "c6xx",
      totalVfs: 16,
      firstVfOffset: 248,
      vfStride: 1,
      ariCapableHierarchy: false,
    });
    const { largest, findings } = await preflightOf(host, { vfs: 4 });
    const bus = findings.find(({ check }) => check === "bus-numbers");
    assert.match(bus?.summary ?? "", /VF 15: bus 02 out of range of \[bus 01\]/);
    assert.deepEqual([bus?.result, bus?.largest, largest], ["refuse", 0, 0]);
    assert.doesNotMatch(bus?.remedy ?? "", /at most/);
  });

  it("warns that VFs of nvme need resources first (kernel-lab.md, NVMe)", async () => {
    await assertFinding(hostWithPf({ driver: "nvme" }), "pf-driver", {
      result: "warn",
      summary: /queues and interrupts/,
      remedy: /virt-mgmt/,
    });
  });

  it("is unknown for a driver that it does not know, and for one that was not seen", async () => {
    await assertFinding(hostWithPf({ driver: "i915" }), "pf-driver", {
      result: "unknown",
      summary: /i915.*not known/,
      remedy: /sriov_configure/,
    });
    await assertFinding(hostWithPf({ driver: null }, { complete: false }), "pf-driver", {
      result: "unknown",
      summary: /not known/,
    });
    // No property of every object is a driver.
    await assertFinding(hostWithPf({ driver: "constructor" }), "pf-driver", {
      result: "unknown",
      summary: /constructor/,
    });
  });
});

describe("checkMsix", () => {
  it("passes a PF with MSI-X on", async () => {
    await assertFinding(hostWithPf({}), "msix", {
      result: "pass",
      summary: /MSI-X is there/,
      evidence: /10 vectors, enabled/,
    });
  });

  it("refuses a PF without MSI-X whose driver needs it (igb_enable_sriov: EPERM)", async () => {
    await assertFinding(hostWithPf({ msix: null }), "msix", {
      result: "refuse",
      summary: /no MSI-X, which igb needs/,
      largest: 0,
    });
    await assertFinding(hostWithPf({ msix: null, driver: "ena" }), "msix", { result: "pass", summary: /nothing says/ });
  });

  it("warns of MSI-X that is off", async () => {
    const host = hostWithPf({ msix: { vectors: 10, enable: false } });
    await assertFinding(host, "msix", {
      result: "warn",
      summary: /is off, which igb needs/,
      evidence: /not enabled/,
      remedy: /nomsi/,
    });
  });

  it("refuses more VFs than vectors, and says how many there can be (diagnosis 7)", async () => {
    const host = hostWithPf({ driver: "mlx5_core", files: { sriov_vf_total_msix: "3\n" } });
    const expected = {
      result: "refuse",
      summary: /3 vectors are fewer than 4 VFs/,
      evidence: /3 vectors for all VFs/,
      largest: 3,
      remedy: /at most 3/,
    } as const;
    const result = await assertFinding(host, "msix", expected, { vfs: 4 });
    assert.equal(result.largest, 3);
  });

  it("takes 0 for a driver that does not distribute vectors, as igb's (lab)", async () => {
    await assertFinding(hostWithPf({ files: { sriov_vf_total_msix: "0\n" } }), "msix", {
      result: "pass",
      summary: /is there/,
    });
  });

  it("leaves out what ice shows without VFs: less than nothing, without a sign", async () => {
    const host = hostWithPf({ driver: "ice", files: { sriov_vf_total_msix: "4294967222\n" } });
    const { findings } = await assertFinding(host, "msix", { result: "pass", summary: /is there/ });
    assert.doesNotMatch(JSON.stringify(findings), /4294967222/);
  });

  it("is unknown where the capabilities were not read to their end", async () => {
    const unknown = { result: "unknown", summary: /could not be read/ } as const;
    await assertFinding(hostWithPf({ readBytes: 64 }), "msix", unknown);
    // PCI Express at 40h was read, MSI-X at 80h not.
    await assertFinding(hostWithPf({ readBytes: 0x80 }), "msix", unknown);
  });
});

describe("checkUse", () => {
  it("is left out where nobody said what the VFs are for", async () => {
    const { findings } = await preflightOf(hostWithPf({}));
    assert.ok(!findings.some(({ check }) => check === "use"));
  });

  it("wants vfio-pci for guests", async () => {
    await assertFinding(hostWithPf({}), "use", { result: "pass", summary: /vfio-pci is loaded/ }, { use: "vfio" });
    const without = hostWithPf({}, { files: { "/proc/modules": "igb 1 0 - Live 0x0\n" } });
    await assertFinding(
      without,
      "use",
      { result: "warn", summary: /vfio-pci is not loaded/, remedy: /modprobe vfio-pci/ },
      { use: "vfio" },
    );
    const unread = hostWithPf({}, { files: { "/proc/modules": undefined } });
    await assertFinding(unread, "use", { result: "unknown", summary: /could not be read/ }, { use: "vfio" });
  });

  it("wants the VFs' own driver for the host's network", async () => {
    await assertFinding(hostWithPf({}), "use", { result: "pass", summary: /igbvf is loaded/ }, { use: "netdev" });
    await assertFinding(
      hostWithPf({ driver: "ixgbe" }),
      "use",
      { result: "warn", summary: /ixgbevf is not loaded/ },
      { use: "netdev" },
    );
    await assertFinding(
      hostWithPf({ driver: "mlx5_core" }),
      "use",
      { result: "pass", summary: /drives the VFs too/ },
      { use: "netdev" },
    );
    // A driver's name is not always its module's.
    const liquidio = hostWithPf({ driver: "LiquidIO" }, { files: { "/proc/modules": "liquidio_vf 1 0 - Live 0x0\n" } });
    await assertFinding(liquidio, "use", { result: "pass", summary: /liquidio_vf/ }, { use: "netdev" });
  });

  it("refuses a network of NVMe controllers, and the other way round", async () => {
    const expected = {
      result: "refuse",
      summary: /VFs of nvme are nvme devices, not netdev/,
      largest: 0,
      remedy: /--use nvme/,
    } as const;
    await assertFinding(hostWithPf({ driver: "nvme" }), "use", expected, { use: "netdev" });
    await assertFinding(
      hostWithPf({}),
      "use",
      { ...expected, summary: /VFs of igb are netdev/, remedy: /--use netdev/ },
      { use: "nvme" },
    );
  });

  it("warns where sriov_drivers_autoprobe is 0: a bind by hand gives ENODEV (kernel-lab.md, Drivers)", async () => {
    const host = hostWithPf({ files: { sriov_drivers_autoprobe: "0\n" } });
    await assertFinding(
      host,
      "use",
      { result: "warn", summary: /autoprobe is 0.*ENODEV/, remedy: /driver_override/ },
      { use: "netdev" },
    );
    await assertFinding(host, "use", { result: "pass", summary: /vfio-pci/ }, { use: "vfio" });
  });

  it("is unknown for drivers whose VFs it does not know", async () => {
    await assertFinding(
      hostWithPf({ driver: "pci-pf-stub" }),
      "use",
      { result: "unknown", summary: /not known/ },
      { use: "netdev" },
    );
    await assertFinding(
      hostWithPf({ driver: "mystery" }),
      "use",
      { result: "unknown", summary: /not known/ },
      { use: "nvme" },
    );
  });
});
