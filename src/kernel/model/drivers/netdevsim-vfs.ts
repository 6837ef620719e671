import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import { isMulticastMac, ZERO_MAC } from "../mac-address.ts";
import type { NetOperations } from "../net-device.ts";

const LINK_STATES = { auto: 0, enable: 1, disable: 2 } as const;
/** `struct nsim_vf_config` has 16 bits for a rate. */
const RATE_MASK = 0xffff;

/** `struct nsim_vf_config` */
export interface NsimVf {
  mac: string;
  vlan: number;
  qos: number;
  vlanProtocol: "802.1Q" | "802.1ad";
  minTxRate: number;
  maxTxRate: number;
  spoofCheck: boolean;
  linkState: number;
  trusted: boolean;
  queryRss: boolean;
}

/** `kcalloc` of as many. */
export function newNsimVfs(count: number): NsimVf[] {
  return Array.from({ length: count }, () => ({
    mac: ZERO_MAC,
    vlan: 0,
    qos: 0,
    vlanProtocol: "802.1Q",
    minTxRate: 0,
    maxTxRate: 0,
    spoofCheck: false,
    linkState: 0,
    trusted: false,
    queryRss: false,
  }));
}

/** `nsim_set_vf_*` (drivers/net/netdevsim/netdev.c). @param vfOf refuses where there is no such VF */
export function nsimVfOperations(
  { log }: Linux,
  vfOf: (index: number) => NsimVf,
  isSwitchdev: () => boolean,
): Pick<NetOperations, "setVf" | "vfInfo"> {
  return {
    setVf: {
      mac({ vfIndex, mac = "" }) {
        const vf = vfOf(vfIndex);
        // "Only refuse multicast addresses, zero address can mean unset/any."
        if (isMulticastMac(mac)) throw new KernelError("EINVAL");
        vf.mac = mac.toLowerCase();
      },
      vlan({ vfIndex, vlan }) {
        const vf = vfOf(vfIndex);
        const { id = 0, qos = 0, protocol = "802.1Q" } = vlan ?? {};
        vf.vlan = id;
        vf.qos = qos;
        vf.vlanProtocol = protocol;
      },
      txRateMbps({ vfIndex, txRateMbps: { max, min = 0 } = { max: 0 } }) {
        if (isSwitchdev()) {
          log.print("Not supported in switchdev mode. Please use devlink API.");
          throw new KernelError("EOPNOTSUPP");
        }
        setRates(vfOf(vfIndex), min, max);
      },
      spoofCheck({ vfIndex, spoofCheck = false }) {
        vfOf(vfIndex).spoofCheck = spoofCheck;
      },
      linkState({ vfIndex, linkState = "auto" }) {
        vfOf(vfIndex).linkState = LINK_STATES[linkState];
      },
      queryRss({ vfIndex, queryRss = false }) {
        vfOf(vfIndex).queryRss = queryRss;
      },
      trust({ vfIndex, trust = false }) {
        vfOf(vfIndex).trusted = trust;
      },
    },
    /** `nsim_get_vf_config` */
    vfInfo(vfIndex) {
      try {
        return vfOf(vfIndex);
      } catch (error) {
        if (error instanceof KernelError) return undefined;
        throw error;
      }
    },
  };
}

function setRates(vf: NsimVf, min: number, max: number): void {
  vf.minTxRate = min & RATE_MASK;
  vf.maxTxRate = max & RATE_MASK;
}
