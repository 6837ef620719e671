import { bdf } from "../../pci/bdf.ts";
import type { VfChange } from "../port-link.ts";
import type { ConformanceScript, Step } from "./script.ts";

type Vlan = NonNullable<VfChange["vlan"]>;

function vlan(vfIndex: number, vlan: Vlan, expect: string, log: readonly string[] = []): Step {
  return { setVf: { vfIndex, vlan }, expect, log };
}

function set(vfIndex: number, id: number, qos = 0): Step {
  return vlan(vfIndex, { id, qos }, "ok", [`igb $pf: Setting VLAN ${id}, QOS 0x${qos} on VF ${vfIndex}`]);
}

/** `igb_ndo_set_vf_vlan` (drivers/net/ethernet/intel/igb/igb_main.c), no VF driver bound. */
export const IGB_VF_VLAN: ConformanceScript = {
  name: "igb: VLANs of VFs",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    vlan(0, { id: 5 }, "EINVAL"),
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    { vfInfo: 1, expect: { vlan: 0, qos: null, vlanProtocol: null } },
    vlan(1, { id: 77 }, "ok", [
      "igb $pf: Setting VLAN 77, QOS 0x0 on VF 1",
      "igb $pf: The VF VLAN has been set, but the PF device is not up.",
      "igb $pf: Bring the PF device up before attempting to use the VF device.",
    ]),
    { vfInfo: 1, expect: { vlan: 77, qos: null } },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    { read: "$PF/net/$netdev/carrier", expect: "1", withinMs: 30_000, source: "igb_watchdog_task" },
    { vfInfo: 1, expect: { vlan: 77 } },
    set(1, 100),
    // The same again is set again.
    set(1, 100),
    { vfInfo: 1, expect: { vlan: 100, qos: null } },
    set(1, 100, 3),
    { vfInfo: 1, expect: { vlan: 100, qos: 3 } },
    // The priority is set with the VLAN: left out it is 0.
    set(1, 200),
    { vfInfo: 1, expect: { vlan: 200, qos: null } },
    set(1, 100, 7),
    { vfInfo: 1, expect: { vlan: 100, qos: 7 } },
    vlan(1, { id: 100, qos: 8 }, "EINVAL"),
    vlan(1, { id: 4096 }, "EINVAL"),
    { ...vlan(1, { id: 100, protocol: "802.1ad" }, "EPROTONOSUPPORT"), source: "vlan_proto != ETH_P_8021Q" },
    { vfInfo: 1, expect: { vlan: 100, qos: 7 } },
    { ...set(1, 4095), source: "4095 is reserved by IEEE 802.1Q; igb takes it" },
    { vfInfo: 1, expect: { vlan: 4095, qos: null } },
    set(1, 1),
    { ...set(1, 0, 3), source: "a priority without a VLAN" },
    { vfInfo: 1, expect: { vlan: 0, qos: 3 } },
    { ...vlan(1, { id: 0 }, "ok"), source: "igb_disable_port_vlan logs nothing" },
    { vfInfo: 1, expect: { vlan: 0, qos: null } },
    vlan(1, { id: 0 }, "ok"),
    // Two VFs may have the same.
    set(0, 100),
    set(1, 100),
    { vfInfo: 0, expect: { vlan: 100 } },
    vlan(2, { id: 5 }, "EINVAL"),
    vlan(99, { id: 5 }, "EINVAL"),
    { setVf: { vfIndex: 0, vlan: { id: 5 } }, netdev: "lo", expect: "EOPNOTSUPP" },
    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    { vfInfo: 0, expect: { vlan: 100 }, source: "kept while the PF is down" },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
  ],
};
