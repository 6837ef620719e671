import { E1000 } from "../nic/registers-82576.ts";
import { IgbVfPools, type VfControlHost, type VfData, VLAN_PRIO_SHIFT } from "./igb-vf-pools.ts";
import { IgbVfRequests } from "./igb-vf-requests.ts";
import { isValidAddress, isZeroAddress } from "./mailbox-messages.ts";

const E1000_RTTBCNRC_RS_ENA = 0x8000_0000;
const E1000_STATUS_LU = 0x2;
const ETH_P_8021Q = 0x8100;
const LINK_MBPS = 1000;

/** How the kernel's calls fail; undefined where they do not. */
export type IgbErrno = "EINVAL" | "EOPNOTSUPP" | "EPERM" | "EPROTONOSUPPORT" | "ENOSPC" | "ENOENT";

/** struct ifla_vf_info, as igb_ndo_get_vf_config fills it in. */
export interface IgbVfConfig {
  readonly address: Uint8Array;
  /** By the PF: the VF cannot have another one. */
  readonly addressIsSet: boolean;
  readonly vlan: number;
  readonly qos: number;
  readonly maxTxRateMbps: number;
  readonly spoofChecked: boolean;
  readonly trusted: boolean;
}

/** igb's hold over its VFs (igb_main.c): what the kernel asks for by rtnetlink. What VFs ask for themselves is in `requests`. */
export class IgbVfControl {
  readonly requests: IgbVfRequests;
  readonly pools: IgbVfPools;
  #rateLinkSpeed = 0;

  constructor(host: VfControlHost, numVfs: number) {
    this.pools = new IgbVfPools(host, numVfs);
    this.requests = new IgbVfRequests(this.pools);
    host.log(`${numVfs} VFs allocated`);
    // igb_vf_configure.
    for (let vf = 0; vf < numVfs; vf++) this.pools.setAddress(vf, new Uint8Array(6));
  }

  /** igb_ndo_set_vf_mac: zero gives the choice back to the VF. */
  setMac(vf: number, address: Uint8Array): IgbErrno | undefined {
    const data = this.pools.vfs[vf];
    if (data === undefined) return "EINVAL";
    if (isZeroAddress(address)) {
      data.pfSetMac = false;
      this.pools.host.log(`remove administratively set MAC on VF ${vf}`);
    } else if (isValidAddress(address)) {
      data.pfSetMac = true;
      this.pools.host.log(`setting MAC ${formatAddress(address)} on VF ${vf}`);
      this.pools.host.log("Reload the VF driver to make this change effective.");
      if (this.pools.host.isDown()) this.#warnDown("The VF MAC address has been set, but the PF device is not up.");
    } else {
      return "EINVAL";
    }
    this.pools.setAddress(vf, address);
    return undefined;
  }

  /** igb_ndo_set_vf_vlan. */
  setVlan(vf: number, vlan: number, qos: number, protocol = ETH_P_8021Q): IgbErrno | undefined {
    const data = this.pools.vfs[vf];
    if (data === undefined || vlan > 4095 || qos > 7) return "EINVAL";
    if (protocol !== ETH_P_8021Q) return "EPROTONOSUPPORT";
    return vlan !== 0 || qos !== 0 ? this.#enablePortVlan(vf, data, vlan, qos) : this.#disablePortVlan(vf, data);
  }

  /** igb_ndo_set_vf_bw. */
  setRate(vf: number, minTxRateMbps: number, maxTxRateMbps: number): IgbErrno | undefined {
    if (minTxRateMbps !== 0) return "EINVAL";
    const data = this.pools.vfs[vf];
    const linkUp = (this.pools.mmio.read32(E1000.STATUS) & E1000_STATUS_LU) !== 0;
    if (data === undefined || !linkUp || maxTxRateMbps < 0 || maxTxRateMbps > LINK_MBPS) return "EINVAL";
    this.#rateLinkSpeed = LINK_MBPS;
    data.maxTxRateMbps = maxTxRateMbps;
    this.#setRateLimit(vf, maxTxRateMbps);
    return undefined;
  }

  /** igb_check_vf_rate_limit, when the link has come up. */
  checkRateLimits(): void {
    if (this.#rateLinkSpeed === 0) return;
    this.pools.vfs.forEach(({ maxTxRateMbps }, vf) => {
      this.#setRateLimit(vf, maxTxRateMbps);
    });
  }

  /** igb_ndo_set_vf_spoofchk. */
  setSpoofCheck(vf: number, on: boolean): IgbErrno | undefined {
    const data = this.pools.vfs[vf];
    if (data === undefined) return "EINVAL";
    const bits = (1 << vf) | (1 << (vf + 8));
    const value = this.pools.mmio.read32(E1000.DTXSWC);
    this.pools.mmio.write32(E1000.DTXSWC, (on ? value | bits : value & ~bits) >>> 0);
    data.spoofChecked = on;
    return undefined;
  }

  /** igb_ndo_set_vf_trust. */
  setTrust(vf: number, on: boolean): IgbErrno | undefined {
    const data = this.pools.vfs[vf];
    if (data === undefined) return "EINVAL";
    if (data.trusted === on) return undefined;
    data.trusted = on;
    this.pools.host.log(`VF ${vf} is ${on ? "" : "not "}trusted`);
    return undefined;
  }

  /** igb_ndo_get_vf_config. */
  config(vf: number): IgbVfConfig | undefined {
    const data = this.pools.vfs[vf];
    if (data === undefined) return undefined;
    const { address, pfSetMac: addressIsSet, vlan, qos, maxTxRateMbps, spoofChecked, trusted } = data;
    return { address, addressIsSet, vlan, qos, maxTxRateMbps, spoofChecked, trusted };
  }

  #warnDown(what: string): void {
    this.pools.host.log(what);
    this.pools.host.log("Bring the PF device up before attempting to use the VF device.");
  }

  #enablePortVlan(vf: number, data: VfData, vlan: number, qos: number): IgbErrno | undefined {
    if (!this.pools.setVlan(vlan, true, vf)) return "ENOSPC";
    this.pools.setVmvir(vf, vlan | (qos << VLAN_PRIO_SHIFT));
    this.pools.setVmolr(vf, vlan === 0);
    if (vlan !== data.vlan) this.pools.setVlan(data.vlan, false, vf);
    data.vlan = vlan;
    data.qos = qos;
    this.pools.setVlanStrip(vf, true);
    this.pools.host.log(`Setting VLAN ${vlan}, QOS 0x${qos.toString(16)} on VF ${vf}`);
    if (this.pools.host.isDown()) this.#warnDown("The VF VLAN has been set, but the PF device is not up.");
    return undefined;
  }

  #disablePortVlan(vf: number, data: VfData): undefined {
    // Frames without a tag again, by way of VLAN 0.
    this.pools.setVlan(0, true, vf);
    this.pools.setVmvir(vf, 0);
    this.pools.setVmolr(vf, true);
    if (data.vlan !== 0) this.pools.setVlan(data.vlan, false, vf);
    data.vlan = 0;
    data.qos = 0;
    this.pools.setVlanStrip(vf, false);
  }

  /** igb_set_vf_rate_limit: the link's speed over the rate, with 14 bits of fraction. */
  #setRateLimit(vf: number, rateMbps: number): void {
    let value = 0;
    if (rateMbps !== 0) {
      const integer = Math.floor(LINK_MBPS / rateMbps);
      const fraction = Math.floor(((LINK_MBPS - integer * rateMbps) * (1 << 14)) / rateMbps);
      value = (E1000_RTTBCNRC_RS_ENA | ((integer & 0x3fff) << 14) | (fraction & 0x3fff)) >>> 0;
    }
    this.pools.mmio.write32(E1000.RTTDQSEL, vf);
    this.pools.mmio.write32(E1000.RTTBCNRM, 0x14);
    this.pools.mmio.write32(E1000.RTTBCNRC, value);
  }
}

function formatAddress(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
