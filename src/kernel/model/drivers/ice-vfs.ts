import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import { isMulticastMac, ZERO_MAC } from "../mac-address.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Nic } from "./nic-driver.ts";
import { logOfNetdev, VF_LINK_STATES, type VfOperations, vfAt } from "./nic-vfs.ts";

const TPIDS = { "802.1Q": "0x8100", "802.1ad": "0x88a8" } as const;
/** `vsi->idx`: before the VFs' come those of the PF and of its flow director. */
export const ICE_FIRST_VF_VSI = 2;

/** `ice_set_vf_*`, `ice_get_vf_cfg` (drivers/net/ethernet/intel/ice/ice_sriov.c), in Double VLAN Mode, without DCB. */
export function iceVfs(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations {
  const vfOf = (index: number) => vfAt(nic().vfs, index);
  return {
    setVf: {
      mac: ({ vfIndex, mac = "" }) => setIceVfMac(linux, dev, nic(), vfIndex, mac),
      vlan({ vfIndex, vlan }) {
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        const vf = vfOf(vfIndex);
        // A VF that had none has no protocol either, so that the first 0 is no duplicate.
        if (vf.vlan === id && vf.qos === qos && vf.vlanProtocol === protocol) return;
        vf.vlan = id;
        vf.qos = qos;
        vf.vlanProtocol = protocol;
        const tag = `${id}, QoS ${qos}, TPID ${TPIDS[protocol]}`;
        if (id === 0 && qos === 0) logOf(linux, dev, `Clearing port VLAN on VF ${vfIndex}`);
        else logOf(linux, dev, `Setting VLAN ${tag} on VF ${vfIndex}`);
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        const { vfs, netdev } = nic();
        const vf = vfOf(vfIndex);
        const { speedMbps = 0 } = netdev;
        // ice_min_tx_rate_oversubscribed
        const all = vfs.reduce((sum, each) => sum + each.minTxRate, 0) - vf.minTxRate + min;
        if (all > speedMbps) {
          logOf(
            linux,
            dev,
            `min_tx_rate of ${min} Mbps on VF ${vfIndex} would cause oversubscription of ${all - speedMbps} Mbps ` +
              `based on the current link speed ${speedMbps} Mbps`,
          );
          throw new KernelError("EINVAL");
        }
        vf.minTxRate = min;
        // ice_set_max_bw_limit
        if (vf.maxTxRate !== max && max > speedMbps) {
          logOf(
            linux,
            dev,
            `invalid max Tx rate ${max * 1000} Kbps specified for ICE_VSI_VF ${ICE_FIRST_VF_VSI + vfIndex} ` +
              `is greater than current link speed ${speedMbps * 1000} Kbps`,
          );
          logOf(linux, dev, `Unable to set max-tx-rate for VF ${vfIndex}`);
          throw new KernelError("EINVAL");
        }
        vf.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      linkState({ vfIndex, linkState = "auto" }) {
        vfOf(vfIndex).linkState = VF_LINK_STATES[linkState];
      },
      trust({ vfIndex, trust = false }) {
        const vf = vfOf(vfIndex);
        if (nic().mode === "switchdev") {
          logOf(linux, dev, "Trusted VF is forbidden in switchdev mode");
          throw new KernelError("EOPNOTSUPP");
        }
        if (vf.trusted === trust) return;
        vf.trusted = trust;
        logOf(linux, dev, `VF ${vfIndex} is now ${trust ? "" : "un"}trusted`);
      },
    },
    vfInfo: (vfIndex) => nic().vfs[vfIndex],
  };
}

/** `ice_set_vf_mac`, of rtnetlink and of a port's function alike. */
export function setIceVfMac(linux: Linux, dev: PciDev, { vfs, netdev }: Nic, vfIndex: number, mac: string): void {
  const address = mac.toLowerCase();
  if (isMulticastMac(address)) {
    logOfNetdev(linux, dev, netdev, `${address} not a valid unicast address`);
    throw new KernelError("EINVAL");
  }
  const vf = vfAt(vfs, vfIndex);
  if (vf.mac === address) return;
  vf.mac = address;
  const what = address === ZERO_MAC ? "Removing MAC" : `Setting MAC ${address}`;
  logOfNetdev(linux, dev, netdev, `${what} on VF ${vfIndex}. VF driver will be reinitialized`);
}
