import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import { isValidMac, ZERO_MAC } from "../mac-address.ts";
import type { NetDevice, NetOperations } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";

/** `struct vf_data_storage` */
export interface IgbVf {
  mac: string;
  /** IGB_VF_FLAG_PF_SET_MAC */
  macSetByPf: boolean;
  vlan: number;
  qos: number;
  maxTxRate: number;
  spoofCheck: boolean;
  trusted: boolean;
}

/** `struct igb_adapter`, as far as VFs and the link go. */
export interface IgbAdapter {
  readonly dev: PciDev;
  readonly netdev: NetDevice;
  /** How many times it was opened or closed: a link that an earlier opening waited for does not come. */
  openings: number;
  /** `vf_data`; its length is `vfs_allocated_count`. */
  vfs: IgbVf[];
  /** Called when what VFs see of the link may have changed (`igb_ping_all_vfs`). */
  readonly linkListeners: Map<number, () => void>;
}

/** `igb_vf_configure`, after `kcalloc`. */
export function newVf(): IgbVf {
  return { mac: ZERO_MAC, macSetByPf: false, vlan: 0, qos: 0, maxTxRate: 0, spoofCheck: true, trusted: false };
}

/** `igb_ndo_set_vf_*` (drivers/net/ethernet/intel/igb/igb_main.c). */
export function vfOperations(
  linux: Linux,
  dev: PciDev,
  adapter: () => IgbAdapter,
): Pick<NetOperations, "setVf" | "vfInfo"> {
  const vfOf = (index: number): IgbVf => {
    const vf = adapter().vfs[index];
    if (vf === undefined) throw new KernelError("EINVAL");
    return vf;
  };
  return {
    setVf: {
      mac({ vfIndex, mac = "" }) {
        const vf = vfOf(vfIndex);
        const address = mac.toLowerCase();
        if (address === ZERO_MAC) {
          vf.macSetByPf = false;
          logOf(linux, dev, `remove administratively set MAC on VF ${vfIndex}`);
        } else {
          if (!isValidMac(address)) throw new KernelError("EINVAL");
          vf.macSetByPf = true;
          logOf(linux, dev, `setting MAC ${address} on VF ${vfIndex}`);
          logOf(linux, dev, "Reload the VF driver to make this change effective.");
          warnWhileDown(linux, adapter(), "MAC address");
        }
        vf.mac = address;
      },
      vlan({ vfIndex, vlan }) {
        const vf = vfOf(vfIndex);
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        if (protocol !== "802.1Q") throw new KernelError("EPROTONOSUPPORT");
        vf.vlan = id;
        vf.qos = qos;
        // igb_disable_port_vlan says nothing.
        if (id === 0 && qos === 0) return;
        logOf(linux, dev, `Setting VLAN ${id}, QOS 0x${qos.toString(16)} on VF ${vfIndex}`);
        warnWhileDown(linux, adapter(), "VLAN");
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        if (min !== 0) throw new KernelError("EINVAL");
        const vf = vfOf(vfIndex);
        const { carrier, speedMbps = 0 } = adapter().netdev;
        if (!carrier || max > speedMbps) throw new KernelError("EINVAL");
        vf.maxTxRate = max;
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        if (adapter().vfs.length === 0) throw new KernelError("EOPNOTSUPP");
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      trust({ vfIndex, trust = false }) {
        const vf = vfOf(vfIndex);
        if (vf.trusted === trust) return;
        vf.trusted = trust;
        logOf(linux, dev, `VF ${vfIndex} is ${trust ? "" : "not "}trusted`);
      },
    },
    /** `igb_ndo_get_vf_config`; the link state is left at 0, which is auto. */
    vfInfo(vfIndex) {
      const vf = adapter().vfs[vfIndex];
      return vf && { ...vf, minTxRate: 0, linkState: 0 };
    },
  };
}

function warnWhileDown(linux: Linux, { dev, netdev }: IgbAdapter, what: string): void {
  if (netdev.up) return;
  logOf(linux, dev, `The VF ${what} has been set, but the PF device is not up.`);
  logOf(linux, dev, "Bring the PF device up before attempting to use the VF device.");
}

/** E1000_VF_RESET (`igb_vf_reset_msg`): @returns the address that the PF has for the VF; zeros where it has none */
export function resetVf({ vfs }: IgbAdapter, vfIndex: number): string {
  const vf = vfs[vfIndex];
  if (vf === undefined) return ZERO_MAC;
  // igb_vf_reset_event
  if (!vf.macSetByPf) vf.mac = ZERO_MAC;
  return vf.mac;
}

/** E1000_VF_SET_MAC_ADDR (`igb_set_vf_mac_addr`). @returns whether the PF takes it */
export function setMacOfVf(linux: Linux, { dev, vfs }: IgbAdapter, vfIndex: number, mac: string): boolean {
  const vf = vfs[vfIndex];
  if (vf === undefined) return false;
  if (vf.macSetByPf && !vf.trusted) {
    logOf(linux, dev, `VF ${vfIndex} attempted to override administratively set MAC address`);
    linux.log.print("Reload the VF driver to resume operations");
    return false;
  }
  if (!isValidMac(mac)) return false;
  vf.mac = mac;
  return true;
}
