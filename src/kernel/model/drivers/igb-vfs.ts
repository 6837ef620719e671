import type { IgbPfDriver } from "../../../hardware/guests/igb-pf-driver.ts";
import type { IgbErrno, IgbVfControl } from "../../../hardware/guests/igb-vf-control.ts";
import { KernelError } from "../kernel-error.ts";
import { formatMac, macBytes } from "../mac-address.ts";
import type { NetOperations } from "../net-device.ts";

const ETHER_TYPES = { "802.1Q": 0x8100, "802.1ad": 0x88a8 } as const;

/** `igb_ndo_set_vf_*` (drivers/net/ethernet/intel/igb/igb_main.c), as the driver of the card does it. */
export function vfOperations(driver: () => IgbPfDriver): Pick<NetOperations, "setVf" | "vfInfo"> {
  /** Without VFs, each is beyond `vfs_allocated_count`. */
  const ask = (setting: (vfs: IgbVfControl) => IgbErrno | undefined, without: IgbErrno = "EINVAL"): void => {
    const { vfs } = driver();
    const errno = vfs === undefined ? without : setting(vfs);
    if (errno !== undefined) throw new KernelError(errno);
  };
  return {
    setVf: {
      mac: ({ vfIndex, mac = "" }) => ask((vfs) => vfs.setMac(vfIndex, macBytes(mac))),
      vlan({ vfIndex, vlan }) {
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        ask((vfs) => vfs.setVlan(vfIndex, id, qos, ETHER_TYPES[protocol]));
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        ask((vfs) => vfs.setRate(vfIndex, min, max));
      },
      spoofCheck: ({ vfIndex, spoofCheck = false }) =>
        ask((vfs) => vfs.setSpoofCheck(vfIndex, spoofCheck), "EOPNOTSUPP"),
      trust: ({ vfIndex, trust = false }) => ask((vfs) => vfs.setTrust(vfIndex, trust)),
    },
    /** `igb_ndo_get_vf_config`; the link state is left at 0, which is auto. */
    vfInfo(vfIndex) {
      const config = driver().vfs?.config(vfIndex);
      if (config === undefined) return undefined;
      const { address, vlan, qos, maxTxRateMbps: maxTxRate, spoofChecked: spoofCheck, trusted } = config;
      const mac = formatMac(address);
      return { mac, vlan, qos, maxTxRate, minTxRate: 0, spoofCheck, trusted, linkState: 0 };
    },
  };
}
