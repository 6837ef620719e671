import type { PfDriver } from "../drivers.ts";
import type { Step } from "./step.ts";

/** `sriov_enable` waits so long for VFs to come, */
const ENABLE_MS = 100;
/** and `sriov_disable` for them to go. */
const DISABLE_MS = 1000;
/** Measured on an 82576 under emulation, a driver's probe included; drivers with another figure have `vfMs`. */
const VF_MS = 100;
const SETTING_MS = 5;
const BIND_MS = 100;
/** Autonegotiation of gigabit Ethernet. */
const LINK_MS = 2000;
const ESWITCH_MS = 3000;
const NVME_MS = 100;
const MODULE_MS = 300;
/** The wait of a Function Level Reset (PCIe 6.0 §6.6.2). */
const FLR_MS = 100;
/** Until the guest's kernel has let go of it, or has found it. */
const GUEST_MS = 1000;
const LITTLE_MS = 5;

/** About how long steps take, one after another. */
export function expectedMs(steps: readonly Step[], quirks: PfDriver): number {
  return steps.reduce((sum, step) => sum + stepMs(step, quirks), 0);
}

function stepMs(step: Step, { vfMs = VF_MS }: PfDriver): number {
  switch (step.kind) {
    case "loadModule":
      return MODULE_MS;
    case "setPfUp":
      return step.to && step.awaitCarrier ? LINK_MS : LITTLE_MS;
    case "setEswitchMode":
      return ESWITCH_MS;
    case "setNumVfs":
      return step.to === 0 ? DISABLE_MS : ENABLE_MS + step.to * vfMs;
    case "setVfNetwork":
      return step.changes.reduce((sum, { to }) => sum + (Object.keys(to).length - 1) * SETTING_MS, 0);
    case "bindDriver":
      return BIND_MS;
    case "assignNvmeResources":
    case "setNvmeOnline":
      return NVME_MS;
    case "resetVf":
      return FLR_MS;
    case "attachGuest":
    case "detachGuest":
      return GUEST_MS;
    default:
      return LITTLE_MS;
  }
}
