import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import { hostWithPf, pf, rootPort, type TestFunction, type TestHost, type TestPf } from "../testing/host-builder.ts";

const ADDRESS = "0000:01:00.0";

/** From the lab (kernel-lab.md): the root port's window is too small, and BAR 3 of the VFs got no place at boot. */
const NO_SPACE = "pci 0000:01:00.0: VF BAR 3 [mem size 0x00020000 64bit pref]: can't assign; no space";
const COUNTED = "pci 0000:01:00.0: VF BAR 3 [mem 0x00000000-0x0001ffff]: contains BAR 3 for 8 VFs";
const BAR0 = { index: 0, address: 0x3801_0000_0000n };

function host(options: TestPf, changes: Partial<TestFunction> = {}, rest: Partial<TestHost> = {}): TestHost {
  const fn = pf(ADDRESS, options);
  return {
    ...rest,
    functions: {
      "0000:00:01.0": rootPort(1),
      [ADDRESS]: { ...fn, ...changes, files: { ...fn.files, ...changes.files } },
    },
  };
}

describe("checkBarSpace", () => {
  it("passes apertures of one VF's size times TotalVFs (standard.md, VF BARs)", async () => {
    const expected = {
      result: "pass",
      summary: /space for 8 VFs is assigned/,
      evidence: /VF BAR 0: 8 x 16 KiB = 128 KiB at 0x380100000000/,
    } as const;
    await assertFinding(host({}), "vf-bar-space", expected);
  });

  it("refuses a VF BAR without address space: its resource line is of zeros (lab)", async () => {
    const expected = {
      result: "refuse",
      summary: /VF BAR 3 \(ENOMEM, "not enough MMIO resources for SR-IOV"\)/,
      evidence: /can't assign; no space/,
      largest: 0,
      remedy: /Above 4G Decoding.*pci=realloc/,
    } as const;
    const unassigned = host({ vfBars: [BAR0, { index: 3, address: 0n }] }, {}, { log: [NO_SPACE] });
    const result = await assertFinding(unassigned, "vf-bar-space", expected, { vfs: 1 });
    assert.deepEqual([result.verdict, result.largest], ["refuse", 0]);
    const none = { ...expected, summary: /VF BAR 0 and 3/, evidence: /holds 0x00000000/ };
    await assertFinding(
      host({
        vfBars: [
          { index: 0, address: 0n },
          { index: 3, address: 0n },
        ],
      }),
      "vf-bar-space",
      none,
    );
  });

  it("comes before the bus numbers, as in sriov_enable", async () => {
    const both = host({ vfBars: [{ index: 0, address: 0n }], firstVfOffset: 384, ariCapableHierarchy: false });
    const { findings } = await assertFinding(both, "vf-bar-space", { result: "refuse", summary: /ENOMEM/, largest: 0 });
    const refusals = findings.filter(({ result }) => result === "refuse").map(({ check }) => check);
    assert.deepEqual(refusals, ["vf-bar-space", "bus-numbers"]);
  });

  it("refuses a range that the kernel marked as unset (IORESOURCE_UNSET)", async () => {
    const zeros = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
    const unset = "0x0000000000000000 0x000000000001ffff 0x000000002014220c\n";
    const resource = zeros.repeat(7) + unset + zeros.repeat(5);
    const bars = { vfBars: [{ index: 0, address: 0n }] };
    await assertFinding(host(bars, { files: { resource } }), "vf-bar-space", {
      result: "refuse",
      summary: /VF BAR 0/,
      largest: 0,
    });
  });

  it("knows from the log of a 32-bit VF BAR whose register reads zero", async () => {
    const bars: TestPf = { vfBars: [BAR0, { index: 3, address: 0n, type: 0 }] };
    await assertFinding(host(bars), "vf-bar-space", { result: "pass", summary: /assigned/ });
    const refused = { result: "refuse", summary: /VF BAR 3/, largest: 0 } as const;
    await assertFinding(host(bars, {}, { log: [COUNTED] }), "vf-bar-space", refused);
    await assertFinding(host(bars, {}, { log: [NO_SPACE] }), "vf-bar-space", refused);
    const old = ["pci 0000:01:00.0: BAR 10: no space for [mem size 0x00020000 64bit]"];
    await assertFinding(host(bars, {}, { log: old }), "vf-bar-space", refused);
  });

  it("takes no failure of the log for the last word where the kernel found a place later", async () => {
    await assertFinding(host({}, {}, { log: [NO_SPACE, COUNTED] }), "vf-bar-space", {
      result: "pass",
      summary: /assigned/,
    });
    const others = [
      NO_SPACE.replace("01:00.0", "02:00.0"),
      "pci 0000:01:00.0: BAR 6: no space for [mem size 0x80000 pref]",
    ];
    await assertFinding(host({ vfBars: [BAR0] }, {}, { log: others }), "vf-bar-space", {
      result: "pass",
      summary: /assigned/,
    });
  });

  it("is unknown where no VF BAR shows itself", async () => {
    await assertFinding(host({ vfBars: [] }), "vf-bar-space", { result: "unknown", summary: /zeros do not tell/ });
  });

  it("refuses space outside the windows of a bridge above", async () => {
    const outside = host({ vfBars: [{ index: 0, address: 0x4000_0000_0000n }] });
    const expected = {
      result: "refuse",
      summary: /VF BAR 0 at 0x400000000000 is outside the windows of 0000:00:01.0/,
      evidence: /passes on 0xe0000000-0xefffffff \(256 MiB\)/,
      largest: 0,
    } as const;
    await assertFinding(outside, "vf-bar-space", expected);
    // The last VFs alone.
    const across = host({ vfBars: [{ index: 0, address: 0x38ff_ffff_0000n, vfSizeBytes: 0x4000n }] });
    await assertFinding(across, "vf-bar-space", { result: "refuse", summary: /outside/, largest: 0 });
  });

  it("compares bus addresses with windows, not the CPU's, which differ on some machines", async () => {
    const lines = Array.from({ length: 13 }, (_, index) =>
      index === 7
        ? "0x0000008000000000 0x000000800001ffff 0x000000000014220c"
        : "0x0000000000000000 0x0000000000000000 0x0000000000000000",
    );
    const bars: TestPf = { vfBars: [{ index: 0, address: 0xe000_0000n, type: 0 }] };
    await assertFinding(host(bars, { files: { resource: `${lines.join("\n")}\n` } }), "vf-bar-space", {
      result: "pass",
      summary: /assigned/,
    });
  });

  it("is unknown where the space is not TotalVFs times a power of two", async () => {
    const resource = pf(ADDRESS, { totalVfs: 6 }).files?.resource;
    const expected = { result: "unknown", summary: /VF BAR 0 does not divide into 8 VFs/, remedy: /rescan/ } as const;
    await assertFinding(host({}, { files: { resource } }), "vf-bar-space", expected);
  });

  describe("without a resource file", () => {
    const dump = (options: TestPf, functions: TestHost["functions"] = {}): TestHost => {
      const { functions: own } = host(options, { files: { resource: undefined } });
      return { functions: { ...own, ...functions }, complete: false };
    };

    it("is unknown while sizes are", async () => {
      await assertFinding(dump({}), "vf-bar-space", { result: "unknown", summary: /how large they are/ });
    });

    it("refuses registers without an address, and addresses outside the windows", async () => {
      const unassigned: TestPf = { vfBars: [{ index: 0, address: 0n }] };
      await assertFinding(dump(unassigned), "vf-bar-space", { result: "refuse", summary: /VF BAR 0/, largest: 0 });
      const outside: TestPf = { vfBars: [{ index: 0, address: 0x10_0000n }] };
      await assertFinding(dump(outside), "vf-bar-space", { result: "refuse", summary: /outside/, largest: 0 });
    });

    it("passes where VF 0 shows the sizes", async () => {
      const options: TestPf = { numVfs: 1, vfBars: [{ index: 0, address: 0x3801_0000_0000n }] };
      const resource = "0x0000380100000000 0x0000380100003fff 0x000000000014220c\n";
      const vf = {
        "0000:01:10.0": { config: { vendorId: 0xffff, deviceId: 0xffff, portType: 0 }, files: { resource } },
      };
      const expected = { result: "pass", summary: /8 VFs/, evidence: /8 x 16 KiB = 128 KiB/ } as const;
      await assertFinding(dump(options, vf), "vf-bar-space", expected, { vfs: 1 });
    });

    it("does not take the resource lines that lspci's text gives for those of VF BARs", async () => {
      const { functions } = host(
        {},
        { files: { resource: "0x0000000000000000 0x0000000000000000 0x0000000000000000\n".repeat(7) } },
      );
      await assertFinding({ functions, complete: false }, "vf-bar-space", {
        result: "unknown",
        summary: /how large they are/,
      });
    });
  });

  describe("with Enhanced Allocation", () => {
    /** One entry: VF BAR 0, VF memory, prefetchable, enabled, at fec00000h, 16 KiB a VF (PCIe 6.0 §7.8.5.3). */
    const ea: [number, number[]] = [
      0xa0,
      [0x14, 0, 1, 0, 0x92, 0x03, 0xff, 0x80, 0x00, 0x00, 0xc0, 0xee, 0xfc, 0x3f, 0, 0],
    ];
    const cavium = (resource: string | undefined): TestHost => {
      const fn = pf(ADDRESS, { vfBars: [], msix: null });
      const patch: [number, number[]][] = [[0x41, [0xa0]], ea];
      return host({}, { config: { ...fn.config, patch }, files: { resource } });
    };
    const ZERO = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";

    it("passes where the kernel took the range", async () => {
      const line = "0x00000000eec00000 0x00000000eec1ffff 0x0000000000142210\n";
      const expected = { result: "pass", summary: /8 VFs/, evidence: /8 x 16 KiB = 128 KiB at 0xeec00000/ } as const;
      await assertFinding(cavium(ZERO.repeat(7) + line + ZERO.repeat(5)), "vf-bar-space", expected);
    });

    it("refuses where the kernel did not", async () => {
      await assertFinding(cavium(ZERO.repeat(13)), "vf-bar-space", {
        result: "refuse",
        summary: /VF BAR 0/,
        largest: 0,
      });
    });
  });

  it("is unknown where the capability was not read", async () => {
    await assertFinding(hostWithPf({ readBytes: 64 }), "vf-bar-space", {
      result: "unknown",
      summary: /could not be read/,
    });
  });
});
