import { unread } from "../port.ts";
import type { Nvme } from "../port-nvme.ts";
import { failed } from "../port-outcome.ts";

const NO_CONTROLLER = "there is no such NVMe controller";

/** NVMe where no controller is there. */
export const NO_NVME: Nvme = {
  primaryCapabilities: async (controller) => unread(controller, "ENOENT", NO_CONTROLLER),
  secondaryControllers: async (controller) => unread(controller, "ENOENT", NO_CONTROLLER),
  namespaces: async (controller) => unread(controller, "ENOENT", NO_CONTROLLER),
  manage: async (controller, change) => failed(controller, JSON.stringify(change), "ENOENT", NO_CONTROLLER),
};
