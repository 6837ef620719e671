import { unread } from "../port.ts";
import type { Devlink } from "../port-devlink.ts";
import { failed } from "../port-outcome.ts";

const NO_DEVICE = "there is no such devlink device";

/** devlink of drivers that have none: no objects, and nothing to be changed. */
export const NO_DEVLINK: Devlink = {
  devices: async () => [],
  info: async (device) => unread(device, "ENODEV", NO_DEVICE),
  eswitch: async (device) => unread(device, "ENODEV", NO_DEVICE),
  ports: async () => [],
  rates: async () => [],
  params: async () => [],
  health: async () => [],
  setEswitch: async (device, change) => refused(device, change),
  setPortFunction: async (port, change) => refused(port, change),
  addRate: async (node, change) => refused(node, change),
  setRate: async (object, change) => refused(object, change),
  deleteRate: async (node) => refused(node, ""),
  setParam: async (device, param) => refused(device, param),
  reload: async (device, change) => refused(device, change),
};

function refused(target: string, change: unknown) {
  return failed(target, JSON.stringify(change), "ENODEV", NO_DEVICE);
}
