import { isUnread, known } from "../../kernel/port.ts";
import { isSimulated } from "../pf-address.ts";
import { wishOf } from "../plan/plan-binding.ts";
import { settingsOf } from "../plan/plan-network.ts";
import type { PfState, VfState } from "../state/host-state.ts";
import type { DesiredPf, DesiredVf } from "./desired-pf.ts";

/**
 * What there is of a PF, in the words of what is wanted: a plan toward it is empty now, and leads back to it later. What could
 * not be read is left out, and so will not be touched.
 * @param vfIndexes of which VFs; all where left out
 */
export function desiredOf(pf: PfState, vfIndexes?: readonly number[]): DesiredPf {
  const { numVfs, eswitchMode, netdevs, driversAutoprobe } = pf;
  const netdev = isUnread(netdevs) ? undefined : netdevs[0];
  const mtu = netdev && known(netdev.mtu);
  const up = netdev && known(netdev.up);
  return {
    pf: pf.bdf,
    wantedBy: ["what was there"],
    onShrink: "refuse",
    ...(isUnread(numVfs) ? {} : { numVfs }),
    ...(eswitchMode === "legacy" || eswitchMode === "switchdev" ? { eswitchMode } : {}),
    ...(mtu === undefined ? {} : { mtu }),
    ...(up === undefined ? {} : { up }),
    ...(isUnread(driversAutoprobe) ? {} : { driversAutoprobe }),
    vfs: pf.vfs
      .filter(({ vfIndex }) => vfIndexes === undefined || vfIndexes.includes(vfIndex))
      .map((vf) => desiredVf(pf, vf)),
  };
}

function desiredVf(pf: PfState, vf: VfState): DesiredVf {
  const { vfIndex, driver, settings, nvme, msixCount } = vf;
  const vectors = (known(pf.vfTotalMsix) ?? 0) > 0 ? known(msixCount) : undefined;
  return {
    vfIndex,
    ...(isUnread(driver) || isSimulated(pf.bdf) ? {} : { driver: wishOf(vf) }),
    ...(isUnread(settings) || settings === null ? {} : { network: settingsOf(settings) }),
    ...(vectors === undefined || vectors === null ? {} : { msixCount: vectors }),
    ...(isUnread(nvme) || nvme === null ? {} : { nvme: { queues: nvme.vq, interrupts: nvme.vi, online: nvme.online } }),
  };
}
