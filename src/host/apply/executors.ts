import type { Step, StepKind } from "../plan/step.ts";
import { BIND_DRIVER } from "./execute/bind-driver.ts";
import { SET_ESWITCH_MODE } from "./execute/eswitch-mode.ts";
import { ATTACH_GUEST, DETACH_GUEST } from "./execute/guest.ts";
import { LOAD_MODULE } from "./execute/load-module.ts";
import { SET_MSIX_COUNT } from "./execute/msix-count.ts";
import { AWAIT_VFS, SET_DRIVERS_AUTOPROBE, SET_NUM_VFS } from "./execute/num-vfs.ts";
import { ASSIGN_NVME_RESOURCES, SET_NVME_ONLINE } from "./execute/nvme.ts";
import { SET_PF_MTU, SET_PF_UP } from "./execute/pf-link.ts";
import { RESET_VF } from "./execute/reset-vf.ts";
import { SET_VF_NETWORK } from "./execute/vf-network.ts";
import type { Executor, Executors } from "./step-outcome.ts";

/** How each kind of step is done. */
const EXECUTORS: Executors = {
  loadModule: LOAD_MODULE,
  setPfUp: SET_PF_UP,
  setPfMtu: SET_PF_MTU,
  setEswitchMode: SET_ESWITCH_MODE,
  setDriversAutoprobe: SET_DRIVERS_AUTOPROBE,
  setNumVfs: SET_NUM_VFS,
  awaitVfs: AWAIT_VFS,
  setVfNetwork: SET_VF_NETWORK,
  bindDriver: BIND_DRIVER,
  setMsixCount: SET_MSIX_COUNT,
  assignNvmeResources: ASSIGN_NVME_RESOURCES,
  setNvmeOnline: SET_NVME_ONLINE,
  resetVf: RESET_VF,
  attachGuest: ATTACH_GUEST,
  detachGuest: DETACH_GUEST,
};

/** Its executor takes the step: kind and arguments belong together, which the table's type has made sure. */
export function executorOf(step: Step): Executor<StepKind> {
  return EXECUTORS[step.kind] as Executor<StepKind>;
}
