import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import { isValidMac, ZERO_MAC } from "../mac-address.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Nic } from "./nic-driver.ts";
import { logOfNetdev, VF_LINK_STATES, type VfOperations, vfAt } from "./nic-vfs.ts";

const DEVICE_ID_X550T = 0x1563;
const FULL_SPEED_MBPS = 10_000;
/** A limit is above it, or none. */
const LEAST_RATE_MBPS = 10;

/** `ixgbe_ndo_set_vf_*`, `ixgbe_ndo_get_vf_config` (drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.c) */
export function ixgbeVfs(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations {
  const vfOf = (index: number) => vfAt(nic().vfs, index);
  const warnWhileDown = (what: string) => {
    if (nic().netdev.up) return;
    logOf(linux, dev, `The VF ${what} has been set, but the PF device is not up.`);
    logOf(linux, dev, "Bring the PF device up before attempting to use the VF device.");
  };
  return {
    setVf: {
      mac({ vfIndex, mac = "" }) {
        const vf = vfOf(vfIndex);
        const address = mac.toLowerCase();
        if (isValidMac(address)) {
          logOf(linux, dev, `setting MAC ${address} on VF ${vfIndex}`);
          logOf(linux, dev, "Reload the VF driver to make this change effective.");
          warnWhileDown("MAC address");
        } else if (address !== ZERO_MAC) throw new KernelError("EINVAL");
        else if (vf.mac !== ZERO_MAC) logOf(linux, dev, `removing MAC on VF ${vfIndex}`);
        vf.mac = address;
      },
      vlan({ vfIndex, vlan }) {
        const vf = vfOf(vfIndex);
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        if (protocol !== "802.1Q") throw new KernelError("EPROTONOSUPPORT");
        vf.vlan = id;
        vf.qos = qos;
        // ixgbe_disable_port_vlan says nothing.
        if (id === 0 && qos === 0) return;
        logOf(linux, dev, `Setting VLAN ${id}, QOS 0x${qos.toString(16)} on VF ${vfIndex}`);
        warnWhileDown("VLAN");
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        const vf = vfOf(vfIndex);
        const { carrier, speedMbps } = nic().netdev;
        if (!carrier || speedMbps !== FULL_SPEED_MBPS || min !== 0) throw new KernelError("EINVAL");
        if (max !== 0 && (max <= LEAST_RATE_MBPS || max > speedMbps)) throw new KernelError("EINVAL");
        vf.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      linkState({ vfIndex, linkState = "auto" }) {
        const vf = vfAt(nic().vfs, vfIndex, () =>
          logOf(linux, dev, `NDO set VF link - invalid VF identifier ${vfIndex}`),
        );
        const state = VF_LINK_STATES[linkState];
        // What it cannot do it says, and is content.
        if (linkState === "enable") logOf(linux, dev, `NDO set VF ${vfIndex} link state ${state} - not supported`);
        else {
          logOf(linux, dev, `NDO set VF ${vfIndex} link state ${linkState}`);
          vf.linkState = state;
        }
      },
      queryRss({ vfIndex, queryRss = false }) {
        // Only the 82599 and the X540 share the PF's table.
        if (dev.device === DEVICE_ID_X550T) throw new KernelError("EOPNOTSUPP");
        vfOf(vfIndex).queryRss = queryRss;
      },
      trust({ vfIndex, trust = false }) {
        const vf = vfOf(vfIndex);
        if (vf.trusted === trust) return;
        vf.trusted = trust;
        logOfNetdev(linux, dev, nic().netdev, `VF ${vfIndex} is ${trust ? "" : "not "}trusted`);
      },
    },
    vfInfo: (vfIndex) => nic().vfs[vfIndex],
  };
}
