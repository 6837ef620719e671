import { bdf } from "../../pci/bdf.ts";
import type { VfChange } from "../port-link.ts";
import type { ConformanceScript, Step } from "./script.ts";

function refused(change: VfChange): Step {
  return { setVf: change, expect: "EOPNOTSUPP", log: [] };
}

/**
 * `virtio_pci_sriov_configure` (drivers/virtio/virtio_pci_common.c) is `pci_enable_sriov` and no more: settings of VFs
 * have no way into the device. 3 VFs are this device's.
 */
export const VIRTIO_NET: ConformanceScript = {
  name: "virtio-net: VFs without settings",
  machine: "igb-nvme",
  pf: bdf("0000:03:00.0"),
  modules: ["virtio_net"],
  steps: [
    { read: "/sys/class/net/$netdev/mtu", expect: "1500", withinMs: 30_000, source: "the PF's own" },
    { read: "$PF/sriov_totalvfs", expect: "3" },
    { read: "$PF/sriov_numvfs", expect: "0" },
    { write: "$PF/sriov_numvfs", value: "4", expect: "ERANGE", log: [], events: [] },
    {
      write: "$PF/sriov_numvfs",
      value: "1",
      expect: "ok",
      events: ["add $vf0", "change $vf0", "bind $vf0 virtio-pci", "change $pf"],
    },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", events: ["unbind $vf0", "remove $vf0"] },
    {
      write: "$PF/sriov_numvfs",
      value: "3",
      expect: "ok",
      log: [0, 1, 2].map((index) => `virtio-pci $vf${index}: enabling device (0000 -> 0002)`),
    },
    { read: "$PF/sriov_numvfs", expect: "3" },
    { link: "$VF2/driver", expect: "virtio-pci" },
    { read: "/sys/class/net/$net0/mtu", expect: "1500", withinMs: 5000, source: "a network interface for each" },
    { read: "/sys/class/net/$net2/mtu", expect: "1500", withinMs: 5000 },
    {
      write: "$PF/sriov_numvfs",
      value: "2",
      expect: "EBUSY",
      log: ["virtio-pci $pf: 3 VFs already enabled. Disable before enabling 2 VFs"],
      events: [],
    },
    { write: "$PF/sriov_numvfs", value: "4", expect: "ERANGE", log: [] },
    { vfInfo: 0, expect: null, source: "virtio_net has no ndo_get_vf_config" },
    refused({ vfIndex: 0, mac: "02:11:22:33:44:55" }),
    refused({ vfIndex: 0, vlan: { id: 5 } }),
    refused({ vfIndex: 0, txRateMbps: { max: 5 } }),
    refused({ vfIndex: 0, spoofCheck: true }),
    refused({ vfIndex: 0, linkState: "auto" }),
    refused({ vfIndex: 0, queryRss: true }),
    refused({ vfIndex: 0, trust: true }),
    refused({ vfIndex: 99, trust: true }),
    refused({ vfIndex: 0, nodeGuid: "00:11:22:33:44:55:66:77" }),
    {
      write: "$PF/sriov_numvfs",
      value: "0",
      expect: "ok",
      events: [0, 1, 2].flatMap((index) => [`unbind $vf${index}`, `remove $vf${index}`]),
    },
  ],
};
