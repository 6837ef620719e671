import type { Observed } from "../kernel/port.ts";

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
  /** `sriov_totalvfs` is 0 while the firmware has SR-IOV off; what turns it on. */
  readonly firmwareSwitch?: string;
}

const MLXCONFIG = "mstconfig -d BDF set SRIOV_EN=1 NUM_OF_VFS=n, then mstfwreset or a reboot";

/** PF drivers by the name in `driver`: every `pci_driver` of Linux 6.12 that has a `sriov_configure`. */
const SRIOV_DRIVERS: Readonly<Record<string, PfDriver>> = {
  // network
  bnx2x: { makes: "netdev" },
  bnxt_en: { makes: "netdev", needsPfUp: true },
  be2net: { makes: "netdev" },
  cxgb4: { vfModule: "cxgb4vf", makes: "netdev" },
  ena: { makes: "netdev" },
  fm10k: { makes: "netdev", needsMsix: true },
  fsl_enetc: { vfModule: "fsl_enetc_vf", makes: "netdev" },
  funeth: { makes: "netdev" },
  hinic: { makes: "netdev" },
  hns3: { vfModule: "hclgevf", makes: "netdev" },
  i40e: { vfModule: "iavf", makes: "netdev", needsMsix: true, resetsPf: true },
  ice: { vfModule: "iavf", makes: "netdev", needsMsix: true },
  idpf: { makes: "netdev" },
  // igb_enable_sriov
  igb: { vfModule: "igbvf", makes: "netdev", needsMsix: true, errnoWithoutMsix: "EPERM", resetsPf: true },
  ionic: { makes: "netdev" },
  ixgbe: { vfModule: "ixgbevf", makes: "netdev", needsMsix: true, resetsPf: true },
  LiquidIO: { vfModule: "liquidio_vf", makes: "netdev" },
  mlx5_core: { makes: "netdev", firmwareSwitch: MLXCONFIG },
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
  "virtio-pci": { makes: "netdev" },
  // storage
  nvme: { makes: "nvme", needsResources: true },
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
  // none of their own
  "pci-endpoint-test": {},
  "pci-pf-stub": {},
  "vfio-pci": {},
};

/** What is known of a PF driver; undefined where it is not known to implement `sriov_configure`. */
export function pfDriver(driver: Observed<string | null>): PfDriver | undefined {
  return typeof driver === "string" && Object.hasOwn(SRIOV_DRIVERS, driver) ? SRIOV_DRIVERS[driver] : undefined;
}
