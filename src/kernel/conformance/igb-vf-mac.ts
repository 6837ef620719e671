import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript, Step } from "./script.ts";

const A = "02:11:22:33:44:55";
const B = "02:11:22:33:44:56";
const NONE = "00:00:00:00:00:00";

const PF_IS_DOWN = [
  "igb $pf: The VF MAC address has been set, but the PF device is not up.",
  "igb $pf: Bring the PF device up before attempting to use the VF device.",
];

function mac(vfIndex: number, mac: string, expect: string, log: readonly string[] = []): Step {
  return { setVf: { vfIndex, mac }, expect, log };
}

function setting(vfIndex: number, mac: string): string[] {
  return [
    `igb $pf: setting MAC ${mac} on VF ${vfIndex}`,
    "igb $pf: Reload the VF driver to make this change effective.",
  ];
}

/** `igb_ndo_set_vf_mac` (drivers/net/ethernet/intel/igb/igb_main.c), no VF driver bound. */
export const IGB_VF_MAC: ConformanceScript = {
  name: "igb: MAC addresses of VFs",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    { vfInfo: 0, expect: null },
    { ...mac(0, A, "EINVAL"), source: "no VF: vf >= vfs_allocated_count" },
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    { vfInfo: 0, expect: { mac: NONE }, source: "igb_vf_configure" },
    { vfInfo: 2, expect: null },
    mac(0, A, "ok", [...setting(0, A), ...PF_IS_DOWN]),
    { vfInfo: 0, expect: { mac: A } },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    { read: "$PF/net/$netdev/carrier", expect: "1", withinMs: 30_000, source: "igb_watchdog_task" },
    // The same again is set again.
    mac(0, A, "ok", setting(0, A)),
    { ...mac(0, "01:11:22:33:44:55", "EINVAL"), source: "multicast: is_valid_ether_addr" },
    { ...mac(0, "ff:ff:ff:ff:ff:ff", "EINVAL"), source: "broadcast is a multicast address, too" },
    { ...mac(0, "02:11:22:33:44", "EINVAL"), source: "no MAC address: no kernel is asked" },
    { vfInfo: 0, expect: { mac: A } },
    { ...mac(1, A, "ok", setting(1, A)), source: "no check for another VF that has it" },
    mac(1, B, "ok", setting(1, B)),
    { vfInfo: 0, expect: { mac: A } },
    { vfInfo: 1, expect: { mac: B } },
    mac(0, NONE, "ok", ["igb $pf: remove administratively set MAC on VF 0"]),
    { vfInfo: 0, expect: { mac: NONE } },
    { vfInfo: 1, expect: { mac: B } },
    mac(2, A, "EINVAL"),
    mac(7, A, "EINVAL"),
    mac(99, A, "EINVAL"),
    { setVf: { vfIndex: 0, mac: A }, netdev: "lo", expect: "EOPNOTSUPP", source: "do_setvfinfo: no ndo_set_vf_mac" },
    { setVf: { vfIndex: 0, mac: A }, netdev: "none-such", expect: "ENODEV" },
    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    { vfInfo: 1, expect: { mac: B }, source: "kept while the PF is down" },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", log: ["igb $pf: IOV Disabled"] },
    { vfInfo: 1, expect: null },
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
  ],
};
