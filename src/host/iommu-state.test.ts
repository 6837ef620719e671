import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUnread } from "../kernel/port.ts";
import { readIommuState } from "./iommu-state.ts";
import { type TestHost, testKernel } from "./testing/host-builder.ts";

function state(host: Partial<TestHost>) {
  return readIommuState(
    testKernel({ functions: { "0000:00:01.0": { config: {} }, "0000:00:02.0": { config: {} } }, ...host }),
  );
}

async function remapping(interrupts: string | undefined, log: readonly string[] = []) {
  const { interruptRemapping } = await state({ files: { "/proc/interrupts": interrupts }, log });
  return isUnread(interruptRemapping)
    ? interruptRemapping.errno
    : `${interruptRemapping.on ? "on" : "off"}: ${interruptRemapping.shownBy}`;
}

describe("readIommuState", () => {
  it("counts groups and names the kinds of unit, each once", async () => {
    const files = {
      "/sys/class/iommu/dmar1/x": "",
      "/sys/class/iommu/ivhd0/x": "",
      "/sys/class/iommu/smmu3.0x1/x": "",
      "/sys/class/iommu/arm-smmu/x": "",
    };
    const { groupCount, units } = await state({ files });
    assert.deepEqual([groupCount, units], [2, ["arm-smmu", "VT-d", "AMD-Vi", "SMMUv3"]]);
  });

  it("finds no groups where no IOMMU is on", async () => {
    const { groupCount, units } = await state({ iommu: false });
    assert.deepEqual([groupCount, units], [0, []]);
  });

  it("is unread where the source holds neither", async () => {
    const { groupCount, units, interruptRemapping } = await state({ complete: false });
    assert.deepEqual([groupCount, units, interruptRemapping].map(isUnread), [true, true, true]);
  });

  it("takes remapped vectors for interrupt remapping that is on (IRQ_DOMAIN_FLAG_ISOLATED_MSI)", async () => {
    // Linux 6.12 on Intel and AMD (msi_lib's prefix IR-), an older kernel, IO-APICs alone, Arm's GICv3 ITS.
    for (const chip of [
      "IR-PCI-MSIX-0000:01:00.0",
      "IR-PCI-MSI",
      "IR-IO-APIC",
      "IR-PCI-MSI-0000:00:1f.3",
      "ITS-PCI-MSIX-0000:03:00.0",
      "ITS-MSI",
    ]) {
      assert.equal(await remapping(` 24:  0  0  ${chip}  1-edge  eno1\n`), `on: /proc/interrupts has ${chip}`);
    }
  });

  it("takes plain vectors for interrupt remapping that is off", async () => {
    for (const chip of ["PCI-MSIX-0000:01:00.0", "PCI-MSI", "IO-APIC", "GICv2m-PCI-MSI-0000:00:01.0"]) {
      assert.equal(
        await remapping(` 24:  0  0  ${chip}  1-edge  eno1\n`),
        `off: /proc/interrupts has ${chip} and no IR-`,
      );
    }
    // The IOMMU's own vector is never remapped.
    assert.match(await remapping(" 24: 0 DMAR-MSI 0-edge dmar0\n 25: 0 IR-PCI-MSI 0-edge eno1\n"), /^on/);
  });

  it("takes no other chip and no action's name for one of them", async () => {
    assert.equal(await remapping(" 24: 0 DMAR-MSI 0-edge dmar0\n 1: 0 XIVE-IRQ 4096 Edge IR-receiver\n"), "ENODATA");
    assert.equal(await remapping(" 24: 0 PNV-PCI-MSI 0-edge eno1\n"), "ENODATA");
  });

  it("asks the kernel log where no vector tells", async () => {
    const intel = "DMAR-IR: Enabled IRQ remapping in x2apic mode";
    assert.equal(await remapping("nothing\n", ["x", intel]), `on: kernel log: ${intel}`);
    assert.match(await remapping(undefined, ["AMD-Vi: Interrupt remapping enabled"]), /^on/);
    assert.equal(await remapping(undefined, ["x"]), "ENOENT");
  });
});
