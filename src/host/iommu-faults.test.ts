import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IommuFaultLines } from "./iommu-faults.ts";

/** Each as a kernel wrote it. */
const REAL: readonly (readonly [line: string, device: string])[] = [
  [
    "[    1.000000] DMAR: [DMA Read NO_PASID] Request device [01:10.0] fault addr 0x100000 [fault reason 0x06] PTE Read access is not set",
    "01:10.0",
  ],
  [
    "[    1.000000] DMAR: [DMA Read] Request device [03:00.0] PASID ffffffff fault addr fffd3000 [fault reason 06] PTE Read access is not set",
    "03:00.0",
  ],
  [
    "[    1.000000] DMAR: [DMA Write] Request device [00:02.0] fault addr 6df084000 [fault reason 05] PTE Write access is not set",
    "00:02.0",
  ],
  ["[    1.000000] dmar: DMAR:[DMA Read] Request device [01:00.0] fault addr 37ae5000 ", "01:00.0"],
  [
    "[    1.000000] DMAR: [INTR-REMAP] Request device [04:00.1] fault index 0x1b [fault reason 0x26] Blocked an interrupt request due to source-id verification failure",
    "04:00.1",
  ],
  ["[    1.000000] dmar: INTR-REMAP: Request device [[f0:1f.7] fault index 8000", "f0:1f.7"],
  [
    "[ 5959.338214] vfio-pci 0000:04:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0037 address=0x7b657064 flags=0x0000]",
    "0000:04:10.0",
  ],
  [
    "[    1.000000] AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x001d address=0x000000000637c000 flags=0x0000]",
    "0a:00.0",
  ],
  [
    "[    1.000000] iommu ivhd0: AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=0000:41:00.0 pasid=0x00000 address=0xfffffffdf8000000 flags=0x0a00]",
    "0000:41:00.0",
  ],
];

/** As Linux up to 6.14 writes it, and as later ones do before they name the device. */
const SMMU = [
  "[  196.747107] arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:",
  "[  196.747109] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000018000000010",
  "[  196.747110] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020100000000",
  "[  196.747111] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x00000000ffffe040",
  "[  196.747113] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x00000000ffffe000",
];
const NAMED = [
  "[  196.747114] arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION client: 0000:01:10.0 sid: 0x180 ssid: 0x0 iova: 0xffffe040 ipa: 0x0",
  '[  196.747115] arm-smmu-v3 arm-smmu-v3.0.auto: unpriv data write s1 "Input address caused fault" stag: 0x0',
];
const UNNAMED =
  "[  196.747114] arm-smmu-v3 arm-smmu-v3.0.auto: event: C_BAD_STREAMID client: (unassigned sid) sid: 0x900 ssid: 0x0";

describe("IommuFaultLines", () => {
  it("finds the device of each fault, in the spelling of any kernel", () => {
    for (const [line, device] of REAL) assert.deepEqual(new IommuFaultLines().take([line]), [device], line);
  });

  it("takes nothing else for a fault", () => {
    const lines = [
      "[    1.000000] DMAR: DRHD: handling fault status reg 2",
      "[    1.000000] DMAR: [fault reason 05] PTE Write access is not set",
      "[    1.000000] dmar_fault: 12 callbacks suppressed",
      "[    1.000000] AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0000:01:00.0 address=0x100000]",
      "[    1.000000] iommu ivhd0: AMD-Vi: Event logged [COMMAND_HARDWARE_ERROR address=0x1 flags=0x0]",
      "[    1.000000] arm-smmu-v3 arm-smmu-v3.0.auto: allocated 65536 entries for evtq",
      "[    1.000000] pci 0000:01:10.0: Adding to iommu group 12",
    ];
    assert.deepEqual(new IommuFaultLines().take(lines), []);
  });

  it("an SMMU's record is one fault: of the device that is named behind it, else of its StreamID", () => {
    assert.deepEqual(new IommuFaultLines().take([...SMMU, ...SMMU]), ["sid 0x180", "sid 0x180"]);
    assert.deepEqual(new IommuFaultLines().take([...SMMU, ...NAMED, ...SMMU, UNNAMED]), ["0000:01:10.0", "sid 0x900"]);
    // Another processor's line stands between.
    const mixed = SMMU.toSpliced(1, 0, REAL[0]?.[0] ?? "");
    assert.deepEqual(new IommuFaultLines().take(mixed), ["01:10.0", "sid 0x180"]);
  });

  it("a record counts once wherever the log was cut into parts", () => {
    const all = [...SMMU, ...NAMED, ...SMMU, ...NAMED];
    for (let cut = 0; cut <= all.length; cut++) {
      const lines = new IommuFaultLines();
      const devices = [...lines.take(all.slice(0, cut)), ...lines.take(all.slice(cut))];
      assert.equal(devices.length, 2, `cut at ${cut}: ${devices}`);
    }
  });
});
