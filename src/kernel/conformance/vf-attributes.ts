import { bdf } from "../../pci/bdf.ts";
import { isUnread, type Kernel } from "../port.ts";
import { configBytes, sriovRegisters } from "./config-steps.ts";
import type { ConformanceScript, Step } from "./script.ts";
import { link, list, read, unreadable, write } from "./steps.ts";

const VFS = [0, 1, 2, 3, 4, 5, 6];
const ADDRESSES = ["01:10.0", "01:10.2", "01:10.4", "01:10.6", "01:11.0", "01:11.2", "01:11.4"].map(
  (at) => `0000:${at}`,
);
const FIRST_VF_LINE = 7;
const VF_BARS = 6;

async function resourceLines(kernel: Kernel, folder: string): Promise<bigint[][]> {
  const bytes = await kernel.read(`${folder}/resource`);
  if (isUnread(bytes)) throw new Error(`${folder}/resource: ${bytes.errno}`);
  return new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ").map(BigInt));
}

/** Each BAR of each VF lies in the PF's resource for that VF BAR: VF i behind i others (`pci_iov_add_virtfn`). */
const BARS_OF_VFS: Step = {
  call: "where the BARs of VFs lie in the PF's resources, which have room for TotalVFs",
  expect: "BARs 0 and 3",
  source: "pci_iov_add_virtfn; which BARs there are is the hardware's own",
  async run(kernel, place) {
    const lines = await resourceLines(kernel, await place.resolve("$PF"));
    const found = new Set<number>();
    for (const vf of VFS) {
      const own = await resourceLines(kernel, await place.resolve(`$VF${vf}`));
      for (let bar = 0; bar < VF_BARS; bar++) {
        const [start = 0n, end = 0n, flags] = lines[FIRST_VF_LINE + bar] ?? [];
        const size = end === 0n ? 0n : (end - start + 1n) / 8n;
        const wanted =
          end === 0n ? [0n, 0n, 0n] : [start + size * BigInt(vf), start + size * BigInt(vf + 1) - 1n, flags];
        if (`${own[bar]}` !== `${wanted}`) return `BAR ${bar} of VF ${vf}: ${own[bar]} instead of ${wanted}`;
        if (end !== 0n) found.add(bar);
      }
    }
    return `BARs ${[...found].join(" and ")}`;
  },
};

const READ_ONLY = [
  "sriov_totalvfs",
  "sriov_offset",
  "sriov_stride",
  "sriov_vf_device",
  "sriov_vf_total_msix",
  "vendor",
];
const RULES = "kernfs_fop_open: a mode without w is refused to root, too";

/** What is in the folders of a PF and of its VFs; where the VFs lie; who shares an IOMMU group. */
export const VF_ATTRIBUTES: ConformanceScript = {
  name: "attributes of a PF and of its VFs",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    list("$PF", /^(sriov_|virtfn|physfn|dep_link)/, [
      "sriov_drivers_autoprobe",
      "sriov_numvfs",
      "sriov_offset",
      "sriov_stride",
      "sriov_totalvfs",
      "sriov_vf_device",
      "sriov_vf_total_msix",
    ]),
    read("$PF/sriov_offset", "128", { source: "the hardware's own" }),
    read("$PF/sriov_stride", "2", { source: "the hardware's own" }),
    read("$PF/sriov_vf_device", "10ca", { source: "sriov_vf_device_show: hexadecimal without 0x" }),
    read("$PF/sriov_vf_total_msix", "0", { source: "igb has no sriov_get_vf_total_msix", since: "5.13" }),
    ...READ_ONLY.map((name) => write(`$PF/${name}`, "1", "EACCES", { source: RULES })),
    sriovRegisters("0 false false", "sriov_init"),
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "7", "ok", { log: ["igb $pf: 7 VFs allocated"] }),
    sriovRegisters("7 true true", "sriov_enable"),
    ...VFS.map((vf) => link(`$PF/virtfn${vf}`, `${ADDRESSES[vf]}`, { source: "PCIe 6.0 §9.2.1.2, offset and stride" })),
    link("$VF0/physfn", "$pf"),
    link("$VF6/physfn", "$pf"),
    link("$PF/dep_link", null, { source: "sriov_enable: the Function Dependency Link is the PF itself" }),
    list("$PF", /^re(move|scan)$/, ["remove", "rescan"]),
    list("$VF0", /^re(move|scan)$/, [], { source: "pci_dev_hp_attrs_are_visible: not on a VF" }),
    list("$VF0", /^(sriov_|virtfn|physfn|reset|driver|config|vendor|rom|iommu)/, [
      "config",
      "driver_override",
      "iommu",
      "iommu_group",
      "physfn",
      "reset",
      "reset_method",
      "sriov_vf_msix_count",
      "vendor",
    ]),
    read("$VF0/vendor", "0x8086", { source: "pci_iov_add_virtfn: the PF's" }),
    read("$VF0/device", "0x10ca", { source: "pci_iov_add_virtfn: VF Device ID" }),
    read("$VF6/device", "0x10ca"),
    read("$VF0/class", "0x020000", { source: "pci_read_vf_config_common: from VF 0's register" }),
    read("$VF0/irq", "0", { source: "PCIe 6.0 §9.3.4.1.19: a VF has no INTx" }),
    read("$VF0/enable", "0", { source: "no driver" }),
    read("$VF0/uevent", /^PCI_CLASS=20000\nPCI_ID=8086:10CA\nPCI_SUBSYS_ID=.*\nPCI_SLOT_NAME=0000:01:10.0\nMODALIAS=/),
    configBytes("$vf0", 0, 4, "ff ff ff ff", "PCIe 6.0 §9.3.4.1.1, §9.3.4.1.2: Vendor and Device ID"),
    configBytes("$vf0", 4, 2, "00 00", "PCIe 6.0 §9.3.4.1.3: no Memory Space Enable"),
    configBytes("$vf0", 16, 8, "00 00 00 00 00 00 00 00", "PCIe 6.0 §9.3.4.1.11: BARs"),
    configBytes("$vf0", 61, 1, "00", "PCIe 6.0 §9.3.4.1.19: Interrupt Pin"),
    configBytes("$pf", 0, 4, "86 80 c9 10", "the hardware's own"),
    BARS_OF_VFS,
    list("$PF/iommu_group/devices", /./, ["$pf"], { source: "pci_device_group" }),
    ...VFS.map((vf) =>
      list(`$VF${vf}/iommu_group/devices`, /./, [`$vf${vf}`], { source: "pci_device_group: the root port has ACS" }),
    ),
    unreadable("$VF0/sriov_vf_msix_count", "EACCES", { source: RULES, since: "5.13" }),
    ...["-1", "x", "\n", "99999999999"].map((text) =>
      write("$VF0/sriov_vf_msix_count", text, "EINVAL", { since: "5.13" }),
    ),
    write("$VF0/sriov_vf_msix_count", "4", "EOPNOTSUPP", {
      source: "sriov_vf_msix_count_store: igb has no sriov_set_msix_vec_count",
      since: "5.13",
    }),
    write("$PF/sriov_numvfs", "0", "ok"),
    sriovRegisters("0 false false", "sriov_disable"),
    { list: "$VF6", expect: { errno: "ENOENT" } },
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
  ],
};
