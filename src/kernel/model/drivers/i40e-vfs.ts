import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import { isMulticastMac, ZERO_MAC } from "../mac-address.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Nic } from "./nic-driver.ts";
import { VF_LINK_STATES, type VfOperations, vfAt } from "./nic-vfs.ts";

/** I40E_BW_CREDIT_DIVISOR: the least limit that the card has. */
const LEAST_RATE_MBPS = 50;
/** The switch's number of a VSI is the firmware's to choose. */
const FIRST_VF_SEID = 400;
/** What `i40e_reset_vf` waits for at the least. */
const RESET_MS = 20;

/** `i40e_ndo_set_vf_*`, `i40e_ndo_get_vf_config` (drivers/net/ethernet/intel/i40e/i40e_virtchnl_pf.c) */
export function i40eVfs(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations {
  const vfOf = (index: number) => vfAt(nic().vfs, index, () => logOf(linux, dev, `Invalid VF Identifier ${index}`));
  /** `i40e_vc_reset_vf` */
  const reset = () => linux.time.sleep(RESET_MS);
  return {
    setVf: {
      async mac({ vfIndex, mac = "" }) {
        const vf = vfOf(vfIndex);
        const address = mac.toLowerCase();
        if (isMulticastMac(address)) {
          logOf(linux, dev, `Invalid Ethernet address ${address} for VF ${vfIndex}`);
          throw new KernelError("EINVAL");
        }
        vf.mac = address;
        if (address === ZERO_MAC) logOf(linux, dev, `Removing MAC on VF ${vfIndex}`);
        else logOf(linux, dev, `Setting MAC ${address} on VF ${vfIndex}`);
        await reset();
        logOf(linux, dev, "Bring down and up the VF interface to make this change effective.");
      },
      async vlan({ vfIndex, vlan }) {
        const vf = vfOf(vfIndex);
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        if (protocol !== "802.1Q") {
          logOf(linux, dev, "VF VLAN protocol is not supported");
          throw new KernelError("EPROTONOSUPPORT");
        }
        if (vf.vlan === id && vf.qos === qos) return;
        vf.vlan = id;
        vf.qos = qos;
        if (id !== 0) logOf(linux, dev, `Setting VLAN ${id}, QOS 0x${qos.toString(16)} on VF ${vfIndex}`);
        await reset();
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        const vf = vfOf(vfIndex);
        if (min !== 0) {
          logOf(linux, dev, `Invalid min tx rate (${min}) (greater than 0) specified for VF ${vfIndex}.`);
          throw new KernelError("EINVAL");
        }
        // i40e_set_bw_limit: without a link the speed is -EINVAL, which as an unsigned number is above any.
        const { speedMbps = Number.POSITIVE_INFINITY } = nic().netdev;
        if (max > speedMbps) {
          logOf(linux, dev, `Invalid max tx rate ${max} specified for VSI seid ${FIRST_VF_SEID + vfIndex}.`);
          throw new KernelError("EINVAL");
        }
        if (max !== 0 && max < LEAST_RATE_MBPS) {
          logOf(linux, dev, `Setting max tx rate to minimum usable value of ${LEAST_RATE_MBPS}Mbps.`);
        }
        // It tells what was asked for.
        vf.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      linkState({ vfIndex, linkState = "auto" }) {
        vfOf(vfIndex).linkState = VF_LINK_STATES[linkState];
      },
      async trust({ vfIndex, trust = false }) {
        const vf = vfOf(vfIndex);
        if (vf.trusted === trust) return;
        vf.trusted = trust;
        await reset();
        logOf(linux, dev, `VF ${vfIndex} is now ${trust ? "" : "un"}trusted`);
      },
    },
    vfInfo: (vfIndex) => nic().vfs[vfIndex],
  };
}
