import { asked, changed } from "./calls.ts";
import type { ConformanceScript, Step } from "./script.ts";

const DEVICE = "netdevsim/netdevsim10";
const DEBUG = "/sys/kernel/debug/netdevsim/netdevsim10";

function params(maxMacs: number, test1: boolean): Step {
  return asked("devlink parameters", (kernel) => kernel.devlink.params(), [
    { device: DEVICE, name: "max_macs", generic: true, values: [{ mode: "driverinit", value: maxMacs }] },
    { device: DEVICE, name: "test1", generic: false, values: [{ mode: "driverinit", value: test1 }] },
  ]);
}

function setParam(name: string, value: string | number | boolean, expect: string, source = ""): Step {
  const call = `devlink parameter ${name} ${value}`;
  return changed(call, (kernel) => kernel.devlink.setParam(DEVICE, { name, value, mode: "driverinit" }), expect, {
    source,
  });
}

function reload(expect: string, source = ""): Step {
  return changed("devlink reload", (kernel) => kernel.devlink.reload(DEVICE, {}), expect, { source });
}

function health(errors: number): Step {
  return asked("devlink health", (kernel) => kernel.devlink.health(), [
    { object: DEVICE, name: "empty", state: "healthy", errors: 0, recoveries: 0 },
    { object: DEVICE, name: "dummy", state: "healthy", errors, recoveries: errors },
  ]);
}

/** What devlink has of a device as a whole: drivers/net/netdevsim/{dev,health}.c, net/devlink. */
export const NETDEVSIM_DEVLINK: ConformanceScript = {
  name: "netdevsim: parameters, health and reload by devlink",
  machine: "netdevsim",
  pf: "/sys/bus/netdevsim/devices/netdevsim10",
  modules: ["netdevsim"],
  steps: [
    { write: "/sys/bus/netdevsim/new_device", value: "10 1", expect: "ok" },
    asked("devlink info", (kernel) => kernel.devlink.info(DEVICE), {
      driver: "netdevsim",
      serialNumber: null,
      boardSerialNumber: null,
      fixed: {},
      running: { "fw.mgmt": "10.20.30" },
      stored: { "fw.mgmt": "10.20.30" },
    }),
    params(32, true),
    setParam("max_macs", 16, "ok"),
    setParam("test1", false, "ok"),
    setParam("none-such", 1, "EINVAL"),
    params(16, false),
    { read: `${DEBUG}/max_macs`, expect: "32", source: "driverinit: the driver looks at it when it is loaded again" },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    { setVf: { vfIndex: 1, trust: true }, expect: "ok" },
    reload("ok"),
    { read: `${DEBUG}/max_macs`, expect: "16" },
    { read: `${DEBUG}/test1`, expect: "N" },
    { read: "$PF/sriov_numvfs", expect: "0", source: "nsim_dev_reload_destroy" },
    { vfInfo: 1, expect: null },
    { write: "$PF/sriov_numvfs", value: "2", expect: "ok" },
    { vfInfo: 1, expect: { trust: true }, source: "nsim_dev->vfconfigs live as long as the device" },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },

    health(0),
    { write: `${DEBUG}/health/break_health`, value: "broken", expect: "ok", source: "netdevsim's alone" },
    { ...health(1), source: "devlink_health_report: recovered at once" },
    changed(
      "devlink reload action fw_activate",
      (kernel) => kernel.devlink.reload(DEVICE, { action: "fw_activate" }),
      "EOPNOTSUPP",
    ),
    { write: `${DEBUG}/dont_allow_reload`, value: "Y", expect: "ok" },
    reload("EOPNOTSUPP", "nsim_dev_reload_down, told so"),
    { write: `${DEBUG}/dont_allow_reload`, value: "N", expect: "ok" },
    { write: `${DEBUG}/fail_reload`, value: "Y", expect: "ok" },
    reload("EINVAL", "nsim_dev_reload_up, told so"),
    { list: "$PF/net", expect: { errno: "ENOENT" }, source: "it failed halfway: no port is left" },
    { write: `${DEBUG}/fail_reload`, value: "N", expect: "ok" },
    reload("ok", "a reload that failed can be tried again"),
    { read: "$PF/net/$netdev/mtu", expect: "1500" },
    { write: "/sys/bus/netdevsim/del_device", value: "10", expect: "ok" },
    asked("devlink devices", (kernel) => kernel.devlink.devices(), []),
    asked("devlink info of what is gone", (kernel) => kernel.devlink.info(DEVICE), "ENODEV"),
  ],
};
