import type { VfChange } from "../port-link.ts";
import type { ConformanceScript, Step } from "./script.ts";

const A = "02:11:22:33:44:55";
const GUID = "00:11:22:33:44:55:66:77";

function vf(change: VfChange, expect = "ok"): Step {
  return { setVf: change, expect };
}

function rate(max: number, min?: number): VfChange {
  return { vfIndex: 0, txRateMbps: { max, ...(min === undefined ? {} : { min }) } };
}

/** drivers/net/netdevsim/netdev.c takes all that net/core/rtnetlink.c lets through, and 64 VFs here. */
export const NETDEVSIM_VF_SETTINGS: ConformanceScript = {
  name: "netdevsim: settings of VFs",
  machine: "netdevsim",
  pf: "/sys/bus/netdevsim/devices/netdevsim10",
  modules: ["netdevsim"],
  steps: [
    { write: "/sys/bus/netdevsim/new_device", value: "10 1", expect: "ok" },
    vf({ vfIndex: 0, mac: A }, "EINVAL"),
    { write: "/sys/kernel/debug/netdevsim/netdevsim10/max_vfs", value: "64", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "64", expect: "ok" },
    {
      vfInfo: 63,
      expect: {
        mac: "00:00:00:00:00:00",
        vlan: 0,
        qos: null,
        vlanProtocol: null,
        minTxRateMbps: 0,
        maxTxRateMbps: 0,
        spoofCheck: false,
        trust: false,
        linkState: "auto",
        queryRss: false,
        nodeGuid: null,
        portGuid: null,
      },
    },

    vf({ vfIndex: 0, mac: A }),
    vf({ vfIndex: 63, mac: A }),
    vf({ vfIndex: 64, mac: A }, "EINVAL"),
    vf({ vfIndex: 0, mac: "01:11:22:33:44:55" }, "EINVAL"),
    { vfInfo: 0, expect: { mac: A } },
    { vfInfo: 63, expect: { mac: A } },
    vf({ vfIndex: 0, mac: "00:00:00:00:00:00" }),
    { vfInfo: 0, expect: { mac: "00:00:00:00:00:00" } },

    vf({ vfIndex: 1, vlan: { id: 100, qos: 3 } }),
    { vfInfo: 1, expect: { vlan: 100, qos: 3, vlanProtocol: null } },
    vf({ vfIndex: 1, vlan: { id: 100, qos: 8 } }, "EINVAL"),
    vf({ vfIndex: 1, vlan: { id: 4096 } }, "EINVAL"),
    vf({ vfIndex: 64, vlan: { id: 5 } }, "EINVAL"),
    vf({ vfIndex: 1, vlan: { id: 4095 } }),
    { vfInfo: 1, expect: { vlan: 4095, qos: null } },
    vf({ vfIndex: 1, vlan: { id: 100, qos: 7, protocol: "802.1ad" } }),
    { vfInfo: 1, expect: { vlan: 100, qos: 7, vlanProtocol: "802.1ad" } },
    vf({ vfIndex: 1, vlan: { id: 0 } }),
    { vfInfo: 1, expect: { vlan: 0, qos: null, vlanProtocol: null } },

    { ...vf(rate(100)), source: "IFLA_VF_TX_RATE: do_setvfinfo keeps the minimum" },
    vf(rate(1000, 100)),
    { vfInfo: 0, expect: { minTxRateMbps: 100, maxTxRateMbps: 1000 } },
    { ...vf(rate(50), "EINVAL"), source: "do_setvfinfo: the kept minimum of 100 is above it" },
    vf(rate(500)),
    { vfInfo: 0, expect: { minTxRateMbps: 100, maxTxRateMbps: 500 } },
    { ...vf(rate(100, 200), "EINVAL"), source: "do_setvfinfo: max below min" },
    vf(rate(200, 200)),
    { ...vf(rate(0, 200)), source: "0 is no limit, below which any minimum is" },
    { vfInfo: 0, expect: { minTxRateMbps: 200, maxTxRateMbps: 0 } },
    { ...vf(rate(65_536, 0)), source: "struct nsim_vf_config has 16 bits: netdevsim's alone" },
    { vfInfo: 0, expect: { minTxRateMbps: 0, maxTxRateMbps: 0 } },
    vf({ vfIndex: 64, txRateMbps: { max: 1 } }, "EINVAL"),

    vf({ vfIndex: 2, linkState: "enable" }),
    { vfInfo: 2, expect: { linkState: "enable" } },
    vf({ vfIndex: 2, linkState: "disable" }),
    { vfInfo: 2, expect: { linkState: "disable" } },
    vf({ vfIndex: 2, linkState: "auto" }),
    { vfInfo: 2, expect: { linkState: "auto" } },
    vf({ vfIndex: 64, linkState: "auto" }, "EINVAL"),
    vf({ vfIndex: 64, queryRss: true }, "EINVAL"),
    vf({ vfIndex: 64, spoofCheck: true }, "EINVAL"),
    vf({ vfIndex: 64, trust: true }, "EINVAL"),
    vf({ vfIndex: 2, spoofCheck: true, queryRss: true, trust: true }, "ok ok ok"),
    { vfInfo: 2, expect: { spoofCheck: true, queryRss: true, trust: true } },
    vf({ vfIndex: 2, spoofCheck: false, linkState: "disable", queryRss: false }, "ok ok ok"),
    { vfInfo: 2, expect: { spoofCheck: false, queryRss: false, trust: true, linkState: "disable" } },
    { ...vf({ vfIndex: 2, nodeGuid: GUID }, "EOPNOTSUPP"), source: "do_setvfinfo: no ndo_set_vf_guid" },
    vf({ vfIndex: 2, portGuid: GUID }, "EOPNOTSUPP"),

    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },
    { vfInfo: 2, expect: null },
    { write: "$PF/sriov_numvfs", value: "3", expect: "ok" },
    {
      vfInfo: 2,
      expect: { trust: true, linkState: "disable" },
      source: "nsim_dev->vfconfigs live as long as the device: settings survive, as with no hardware's driver",
    },
    { write: "/sys/bus/netdevsim/del_device", value: "10", expect: "ok" },
  ],
};
