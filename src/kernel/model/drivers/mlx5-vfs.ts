import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import { isMulticastMac, isValidMac } from "../mac-address.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Nic } from "./nic-driver.ts";
import { VF_LINK_STATES, type VfOperations, vfAt } from "./nic-vfs.ts";

/**
 * `mlx5_eswitch_set_vport_*`, `mlx5_eswitch_get_vport_config` (drivers/net/ethernet/mellanox/mlx5/core/eswitch.c,
 * esw/legacy.c). There is a vport for each VF that the card can have, whether it is enabled or not.
 */
export function mlx5Vfs(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations {
  const vportOf = (index: number) => vfAt(nic().vfs, index);
  const legacyOnly = () => {
    if (nic().mode !== "legacy") throw new KernelError("EOPNOTSUPP");
  };
  return {
    setVf: {
      mac: ({ vfIndex, mac = "" }) => setVportMac(linux, dev, nic(), vfIndex, mac),
      vlan({ vfIndex, vlan }) {
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        // mlx5e_set_vf_vlan
        if (protocol !== "802.1Q") throw new KernelError("EPROTONOSUPPORT");
        // "compatibility with libvirt"
        if (nic().mode !== "legacy" && id === 0) return;
        legacyOnly();
        const vport = vportOf(vfIndex);
        vport.vlan = id;
        vport.qos = qos;
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        const vport = vportOf(vfIndex);
        vport.minTxRate = min;
        vport.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        const vport = vportOf(vfIndex);
        legacyOnly();
        const before = vport.spoofCheck;
        vport.spoofCheck = spoofCheck;
        // It looks at what was, not at what is to be.
        if (before && !isValidMac(vport.mac)) {
          logOf(linux, dev, `Spoofchk in set while MAC is invalid, vport(${vfIndex + 1})`);
        }
      },
      linkState({ vfIndex, linkState = "auto" }) {
        const vport = vportOf(vfIndex);
        legacyOnly();
        vport.linkState = VF_LINK_STATES[linkState];
      },
      trust({ vfIndex, trust = false }) {
        const vport = vportOf(vfIndex);
        legacyOnly();
        vport.trusted = trust;
      },
    },
    vfInfo: (vfIndex) => nic().vfs[vfIndex],
  };
}

/** `mlx5_esw_set_vport_mac_locked`, of rtnetlink and of a port's function alike. */
export function setVportMac(linux: Linux, dev: PciDev, { vfs }: Nic, vfIndex: number, mac: string): void {
  const vport = vfAt(vfs, vfIndex);
  const address = mac.toLowerCase();
  if (isMulticastMac(address)) throw new KernelError("EINVAL");
  if (vport.spoofCheck && !isValidMac(address)) {
    logOf(linux, dev, `Set invalid MAC while spoofchk is on, vport(${vfIndex + 1})`);
  }
  vport.mac = address;
}
