import { isUnread, type Kernel, type Observed, unread } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { DeviceUsers } from "../../kernel/port-users.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";
import { isAbsent, readNumber, sysfsPath } from "../observe.ts";
import { parseSimulatedPf, type SimulatedPf } from "../pf-address.ts";
import type { PfState, VfState } from "./host-state.ts";

const DEVICES = "/sys/bus/netdevsim/devices";
const NOBODY: DeviceUsers = { users: [], idle: [], notLookedAt: [] };

/** What both kinds of PF are read by. */
export interface PfReader {
  readNetdevs(pf: SimulatedPf): Promise<PfState["netdevs"]>;
  readSettings(netdevs: PfState["netdevs"]): Promise<Observed<readonly VfInfo[] | null>>;
  readEswitchMode(pf: SimulatedPf): Promise<Observed<string | null>>;
}

/**
 * The devices of netdevsim (drivers/net/netdevsim): network devices with VFs that are in their driver alone. What PCI would tell of
 * them is not there to be read.
 */
export async function observeNetdevsim(
  kernel: Kernel | ChangeableKernel,
  reader: PfReader,
): Promise<readonly PfState[]> {
  const names = await kernel.list(DEVICES);
  if (isUnread(names)) return [];
  const pfs = names.flatMap((name) => parseSimulatedPf(name) ?? []);
  return Promise.all(pfs.map((pf) => observePf(kernel, pf, reader)));
}

async function observePf(kernel: Kernel, pf: SimulatedPf, reader: PfReader): Promise<PfState> {
  const none = unread(sysfsPath(pf), "ENODATA", "it is no PCI function");
  const netdevs = await reader.readNetdevs(pf);
  const settings = await reader.readSettings(netdevs);
  const numVfs = await readNumber(kernel, sysfsPath(pf, "sriov_numvfs"));
  // `nsim_bus_dev_max_vfs`; without debugfs, the kernel tells when it is exceeded.
  const most = await readNumber(kernel, `/sys/kernel/debug/netdevsim/${pf}/max_vfs`);
  const limit = isAbsent(most) ? unread(most.path, "ENOENT", "debugfs is not mounted") : most;
  const count = isUnread(numVfs) ? 0 : numVfs;
  return {
    bdf: pf,
    identity: { serial: null, slotPath: pf, key: `device ${pf}` },
    vendorId: none,
    deviceId: none,
    classCode: none,
    driver: "netdevsim",
    numaNode: null,
    netdevs,
    nvmeController: null,
    totalVfs: limit,
    driverLimit: limit,
    numVfs,
    driversAutoprobe: none,
    vfTotalMsix: null,
    eswitchMode: await reader.readEswitchMode(pf),
    nvme: null,
    vfioVariant: null,
    carriesDefaultRoute: false,
    users: NOBODY,
    vfs: Array.from({ length: count }, (_, vfIndex) => simulatedVf(vfIndex, settings)),
  };
}

/** Nobody can use what is no device. */
function simulatedVf(vfIndex: number, settings: Observed<readonly VfInfo[] | null>): VfState {
  return {
    vfIndex,
    bdf: null,
    driver: null,
    driverOverride: null,
    netdevs: [],
    iommuGroup: null,
    groupOthers: [],
    settings: isUnread(settings) ? settings : (settings?.find((each) => each.vfIndex === vfIndex) ?? null),
    msixCount: null,
    nvme: null,
    resetMethods: [],
    users: NOBODY,
  };
}
