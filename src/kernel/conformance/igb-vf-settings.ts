import { bdf } from "../../pci/bdf.ts";
import type { VfChange } from "../port-link.ts";
import type { ConformanceScript, Step } from "./script.ts";

function vf(change: VfChange, expect = "ok", log: readonly string[] = []): Step {
  return { setVf: change, expect, log };
}

function rate(vfIndex: number, max: number, expect = "ok"): Step {
  return vf({ vfIndex, txRateMbps: { max } }, expect);
}

const GUID = "00:11:22:33:44:55:66:77";

/** Rates, switches, and what igb has none of, no VF driver bound. */
export const IGB_VF_SETTINGS: ConformanceScript = {
  name: "igb: other settings of VFs",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    { ...vf({ vfIndex: 0, spoofCheck: true }, "EOPNOTSUPP"), source: "igb_ndo_set_vf_spoofchk: no VFs" },
    vf({ vfIndex: 0, trust: true }, "EINVAL"),
    rate(0, 10, "EINVAL"),
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    {
      vfInfo: 0,
      expect: {
        minTxRateMbps: 0,
        maxTxRateMbps: 0,
        spoofCheck: true,
        trust: false,
        linkState: "auto",
        queryRss: null,
        nodeGuid: null,
        portGuid: null,
      },
      source: "igb_vf_configure; igb_ndo_get_vf_config leaves the link state at 0, which is auto",
    },
    { ...rate(0, 100, "EINVAL"), source: "igb_ndo_set_vf_bw: no link, so no speed" },
    vf({ vfIndex: 1, spoofCheck: false }),
    vf({ vfIndex: 1, trust: true }, "ok", ["igb $pf: VF 1 is trusted"]),
    { vfInfo: 1, expect: { spoofCheck: false, trust: true } },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    { read: "$PF/net/$netdev/carrier", expect: "1", withinMs: 30_000, source: "igb_watchdog_task" },
    { vfInfo: 1, expect: { spoofCheck: false, trust: true } },

    rate(0, 100),
    { vfInfo: 0, expect: { maxTxRateMbps: 100, minTxRateMbps: 0 } },
    { ...rate(0, 1000), source: "the link's speed; the lab's is 1000 Mbit/s" },
    { ...rate(0, 1001, "EINVAL"), source: "above the link's speed" },
    { vfInfo: 0, expect: { maxTxRateMbps: 1000 } },
    { ...vf({ vfIndex: 0, txRateMbps: { max: 100, min: 50 } }, "EINVAL"), source: "min_tx_rate" },
    vf({ vfIndex: 0, txRateMbps: { max: 100, min: 0 } }),
    { vfInfo: 0, expect: { maxTxRateMbps: 100 } },
    rate(0, 0),
    { vfInfo: 0, expect: { maxTxRateMbps: 0 } },
    rate(0, 300),
    rate(2, 10, "EINVAL"),
    rate(99, 10, "EINVAL"),

    vf({ vfIndex: 1, spoofCheck: false }),
    vf({ vfIndex: 1, spoofCheck: true }),
    vf({ vfIndex: 2, spoofCheck: true }, "EINVAL"),
    { ...vf({ vfIndex: 1, trust: true }), source: "igb_ndo_set_vf_trust: as it was, so nothing is logged" },
    vf({ vfIndex: 1, trust: false }, "ok", ["igb $pf: VF 1 is not trusted"]),
    vf({ vfIndex: 99, trust: true }, "EINVAL"),
    { vfInfo: 1, expect: { spoofCheck: true, trust: false } },
    vf({ vfIndex: 1, spoofCheck: false, trust: true }, "ok ok", ["igb $pf: VF 1 is trusted"]),

    { ...vf({ vfIndex: 0, linkState: "enable" }, "EOPNOTSUPP"), source: "do_setvfinfo: no ndo_set_vf_link_state" },
    vf({ vfIndex: 0, linkState: "disable" }, "EOPNOTSUPP"),
    vf({ vfIndex: 99, linkState: "auto" }, "EOPNOTSUPP"),
    vf({ vfIndex: 0, queryRss: true }, "EOPNOTSUPP"),
    vf({ vfIndex: 0, nodeGuid: GUID }, "EOPNOTSUPP"),
    vf({ vfIndex: 0, portGuid: GUID }, "EOPNOTSUPP"),
    vf({ vfIndex: 0, portGuid: "00:11:22:33:44:55" }, "EINVAL"),
    vf(
      { vfIndex: 0, mac: "02:00:00:00:00:01", vlan: { id: 7 }, linkState: "auto", trust: true },
      "ok ok EOPNOTSUPP ok",
      [
        "igb $pf: setting MAC 02:00:00:00:00:01 on VF 0",
        "igb $pf: Setting VLAN 7, QOS 0x0 on VF 0",
        "igb $pf: VF 0 is trusted",
      ],
    ),
    { setVf: { vfIndex: 0, trust: true }, netdev: "lo", expect: "EOPNOTSUPP" },
    { setVf: { vfIndex: 0, spoofCheck: true }, netdev: "lo", expect: "EOPNOTSUPP" },
    { setVf: { vfIndex: 0, txRateMbps: { max: 10 } }, netdev: "lo", expect: "EOPNOTSUPP" },

    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    rate(0, 200, "EINVAL"),
    { vfInfo: 0, expect: { maxTxRateMbps: 300, trust: true, vlan: 7 }, source: "kept while the PF is down" },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    { read: "$PF/net/$netdev/carrier", expect: "1", withinMs: 30_000 },
    {
      vfInfo: 0,
      expect: { maxTxRateMbps: 300, trust: true, vlan: 7 },
      source: "igb_check_vf_rate_limit: kept at the same speed",
    },
    { vfInfo: 1, expect: { spoofCheck: false, trust: true } },
    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    {
      vfInfo: 0,
      expect: { mac: "00:00:00:00:00:00", maxTxRateMbps: 0, trust: false, vlan: 0 },
      source: "igb_enable_sriov: vf_data is allocated anew",
    },
    { vfInfo: 1, expect: { spoofCheck: true, trust: false } },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
  ],
};
