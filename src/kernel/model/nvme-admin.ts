import { NVME_ADMIN, NVME_CNS, NVME_VIRTUALIZATION } from "../../hardware/nvme/opcodes.ts";
import { statusText } from "../../hardware/nvme/status.ts";
import { parseNamespaces, parsePrimaryCapabilities, parseSecondaryControllers } from "../linux/nvme-identify.ts";
import { type Observed, type Unread, unread } from "../port.ts";
import type { Nvme, NvmeManagement, NvmeOutcome, NvmeRefused } from "../port-nvme.ts";
import { failed } from "../port-outcome.ts";
import { nvmeDriverOf } from "./drivers/nvme.ts";
import type { Linux } from "./linux.ts";
import { within } from "./within.ts";

const RESOURCE = { vq: 0, vi: 1 } as const;
const FIELD_MAX = 0xffff;

/** NVMe by the admin queues of the modelled controllers, as `nvme` sends commands by NVME_IOCTL_ADMIN_CMD. */
export function modelNvme(linux: Linux): Nvme {
  return {
    primaryCapabilities: async (controller) =>
      identified(linux, controller, NVME_CNS.primaryCapabilities, parsePrimaryCapabilities),
    secondaryControllers: async (controller) =>
      identified(linux, controller, NVME_CNS.secondaryControllers, parseSecondaryControllers),
    namespaces: async (controller, which) => {
      const cns = which === "active" ? NVME_CNS.activeNamespaces : NVME_CNS.allocatedNamespaces;
      return identified(linux, controller, cns, parseNamespaces);
    },
    manage: async (controller, change, waiting) => {
      waiting?.signal?.throwIfAborted();
      return within(controller, Promise.resolve(manage(linux, controller, change)), waiting);
    },
  };
}

/** All that a subsystem of the model has fits into one answer: 127 secondary controllers, 256 namespaces. */
function identified<T>(
  linux: Linux,
  controller: string,
  cns: number,
  parse: (bytes: Uint8Array) => T,
): Observed<T> | NvmeRefused | Unread {
  linux.time.catchUp();
  const driver = nvmeDriverOf(linux, controller);
  if (driver === undefined) return unread(controller, "ENODEV", `there is no NVMe controller ${controller}`);
  const data = driver.identify(cns);
  return typeof data === "number" ? refused(data) : parse(data);
}

/** Virtualization Management (NVM Express Base 2.0 §5.28). */
function manage(linux: Linux, controller: string, change: NvmeManagement): NvmeOutcome {
  linux.time.catchUp();
  const beganNs = linux.time.clock.nowNs;
  const target = `${controller} virt-mgmt`;
  const driver = nvmeDriverOf(linux, controller);
  if (driver === undefined) {
    return failed(target, change.action, "ENODEV", `there is no NVMe controller ${controller}`);
  }
  const { action, id, resource, count } = fieldsOf(change);
  const wrong = [id, count].find((field) => !Number.isInteger(field) || field < 0 || field > FIELD_MAX);
  if (wrong !== undefined) {
    return failed(target, change.action, "EINVAL", `${wrong} does not fit into 16 bits`);
  }
  const { status, result } = driver.admin({
    opcode: NVME_ADMIN.virtualizationManagement,
    dword10: (action | (resource << 8) | (id << 16)) >>> 0,
    dword11: count,
  });
  if (status !== 0) return refused(status);
  const modified = "resource" in change ? result : null;
  return { kind: "done", tookMs: (linux.time.clock.nowNs - beganNs) / 1e6, modified };
}

/** The primary controller of a model has the id 0. */
function fieldsOf(change: NvmeManagement) {
  const { primaryFlexible, assign, online, offline } = NVME_VIRTUALIZATION;
  switch (change.action) {
    case "primary-flexible":
      return { action: primaryFlexible, id: 0, resource: RESOURCE[change.resource], count: change.count };
    case "assign":
      return { action: assign, id: change.controllerId, resource: RESOURCE[change.resource], count: change.count };
    default: {
      const action = change.action === "online" ? online : offline;
      return { action, id: change.controllerId, resource: RESOURCE.vq, count: 0 };
    }
  }
}

function refused(status: number): NvmeRefused {
  return { kind: "nvme-refused", status, reason: statusText(status) };
}
