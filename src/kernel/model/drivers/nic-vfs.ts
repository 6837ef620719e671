import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import { ZERO_MAC } from "../mac-address.ts";
import type { NetDevice, NetOperations, VfConfig } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";

/** IFLA_VF_LINK_STATE_AUTO, ENABLE, DISABLE */
export const VF_LINK_STATES = { auto: 0, enable: 1, disable: 2 } as const;

/** What a PF's driver holds of a VF, as it tells of it. */
export type NicVf = { -readonly [Key in keyof VfConfig]: VfConfig[Key] };

/** What a driver does of settings of VFs. */
export type VfOperations = Pick<NetOperations, "setVf" | "vfInfo">;

/** @param initial what is not off, or 0 */
export function newNicVfs(count: number, initial: Partial<NicVf> = {}): NicVf[] {
  return Array.from({ length: count }, () => ({
    mac: ZERO_MAC,
    vlan: 0,
    qos: 0,
    minTxRate: 0,
    maxTxRate: 0,
    spoofCheck: false,
    linkState: VF_LINK_STATES.auto,
    trusted: false,
    ...initial,
  }));
}

/** @param refused is called where there is no such VF, before EINVAL */
export function vfAt(vfs: readonly NicVf[], index: number, refused: () => void = () => {}): NicVf {
  const vf = vfs[index];
  if (vf !== undefined) return vf;
  refused();
  throw new KernelError("EINVAL");
}

/** `netdev_info` and the like. */
export function logOfNetdev({ log }: Linux, dev: PciDev, netdev: NetDevice, text: string): void {
  log.print(`${dev.logName} ${netdev.name}: ${text}`);
}
