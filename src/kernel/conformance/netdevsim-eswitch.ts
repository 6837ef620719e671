import type { Observed } from "../port.ts";
import { isUnread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import type { DevlinkPort, DevlinkRateChange } from "../port-devlink.ts";
import { asked, changed } from "./calls.ts";
import type { ConformanceScript, Step } from "./script.ts";

const DEVICE = "netdevsim/netdevsim10";
/** NSIM_DEV_VF_PORT_INDEX_BASE is 128. */
const PORT_0 = `${DEVICE}/128`;
const PORT_1 = `${DEVICE}/129`;
const GOLD = `${DEVICE}/gold`;
const NOT_SUPPORTED = "EOPNOTSUPP";

function mode(expect: "legacy" | "switchdev"): Step {
  const whole = { mode: expect, inlineMode: null, encapMode: null };
  return asked("devlink eswitch", (kernel) => kernel.devlink.eswitch(DEVICE), whole);
}

function setMode(mode: "legacy" | "switchdev"): Step {
  return changed(`devlink eswitch mode ${mode}`, (kernel) => kernel.devlink.setEswitch(DEVICE, { mode }), "ok");
}

/** The ports that stand for VFs, as flavour, PF and VF, and whether they have a network interface. */
function representors(expect: readonly string[]): Step {
  const of = ({ port, device, flavour, pfNumber, vfIndex, controller, external, netdev }: DevlinkPort) =>
    flavour === "pcivf" && device === DEVICE
      ? [
          `${port}: controller ${controller} PF ${pfNumber} VF ${vfIndex} external ${external} netdev ${netdev !== null}`,
        ]
      : [];
  async function ask({ devlink }: ChangeableKernel): Promise<Observed<readonly string[]>> {
    const ports = await devlink.ports();
    return isUnread(ports) ? ports : ports.flatMap(of);
  }
  return asked("devlink ports of VFs", ask, expect);
}

function rate(object: string, change: DevlinkRateChange, expect: string, source = ""): Step {
  const call = `devlink rate of ${object}: ${JSON.stringify(change)}`;
  return changed(call, (kernel) => kernel.devlink.setRate(object, change), expect, { source });
}

const VF_0 = `${PORT_0}: controller 0 PF 0 VF 0 external false netdev true`;
const VF_1 = `${PORT_1}: controller 0 PF 0 VF 1 external false netdev true`;
const NO_RATE = { txShare: 0, txMax: 0, txPriority: null, txWeight: null, parent: null };

/** drivers/net/netdevsim/dev.c, net/devlink: an eSwitch with a port for each VF. */
export const NETDEVSIM_ESWITCH: ConformanceScript = {
  name: "netdevsim: eSwitch, representors and rates by devlink",
  machine: "netdevsim",
  pf: "/sys/bus/netdevsim/devices/netdevsim10",
  modules: ["netdevsim"],
  steps: [
    { write: "/sys/bus/netdevsim/new_device", value: "10 1", expect: "ok" },
    asked("devlink devices", (kernel) => kernel.devlink.devices(), [DEVICE]),
    mode("legacy"),
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    representors([]),
    asked("devlink rates", (kernel) => kernel.devlink.rates(), []),
    setMode("switchdev"),
    mode("switchdev"),
    { ...setMode("switchdev"), source: "nsim_devlink_eswitch_mode_set: as it is" },
    representors([VF_0, VF_1]),
    {
      setVf: { vfIndex: 0, txRateMbps: { max: 100 } },
      expect: NOT_SUPPORTED,
      log: ["Not supported in switchdev mode. Please use devlink API."],
      source: "nsim_set_vf_rate",
    },
    { setVf: { vfIndex: 0, mac: "02:11:22:33:44:55" }, expect: "ok" },
    changed(
      "devlink port function hw_addr",
      (kernel) => kernel.devlink.setPortFunction(PORT_0, { hwAddress: "02:11:22:33:44:56" }),
      NOT_SUPPORTED,
    ),
    changed(
      "devlink port function state",
      (kernel) => kernel.devlink.setPortFunction(PORT_0, { state: "active" }),
      NOT_SUPPORTED,
    ),
    changed(
      "devlink port function of a port that does not exist",
      (kernel) => kernel.devlink.setPortFunction(`${DEVICE}/999`, { hwAddress: "02:11:22:33:44:56" }),
      "ENODEV",
    ),

    asked("devlink rates", (kernel) => kernel.devlink.rates(), [
      { object: PORT_0, type: "leaf", ...NO_RATE },
      { object: PORT_1, type: "leaf", ...NO_RATE },
    ]),
    rate(PORT_0, { txMax: 12_500_000 }, "ok"),
    rate(PORT_0, { txShare: 1_250_000 }, "ok"),
    rate(PORT_0, { txMax: 12_500_001 }, "EINVAL", "nsim_rate_bytes_to_units: 1 Mbit/s is 125,000 bytes/s"),
    rate(PORT_0, { txPriority: 5 }, NOT_SUPPORTED, "no rate_leaf_tx_priority_set"),
    rate(PORT_0, { txWeight: 5 }, NOT_SUPPORTED, "no rate_leaf_tx_weight_set"),
    rate(`${DEVICE}/0`, { txMax: 12_500_000 }, "ENODEV", "the physical port is no leaf"),
    changed("devlink rate add gold", (kernel) => kernel.devlink.addRate(GOLD, {}), "ok"),
    changed("devlink rate add gold", (kernel) => kernel.devlink.addRate(GOLD, {}), "EEXIST"),
    rate(GOLD, { txMax: 125_000_000 }, "ok"),
    rate(PORT_0, { parent: "gold" }, "ok"),
    rate(PORT_1, { parent: "silver" }, "ENODEV"),
    asked("devlink rates", (kernel) => kernel.devlink.rates(), [
      { object: GOLD, type: "node", ...NO_RATE, txMax: 125_000_000 },
      { object: PORT_0, type: "leaf", ...NO_RATE, txShare: 1_250_000, txMax: 12_500_000, parent: "gold" },
      { object: PORT_1, type: "leaf", ...NO_RATE },
    ]),
    changed("devlink rate del gold", (kernel) => kernel.devlink.deleteRate(GOLD), "EBUSY", {
      source: "it has children",
    }),
    rate(PORT_0, { parent: null }, "ok"),
    changed("devlink rate del gold", (kernel) => kernel.devlink.deleteRate(GOLD), "ok"),
    changed("devlink rate del gold", (kernel) => kernel.devlink.deleteRate(GOLD), "ENODEV"),

    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },
    representors([]),
    { ...mode("legacy"), source: "nsim_bus_dev_vfs_disable: netdevsim's alone" },
    setMode("switchdev"),
    { write: "$PF/sriov_numvfs", value: "1", expect: "ok" },
    representors([VF_0]),
    setMode("legacy"),
    representors([]),
    { read: "$PF/sriov_numvfs", expect: "1", source: "the VFs stay" },
    { vfInfo: 0, expect: { mac: "02:11:22:33:44:55", maxTxRateMbps: 100, minTxRateMbps: 10 } },
    changed(
      "devlink eswitch inline-mode link",
      (kernel) => kernel.devlink.setEswitch(DEVICE, { inlineMode: "link" }),
      NOT_SUPPORTED,
    ),
    changed(
      "devlink eswitch encap-mode basic",
      (kernel) => kernel.devlink.setEswitch(DEVICE, { encapMode: "basic" }),
      NOT_SUPPORTED,
    ),
    changed(
      "devlink eswitch of a device that does not exist",
      (kernel) => kernel.devlink.setEswitch("pci/0000:00:00.0", { mode: "legacy" }),
      "ENODEV",
    ),
    { write: "/sys/bus/netdevsim/del_device", value: "10", expect: "ok" },
  ],
};
