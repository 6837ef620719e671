import { isUnread, type Observed } from "../kernel/port.ts";
import type { PfState } from "./state/host-state.ts";

/** What a manager must know of a PF driver that the kernel does not tell. From Linux 6.12 and the field (vendors.md). */
export interface PfDriver {
  /** The module of the driver that binds the VFs, where it is another one. */
  readonly vfModule?: string;
  /** The class of device its VFs make. */
  readonly makes?: "netdev" | "nvme";
  /** The PF's interface must be up before VFs are made; the write succeeds with no VFs otherwise. */
  readonly needsPfUp?: true;
  /** Enables all VFs, whatever number is written. */
  readonly ignoresCount?: true;
  /** Creating VFs resets the PF: its link drops for some seconds. */
  readonly resetsPf?: true;
  /** VFs need MSI-X in the PF. */
  readonly needsMsix?: true;
  /** The errno that its `sriov_configure` gives where the PF's MSI-X is off. */
  readonly errnoWithoutMsix?: string;
  /** VFs cannot work before queues and interrupts are assigned to them. */
  readonly needsResources?: true;
  /** The settings of VFs that it has an `ndo_set_vf_*` for; left out where that is not known. */
  readonly takes?: readonly VfSetting[];
  /** On a port of InfiniBand, where the interface is IPoIB's with its own `ndo_set_vf_*`. */
  readonly takesOnInfiniBand?: readonly VfSetting[];
  /** It has an `ndo_get_vf_stats`. */
  readonly countsVfs?: true;
  /** 802.1ad as a VF's VLAN protocol. */
  readonly takesServiceVlan?: true;
  /** It shows the address that was administered, and never one that the VF chose. */
  readonly showsAdminMac?: true;
  /** A VF begins without spoof check. */
  readonly spoofCheckOff?: true;
  /** `ndo_set_vf_rate` refuses without a carrier, whose speed is the limit. */
  readonly ratesNeedLink?: true;
  /** A VF's driver sees an administered MAC address only when it is bound anew. */
  readonly macNeedsRebind?: true;
  /** When `devlink eswitch set mode` works: with no VFs; with some; with VFs whose drivers have left them. */
  readonly eswitch?: "noVfs" | "vfs" | "unboundVfs";
  /** How long one VF takes until its device is there, in milliseconds, where that was measured. */
  readonly vfMs?: number;
  /** PF and VF driver have been seen to race after a VF's reset. */
  readonly resetLoops?: true;
  /** `sriov_totalvfs` is 0 while the firmware has SR-IOV off; what turns it on. */
  readonly firmwareSwitch?: string;
}

/** Of a VF, by the names of what is wanted; QoS goes with the VLAN. */
export type VfSetting =
  | "mac"
  | "vlan"
  | "minTxRateMbps"
  | "maxTxRateMbps"
  | "spoofCheck"
  | "trust"
  | "linkState"
  | "queryRss"
  | "nodeGuid"
  | "portGuid";

const BASIC = ["mac", "vlan", "maxTxRateMbps", "spoofCheck", "trust"] as const;
const WITH_LINK = [...BASIC, "linkState"] as const;
const WITH_SHARES = [...WITH_LINK, "minTxRateMbps"] as const;

const MLXCONFIG = "mstconfig -d BDF set SRIOV_EN=1 NUM_OF_VFS=n, then mstfwreset or a reboot";

/** PF drivers by the name in `driver`: every `pci_driver` of Linux 6.12 that has a `sriov_configure`. */
const SRIOV_DRIVERS: Readonly<Record<string, PfDriver>> = {
  // network
  bnx2x: { makes: "netdev" },
  bnxt_en: { makes: "netdev", needsPfUp: true, takes: WITH_SHARES, spoofCheckOff: true, eswitch: "vfs" },
  be2net: { makes: "netdev" },
  cxgb4: { vfModule: "cxgb4vf", makes: "netdev" },
  ena: { makes: "netdev" },
  fm10k: { makes: "netdev", needsMsix: true, countsVfs: true },
  fsl_enetc: { vfModule: "fsl_enetc_vf", makes: "netdev" },
  funeth: { makes: "netdev" },
  hinic: { makes: "netdev" },
  hns3: { vfModule: "hclgevf", makes: "netdev" },
  i40e: {
    vfModule: "iavf",
    makes: "netdev",
    needsMsix: true,
    resetsPf: true,
    takes: WITH_LINK,
    countsVfs: true,
    vfMs: 340,
  },
  ice: {
    vfModule: "iavf",
    makes: "netdev",
    needsMsix: true,
    takes: WITH_SHARES,
    countsVfs: true,
    takesServiceVlan: true,
    eswitch: "noVfs",
    resetLoops: true,
  },
  idpf: { makes: "netdev" },
  // igb_enable_sriov, igb_ndo_set_vf_*
  igb: {
    vfModule: "igbvf",
    makes: "netdev",
    needsMsix: true,
    errnoWithoutMsix: "EPERM",
    resetsPf: true,
    takes: BASIC,
    ratesNeedLink: true,
    macNeedsRebind: true,
  },
  ionic: { makes: "netdev", countsVfs: true },
  ixgbe: {
    vfModule: "ixgbevf",
    makes: "netdev",
    needsMsix: true,
    resetsPf: true,
    takes: [...WITH_LINK, "queryRss"],
    countsVfs: true,
    ratesNeedLink: true,
    macNeedsRebind: true,
    vfMs: 1000,
  },
  LiquidIO: { vfModule: "liquidio_vf", makes: "netdev", countsVfs: true },
  mlx5_core: {
    makes: "netdev",
    firmwareSwitch: MLXCONFIG,
    // `mlx5e_set_vf_vlan` has 802.1Q alone.
    takes: WITH_SHARES,
    // ipoib_set_vf_guid; ipoib_set_vf_link_state
    takesOnInfiniBand: ["linkState", "nodeGuid", "portGuid"],
    spoofCheckOff: true,
    showsAdminMac: true,
    countsVfs: true,
    eswitch: "unboundVfs",
    vfMs: 400,
  },
  nfp: { makes: "netdev" },
  octeon_ep: { vfModule: "octeon_ep_vf", makes: "netdev" },
  octep_vdpa: {},
  pds_core: {},
  qede: { makes: "netdev" },
  qlcnic: { makes: "netdev" },
  rvu_nicpf: { vfModule: "rvu_nicvf", makes: "netdev" },
  sfc: { makes: "netdev" },
  sfc_ef100: { makes: "netdev" },
  sfc_siena: { makes: "netdev" },
  "virtio-pci": { makes: "netdev", takes: [] },
  // storage
  nvme: { makes: "nvme", needsResources: true, takes: [] },
  // accelerators
  "420xx": { ignoresCount: true },
  "4xxx": { ignoresCount: true },
  c3xxx: { vfModule: "qat_c3xxxvf", ignoresCount: true },
  c6xx: { vfModule: "qat_c62xvf", ignoresCount: true },
  CNN55XX: {},
  "dfl-pci": {},
  dh895xcc: { vfModule: "qat_dh895xccvf", ignoresCount: true },
  genwqe: {},
  hisi_hpre: {},
  hisi_sec2: {},
  hisi_zip: {},
  mrvl_cn10k_dpi: {},
  "octeontx-cpt": { vfModule: "octeontx_cptvf" },
  rvu_cptpf: {},
  xe: {},
  // no pci_driver: drivers/net/netdevsim, for which everything is data
  netdevsim: {
    makes: "netdev",
    takes: [...WITH_SHARES, "queryRss"],
    spoofCheckOff: true,
    showsAdminMac: true,
    takesServiceVlan: true,
  },
  // none of their own
  "pci-endpoint-test": {},
  "pci-pf-stub": {},
  "vfio-pci": {},
};

/** What is known of a PF driver; undefined where it is not known to implement `sriov_configure`. */
export function pfDriver(driver: Observed<string | null>): PfDriver | undefined {
  return typeof driver === "string" && Object.hasOwn(SRIOV_DRIVERS, driver) ? SRIOV_DRIVERS[driver] : undefined;
}

const INFINIBAND_CLASS = 0x0207;

/** What is known of the driver of a PF, by what its port is; where that could not be read, of either. */
export function quirksOf({ driver, classCode }: Pick<PfState, "driver" | "classCode">): PfDriver {
  const { takesOnInfiniBand, ...quirks } = pfDriver(driver) ?? {};
  if (takesOnInfiniBand === undefined) return quirks;
  if (isUnread(classCode)) return { ...quirks, takes: [...new Set([...(quirks.takes ?? []), ...takesOnInfiniBand])] };
  return classCode >>> 8 === INFINIBAND_CLASS ? { ...quirks, takes: takesOnInfiniBand } : quirks;
}

/** vfio-pci, or a variant of it (mlx5_vfio_pci). */
export function isVfioDriver(driver: unknown): boolean {
  return typeof driver === "string" && /vfio[-_]pci$/.test(driver);
}

/**
 * Whether a driver may stay on other members of a group while a guest has one: those with `driver_managed_dma`, which are pcieport,
 * pci-stub, vfio-pci and its variants.
 */
export function managesNoDma(driver: unknown): boolean {
  return driver === "pcieport" || driver === "pci-stub" || isVfioDriver(driver);
}
