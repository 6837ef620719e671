import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import { hostWithPf, pf, rootPort, type TestHost, type TestPf } from "../testing/host-builder.ts";

const ADDRESS = "0000:01:00.0";
const NET: TestPf = { net: { eno1: true } };

function routes(ipv4: string, ipv6 = ""): Record<string, string> {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  return { "/proc/net/route": head + ipv4, "/proc/net/ipv6_route": ipv6 };
}

const overInterface = (name: string) => `${name}\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`;

/** A file below an `upper_*` folder, as the link to another interface has them. */
const stack = (lower: string, upper: string) => ({ [`/sys/class/net/${lower}/upper_${upper}/flags`]: "0x1003\n" });

describe("checkDefaultRoute", () => {
  it("passes where the default route is elsewhere", async () => {
    await assertFinding(hostWithPf(NET), "default-route", {
      result: "pass",
      summary: /does not go over/,
      evidence: /over eno9/,
    });
    await assertFinding(hostWithPf({}), "default-route", { result: "pass", summary: /no network interface/ });
  });

  it("warns where it goes over the PF, and of a driver that resets the PF", async () => {
    const host = (driver: string) => hostWithPf({ ...NET, driver }, { files: routes(overInterface("eno1")) });
    await assertFinding(host("igb"), "default-route", {
      result: "warn",
      summary: /over eno1 on this PF, and igb resets/,
      remedy: /console/,
    });
    await assertFinding(host("mlx5_core"), "default-route", { result: "warn", summary: /over eno1 on this PF$/ });
  });

  it("finds it over a VLAN on a bridge on a bond on the PF (diagnosis 22)", async () => {
    const files = {
      ...routes(overInterface("br0.100")),
      ...stack("eno1", "bond0"),
      ...stack("bond0", "br0"),
      ...stack("br0", "br0.100"),
    };
    const expected = {
      result: "warn",
      summary: /over br0.100/,
      evidence: /eno1 < bond0 < br0 < br0.100 on this PF/,
    } as const;
    await assertFinding(hostWithPf(NET, { files }), "default-route", expected);
  });

  it("finds an IPv6 default route", async () => {
    const zero = "0".repeat(32);
    const ipv6 = `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eno1\n`;
    await assertFinding(hostWithPf(NET, { files: routes("", ipv6) }), "default-route", {
      result: "warn",
      summary: /eno1/,
    });
  });

  it("does not know where Open vSwitch leads", async () => {
    const files = { ...routes(overInterface("br-ex")), ...stack("eno1", "ovs-system") };
    const expected = { result: "unknown", summary: /Open vSwitch/, evidence: /eno1 < ovs-system/ } as const;
    await assertFinding(hostWithPf(NET, { files }), "default-route", expected);
  });

  it("is unknown without routes, and without interfaces in the source", async () => {
    const without = hostWithPf(NET, { files: { "/proc/net/route": undefined } });
    await assertFinding(without, "default-route", { result: "unknown", summary: /routes could not be read/ });
    const dump = hostWithPf({}, { complete: false });
    await assertFinding(dump, "default-route", { result: "unknown", summary: /interfaces could not be read/ });
  });
});

describe("checkLink", () => {
  const link = (own: TestPf["link"], port = { speed: 4, width: 16 }): TestHost => ({
    functions: { "0000:00:01.0": rootPort(1, { link: port }), [ADDRESS]: pf(ADDRESS, { link: own ?? null }) },
  });

  it("passes a link that runs as fast as the PF can", async () => {
    await assertFinding(link({ speed: 4, width: 8 }), "link", { result: "pass", summary: /16 GT\/s x8/ });
  });

  it("warns of a link below what both ends can do", async () => {
    const own = { speed: 3, width: 4, maxSpeed: 4, maxWidth: 8 };
    const expected = {
      result: "warn",
      summary: /8 GT\/s x4, below the 16 GT\/s x8 that both ends/,
      evidence: /able to 16 GT\/s x16/,
      remedy: /reseat/,
    } as const;
    await assertFinding(link(own), "link", expected);
  });

  it("warns of a slot that holds the link back", async () => {
    const own = { speed: 3, width: 8, maxSpeed: 4, maxWidth: 16 };
    const expected = {
      result: "warn",
      summary: /slot holds the link at 8 GT\/s x8; the PF could do 16 GT\/s x16/,
      remedy: /slot/,
    } as const;
    await assertFinding(link(own, { speed: 3, width: 8 }), "link", expected);
  });

  it("does not blame the card where the other end was not seen", async () => {
    const functions = { [ADDRESS]: pf(ADDRESS, { link: { speed: 3, width: 8, maxSpeed: 4, maxWidth: 8 } }) };
    await assertFinding({ functions }, "link", { result: "unknown", summary: /other end can do was not read/ });
  });

  it("passes an integrated endpoint, which has none", async () => {
    const functions = { [ADDRESS]: pf(ADDRESS, { portType: 9, link: null }) };
    await assertFinding({ functions }, "link", { result: "pass", summary: /part of the root complex/ });
  });

  it("is unknown where the registers were not read, or hold codes that nobody knows", async () => {
    await assertFinding(hostWithPf({ readBytes: 0x50 }), "link", { result: "unknown", summary: /could not be read/ });
    await assertFinding(link({ speed: 15, width: 8 }), "link", { result: "unknown", summary: /could not be read/ });
  });
});

describe("checkParameters", () => {
  const host = (commandLine: string | undefined): TestHost =>
    hostWithPf({}, { files: { "/proc/cmdline": commandLine } });

  it("passes parameters that do no harm, and shows those that matter", async () => {
    await assertFinding(host("ro quiet\n"), "kernel-parameters", {
      result: "pass",
      summary: /no parameter stands in the way/,
    });
    const useful = host("intel_iommu=on iommu=pt pci=realloc,assign-busses pci=hpbussize=4 vfio-pci.ids=8086:10c9\n");
    const expected = { result: "pass", summary: /in effect/, evidence: /iommu=pt shapes the IOMMU/ } as const;
    await assertFinding(useful, "kernel-parameters", expected);
  });

  const BAD: readonly (readonly [parameter: string, effect: RegExp])[] = [
    ["pci=noari", /turns ARI off/],
    ["pci=realloc,noari", /turns ARI off/],
    ["pci=nomsi", /MSI-X off/],
    ["pci=nommconf", /extended configuration space away/],
    ["pci=realloc=off", /windows larger/],
    ["pci=disable_acs_redir=0000:00:01.0", /ACS redirection/],
    ["pcie_acs_override=downstream,multifunction", /pretends isolation/],
    ["iommu=off", /turns the IOMMU off/],
    ["intel_iommu=off", /turns VT-d off/],
    ["intel_iommu=sm_on,off", /turns VT-d off/],
    ["amd_iommu=off", /turns AMD-Vi off/],
    ["intremap=off", /interrupt remapping off/],
    ["nointremap", /interrupt remapping off/],
  ];
  for (const [parameter, effect] of BAD) {
    it(`warns of ${parameter}`, async () => {
      await assertFinding(host(`quiet ${parameter} ro`), "kernel-parameters", {
        result: "warn",
        summary: effect,
        remedy: /boot with/,
      });
    });
  }

  it("takes no other parameter for one of them", async () => {
    for (const parameter of [
      "intremap=nosid",
      "intremap=no_x2apic_optout",
      "intremap=nopost",
      "pci=noaer",
      "xpci=noari",
      "iommu=soft",
    ]) {
      await assertFinding(host(parameter), "kernel-parameters", { result: "pass", summary: /./ });
    }
  });

  it("is unknown without a command line", async () => {
    await assertFinding(host(undefined), "kernel-parameters", { result: "unknown", summary: /could not be read/ });
  });
});

describe("checkIommu", () => {
  it("passes where groups exist, and names the unit", async () => {
    await assertFinding(hostWithPf({}), "iommu", { result: "pass", summary: /VT-d/, evidence: /2 IOMMU groups/ });
  });

  it("refuses VFs for guests without an IOMMU, and warns of others", async () => {
    const host = hostWithPf({}, { iommu: false });
    const expected = {
      result: "refuse",
      summary: /no IOMMU is on/,
      evidence: /0 IOMMU groups/,
      largest: 0,
      remedy: /intel_iommu=on/,
    } as const;
    await assertFinding(host, "iommu", expected, { use: "vfio" });
    await assertFinding(host, "iommu", { result: "warn", summary: /no IOMMU is on/, remedy: /BIOS/ });
  });

  it("refuses VFs for guests of a PF that the IOMMU does not cover", async () => {
    const host = hostWithPf({ iommuGroup: null });
    await assertFinding(
      host,
      "iommu",
      { result: "refuse", summary: /does not cover the PF/, largest: 0 },
      { use: "vfio" },
    );
    await assertFinding(host, "iommu", { result: "pass", summary: /is on/ });
  });

  it("is unknown for a dump that names no group, and on for one that does", async () => {
    await assertFinding(hostWithPf({}, { complete: false }), "iommu", {
      result: "unknown",
      summary: /could not be read/,
    });
    const named = hostWithPf({ iommuGroup: 14 }, { complete: false });
    await assertFinding(named, "iommu", { result: "pass", summary: /an IOMMU is on$/ }, { use: "vfio" });
  });
});

describe("checkInterruptRemapping", () => {
  const off = { "/proc/interrupts": " 24:  0  0  PCI-MSIX-0000:00:1f.0  0-edge  ahci\n" };
  const UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

  it("passes where interrupts are remapped", async () => {
    await assertFinding(hostWithPf({}), "interrupt-remapping", {
      result: "pass",
      summary: /are remapped/,
      evidence: /IR-PCI-MSIX/,
    });
  });

  it("refuses VFs for guests where they are not: EPERM (vfio_iommu_type1_attach_group)", async () => {
    const host = hostWithPf({}, { files: off });
    const expected = {
      result: "refuse",
      summary: /not remapped.*EPERM/,
      evidence: /PCI-MSIX-0000:00:1f.0 and no IR-/,
      largest: 0,
      remedy: /intremap=off/,
    } as const;
    await assertFinding(host, "interrupt-remapping", expected, { use: "vfio" });
    await assertFinding(host, "interrupt-remapping", { result: "warn", summary: /any interrupt of the host/ });
  });

  it("warns of allow_unsafe_interrupts: it is a finding, not a fix (diagnosis 24)", async () => {
    const host = hostWithPf({}, { files: { ...off, [UNSAFE]: "Y\n" } });
    const expected = {
      result: "warn",
      summary: /VFIO is told to allow it/,
      evidence: /allow_unsafe_interrupts is Y/,
    } as const;
    await assertFinding(host, "interrupt-remapping", expected, { use: "vfio" });
  });

  it("passes without an IOMMU, and is unknown where nothing tells", async () => {
    await assertFinding(hostWithPf({}, { iommu: false }), "interrupt-remapping", {
      result: "pass",
      summary: /no IOMMU is on/,
    });
    const silent = hostWithPf({}, { files: { "/proc/interrupts": undefined } });
    await assertFinding(silent, "interrupt-remapping", { result: "unknown", summary: /could not be read/ });
  });
});
