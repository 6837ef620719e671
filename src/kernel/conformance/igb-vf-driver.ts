import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript } from "./script.ts";

const GIVEN = "02:11:22:33:44:55";
const OTHER = "02:11:22:33:44:56";
const OWN = "02:11:22:33:44:99";
const OWN_TOO = "02:11:22:33:44:98";
const NONE = "00:00:00:00:00:00";
const REFUSED = [
  "igb $pf: VF 0 attempted to override administratively set MAC address",
  "Reload the VF driver to resume operations",
];

/** What settings mean to a VF's own driver, igbvf, which asks the PF's by their mailbox (`igb_rcv_msg_from_vf`). */
export const IGB_VF_DRIVER: ConformanceScript = {
  name: "igb: settings seen from the VF's driver",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf"],
  steps: [
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    { read: "$PF/net/$netdev/carrier", expect: "1", withinMs: 30_000 },
    { setVf: { vfIndex: 0, mac: GIVEN }, expect: "ok" },
    {
      write: "/sys/bus/pci/drivers_probe",
      value: "$vf0",
      expect: "ok",
      log: ["igbvf $vf0: Intel(R) 82576 Virtual Function", `igbvf $vf0: Address: ${GIVEN}`],
      events: ["bind $vf0 igbvf"],
    },
    {
      write: "/sys/bus/pci/drivers_probe",
      value: "$vf1",
      expect: "ok",
      log: [
        "igbvf $vf1: MAC address not assigned by administrator.",
        "igbvf $vf1: Assigning random MAC address.",
        "igbvf $vf1: Intel(R) 82576 Virtual Function",
      ],
    },
    { link: "$VF0/driver", expect: "igbvf" },
    { read: "$VF0/net/$net0/address", expect: GIVEN },
    { setLink: { up: true }, netdev: "$net0", expect: "ok" },
    { read: "$VF0/net/$net0/carrier", expect: "1", withinMs: 30_000, source: "igbvf_watchdog_task" },

    { setLink: { mac: OWN }, netdev: "$net0", expect: "EADDRNOTAVAIL", log: REFUSED, source: "igbvf_set_mac" },
    { read: "$VF0/net/$net0/address", expect: GIVEN },
    { setVf: { vfIndex: 0, mac: OTHER }, expect: "ok", log: [`igb $pf: setting MAC ${OTHER} on VF 0`] },
    { read: "$VF0/net/$net0/address", expect: GIVEN, source: "until the VF's driver is loaded again" },
    { vfInfo: 0, expect: { mac: OTHER } },
    { setVf: { vfIndex: 0, trust: true }, expect: "ok" },
    { setLink: { mac: OWN }, netdev: "$net0", expect: "ok", source: "igb_set_vf_mac_addr: trusted" },
    { read: "$VF0/net/$net0/address", expect: OWN },
    { vfInfo: 0, expect: { mac: OWN, trust: true } },
    { setVf: { vfIndex: 0, trust: false }, expect: "ok" },
    { setLink: { mac: OWN_TOO }, netdev: "$net0", expect: "EADDRNOTAVAIL", log: REFUSED },
    {
      setLink: { mac: GIVEN },
      netdev: "$net0",
      expect: "ok",
      log: REFUSED,
      source:
        "igbvf_set_mac compares with what e1000_rar_set_vf falls back to, the address that it found when it began",
    },
    { read: "$VF0/net/$net0/address", expect: GIVEN },
    { vfInfo: 0, expect: { mac: OWN }, source: "so the two differ" },
    {
      setVf: { vfIndex: 0, mac: NONE },
      expect: "ok",
      log: ["igb $pf: remove administratively set MAC on VF 0"],
    },
    { vfInfo: 0, expect: { mac: NONE } },
    {
      setLink: { mac: OWN_TOO },
      netdev: "$net0",
      expect: "ok",
      source: "no administrator's address any more",
    },
    { vfInfo: 0, expect: { mac: OWN_TOO } },

    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    {
      read: "$VF0/net/$net0/carrier",
      expect: "0",
      withinMs: 30_000,
      source: "igb_down resets the hardware, of which igbvf_watchdog_task hears",
    },
    { vfInfo: 0, expect: { mac: OWN_TOO } },
    { setLink: { up: true }, netdev: "$netdev", expect: "ok" },
    {
      read: "$VF0/net/$net0/carrier",
      expect: "1",
      withinMs: 30_000,
    },

    { setVf: { vfIndex: 1, mac: OTHER }, expect: "ok" },
    { write: "/sys/bus/pci/drivers/igbvf/unbind", value: "$vf1", expect: "ok", events: ["unbind $vf1"] },
    { link: "$VF1/driver", expect: null },
    { list: "$VF1/net", expect: { errno: "ENOENT" } },
    { write: "/sys/bus/pci/drivers/igbvf/bind", value: "$vf1", expect: "ok", events: ["bind $vf1 igbvf"] },
    { read: "$VF1/net/$net1/address", expect: OTHER, source: "the change has taken effect" },
    { setLink: { up: false }, netdev: "$netdev", expect: "ok" },
    {
      write: "$PF/sriov_numvfs",
      value: "0",
      expect: "ok",
      log: ["igb $pf: IOV Disabled"],
      events: ["unbind $vf0", "remove $vf0", "unbind $vf1", "remove $vf1"],
    },
  ],
};
