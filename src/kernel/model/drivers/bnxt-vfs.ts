import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import { isMulticastMac } from "../mac-address.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Nic } from "./nic-driver.ts";
import { logOfNetdev, VF_LINK_STATES, type VfOperations, vfAt } from "./nic-vfs.ts";

/**
 * `bnxt_set_vf_*`, `bnxt_get_vf_config` (drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c), with firmware that has no
 * BNXT_FW_CAP_DFLT_VLAN_TPID_PCP.
 */
export function bnxtVfs(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations {
  const say = (text: string) => logOfNetdev(linux, dev, nic().netdev, text);
  /** `bnxt_vf_ndo_prep` */
  const vfOf = (index: number) => {
    const { vfs } = nic();
    return vfAt(vfs, index, () =>
      say(vfs.length === 0 ? "vf ndo called though sriov is disabled" : `Invalid VF id ${index}`),
    );
  };
  return {
    setVf: {
      mac({ vfIndex, mac = "" }) {
        const vf = vfOf(vfIndex);
        if (isMulticastMac(mac)) {
          say("Invalid VF ethernet address");
          throw new KernelError("EINVAL");
        }
        vf.mac = mac.toLowerCase();
      },
      vlan({ vfIndex, vlan }) {
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        if (protocol !== "802.1Q") throw new KernelError("EPROTONOSUPPORT");
        const vf = vfOf(vfIndex);
        if (id === 0 && qos !== 0) throw new KernelError("EINVAL");
        vf.vlan = id;
        vf.qos = qos;
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        const vf = vfOf(vfIndex);
        // Without a link the speed is SPEED_UNKNOWN, which as an unsigned number is above any.
        const { speedMbps = Number.POSITIVE_INFINITY } = nic().netdev;
        if (max > speedMbps) {
          say(`max tx rate ${max} exceed PF link speed for VF ${vfIndex}`);
          throw new KernelError("EINVAL");
        }
        if (min > speedMbps) {
          say(`min tx rate ${min} is invalid for VF ${vfIndex}`);
          throw new KernelError("EINVAL");
        }
        vf.minTxRate = min;
        vf.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      linkState({ vfIndex, linkState = "auto" }) {
        vfOf(vfIndex).linkState = VF_LINK_STATES[linkState];
      },
      trust({ vfIndex, trust = false }) {
        vfOf(vfIndex).trusted = trust;
      },
    },
    vfInfo: (vfIndex) => nic().vfs[vfIndex],
  };
}
