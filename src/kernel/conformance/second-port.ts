import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, write } from "./steps.ts";

const FIRST = "/sys/bus/pci/devices/0000:01:00.0";
const FIRST_VF = "0000:01:10.0";

/** A device of two PFs, each with VFs of its own. Without ARI, since QEMU's 82576 names no next function to it. */
export const SECOND_PORT: ConformanceScript = {
  name: "VFs of the second port of a device",
  machine: "no-ari",
  pf: bdf("0000:01:00.1"),
  modules: ["igb"],
  steps: [
    list("$PF/iommu_group/devices", /./, ["$pf"], {
      source: "pci_quirk_mf_endpoint_acs: the ports of an 82576 are isolated without ACS",
    }),
    list(`${FIRST}/iommu_group/devices`, /./, ["0000:01:00.0"]),
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write(`${FIRST}/sriov_drivers_autoprobe`, "0", "ok"),
    link("$PF/dep_link", null),
    write("$PF/sriov_numvfs", "2", "ok", {
      events: ["add $vf0", "change $vf0", "add $vf1", "change $vf1", "change $pf"],
      log: [/^pci \$vf0: Adding to iommu group \d+$/, /^pci \$vf1: Adding to iommu group \d+$/],
    }),
    link("$PF/virtfn0", "0000:01:10.1", { source: "PCIe 6.0 §9.2.1.2: from the PF's own Routing ID" }),
    link("$PF/virtfn1", "0000:01:10.3"),
    link("$PF/dep_link", "0000:01:00.0", {
      source: "sriov_enable, while there are VFs. That the Function Dependency Link of both ports is 0 is QEMU's own",
    }),
    write(`${FIRST}/sriov_numvfs`, "1", "ok", {
      events: [`add ${FIRST_VF}`, `change ${FIRST_VF}`, "change 0000:01:00.0"],
    }),
    link(`${FIRST}/virtfn0`, FIRST_VF),
    link(`${FIRST}/dep_link`, null),
    list("$VF0/iommu_group/devices", /./, ["$vf0"]),
    list("$VF1/iommu_group/devices", /./, ["$vf1"]),
    list(`${FIRST}/virtfn0/iommu_group/devices`, /./, [FIRST_VF]),
    read("$VF0/iommu_group/type", /^DMA/, { source: "iommu_get_default_domain_type" }),
    write("$PF/sriov_numvfs", "0", "ok", { events: ["remove $vf0", "remove $vf1"] }),
    link("$PF/dep_link", null, { source: "sriov_disable" }),
    read(`${FIRST}/sriov_numvfs`, "1"),
    write(`${FIRST}/sriov_numvfs`, "0", "ok", { events: [`remove ${FIRST_VF}`] }),
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
    write(`${FIRST}/sriov_drivers_autoprobe`, "1", "ok"),
  ],
};
