import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_RC_END, PCI_EXP_TYPE_ROOT_PORT } from "./device-port-type.ts";

/** Bits of the ACS Capability and Control registers (PCIe 6.0 §7.7.11.2; `pci_regs.h`). */
export const PCI_ACS_SV = 0x01;
export const PCI_ACS_TB = 0x02;
export const PCI_ACS_RR = 0x04;
export const PCI_ACS_CR = 0x08;
export const PCI_ACS_UF = 0x10;
export const PCI_ACS_EC = 0x20;
export const PCI_ACS_DT = 0x40;

/** Device IDs: single ones and ranges with both ends included. */
export type DeviceIds = readonly (number | readonly [first: number, last: number])[];

/**
 * One entry of Linux 6.12's `pci_dev_acs_enabled[]`, or one branch of an entry's callback: what a device does although
 * its ACS registers do not say so. The first entry that applies decides; the table is in the kernel's order.
 */
export interface AcsQuirk {
  /** The kernel's callback, verbatim. */
  readonly callback: string;
  readonly vendorId: number;
  readonly deviceIds: DeviceIds | "any";
  /** Applies to these Device/Port Types alone; to every function where left out. */
  readonly types?: readonly number[];
  /** The controls that the device effectively has; 0: it has none, whatever its registers say. */
  readonly grants: number;
  /** More that the callback asks for than IDs and type. */
  readonly condition?: "amd-southbridge" | "intel-pch" | "intel-spt-pch";
  readonly why: string;
}

const ALL_REQUIRED = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
const MF_ENDPOINT_GRANTS = ALL_REQUIRED | PCI_ACS_TB | PCI_ACS_DT;
const ROOT_PORT = [PCI_EXP_TYPE_ROOT_PORT];

export const PCI_VENDOR_ID_INTEL = 0x8086;
const PCI_VENDOR_ID_LOONGSON = 0x0014;
const PCI_VENDOR_ID_ATI = 0x1002;
const PCI_VENDOR_ID_AMD = 0x1022;
const PCI_VENDOR_ID_AMCC = 0x10e8;
const PCI_VENDOR_ID_BROADCOM = 0x14e4;
const PCI_VENDOR_ID_CAVIUM = 0x177d;
const PCI_VENDOR_ID_QCOM = 0x17cb;
const PCI_VENDOR_ID_SOLARFLARE = 0x1924;
const PCI_VENDOR_ID_NXP = 0x1957;
const PCI_VENDOR_ID_AMAZON_ANNAPURNA_LABS = 0x1c36;
const PCI_VENDOR_ID_ZHAOXIN = 0x1d17;
const PCI_VENDOR_ID_HXT = 0x1dbf;
const PCI_VENDOR_ID_AMPERE = 0x1def;
const PCI_VENDOR_ID_WANGXUN = 0x8088;
const VENDOR_ID_EMULEX_SERVERENGINES = 0x19a2;
const VENDOR_ID_EMULEX = 0x10df;

/** Linux 6.12 `drivers/pci/quirks.c`, `pci_dev_acs_enabled[]`, in its order. */
export const ACS_QUIRKS: readonly AcsQuirk[] = [
  amdSouthbridge(PCI_VENDOR_ID_ATI, [0x4385, 0x439c, 0x4383, 0x439d, 0x4384, 0x4399]),
  amdSouthbridge(PCI_VENDOR_ID_AMD, [0x780f, 0x7809]),
  mfEndpoint(PCI_VENDOR_ID_SOLARFLARE, [0x0903, 0x0923, 0x0a03]),
  mfEndpoint(PCI_VENDOR_ID_INTEL, [
    // 82598, 82599, X520, X540, X550
    ...[0x10c6, 0x10db, 0x10dd, 0x10e1, 0x10f1, 0x10f7, 0x10f8, 0x10f9, 0x10fa, 0x10fb, 0x10fc],
    ...[0x1507, 0x1514, 0x151c, 0x1529, 0x152a, 0x154d, 0x154f, 0x1551, 0x1558],
    // 82580
    ...[0x1509, 0x150e, 0x150f, 0x1510, 0x1511, 0x1516, 0x1527],
    // 82576
    ...[0x10c9, 0x10e6, 0x10e7, 0x10e8, 0x150a, 0x150d, 0x1518, 0x1526],
    // 82575
    ...[0x10a7, 0x10a9, 0x10d6],
    // I350
    ...[0x1521, 0x1522, 0x1523, 0x1524],
    // 82571 (Quads omitted due to non-ACS switch)
    ...[0x105e, 0x105f, 0x1060, 0x10d9],
    // I219
    ...[0x15b7, 0x15b8],
  ]),
  {
    callback: "pci_quirk_rciep_acs",
    vendorId: PCI_VENDOR_ID_INTEL,
    deviceIds: "any",
    types: [PCI_EXP_TYPE_RC_END],
    grants: ALL_REQUIRED,
    why: "Intel's integrated endpoints reach peers with translated addresses only (VT-d 3.1 §3.16)",
  },
  // QDF2xxx, SA8775P and others
  rootPort("pci_quirk_qcom_rp_acs", PCI_VENDOR_ID_QCOM, [0x0400, 0x0401, 0x0115, 0x0111, 0x0120]),
  rootPort("pci_quirk_qcom_rp_acs", PCI_VENDOR_ID_HXT, [0x0401]),
  {
    callback: "pci_quirk_intel_pch_acs",
    vendorId: PCI_VENDOR_ID_INTEL,
    deviceIds: [
      [0x3b42, 0x3b51], // Ibexpeak
      [0x1c10, 0x1c1f], // Cougarpoint
      [0x1e10, 0x1e1f], // Pantherpoint
      [0x8c10, 0x8c1f], // Lynxpoint-H
      [0x9c10, 0x9c1b], // Lynxpoint-LP
      [0x9c90, 0x9c9b], // Wildcat
      ...[0x1d10, 0x1d12, 0x1d14, 0x1d16, 0x1d18, 0x1d1a, 0x1d1c, 0x1d1e], // Patsburg (X79)
      [0x8d10, 0x8d1e], // Wellsburg (X99)
      ...[0x8c90, 0x8c92, 0x8c94, 0x8c96, 0x8c98, 0x8c9a, 0x8c9c, 0x8c9e], // Lynx Point (9 series)
    ],
    types: ROOT_PORT,
    grants: ALL_REQUIRED,
    condition: "intel-pch",
    why: "an Intel PCH root port has no ACS Capability; Linux sets registers of the chipset to the same effect",
  },
  {
    callback: "pci_quirk_intel_spt_pch_acs",
    vendorId: PCI_VENDOR_ID_INTEL,
    deviceIds: [
      [0xa110, 0xa11f], // Sunrise Point
      [0xa167, 0xa16a],
      [0xa290, 0xa29f], // Union Point
      [0xa2e7, 0xa2ee],
      [0x9d10, 0x9d1b], // 7th and 8th generation, mobile
    ],
    types: ROOT_PORT,
    grants: 0,
    condition: "intel-spt-pch",
    why: "this Intel PCH root port has ACS registers of 32 bits, the control at offset 8 (erratum 23)",
  },
  mfEndpoint(VENDOR_ID_EMULEX_SERVERENGINES, [0x0710]), // BE3-R
  mfEndpoint(VENDOR_ID_EMULEX, [0x0720]), // Skyhawk-R
  {
    ...rootPort("pci_quirk_cavium_acs", PCI_VENDOR_ID_CAVIUM, [[0xa000, 0xa7ff], 0xaf84, 0xb884]), // ThunderX1, X2, X3
    types: ROOT_PORT,
  },
  mfEndpoint(PCI_VENDOR_ID_CAVIUM, [0xa026, 0xa059, 0xa060]),
  rootPort("pci_quirk_xgene_acs", PCI_VENDOR_ID_AMCC, [0xe004]),
  rootPort("pci_quirk_xgene_acs", PCI_VENDOR_ID_AMPERE, [[0xe005, 0xe00c]]),
  mfEndpoint(PCI_VENDOR_ID_BROADCOM, [0x16d7, [0x1750, 0x1752], [0x1760, 0x1763]]),
  rootPort("pci_quirk_brcm_acs", PCI_VENDOR_ID_BROADCOM, [0xd714]),
  rootPort("pci_quirk_loongson_acs", PCI_VENDOR_ID_LOONGSON, [
    ...[0x3c09, 0x3c19, 0x3c29],
    ...[0x7a09, 0x7a19, 0x7a29, 0x7a39, 0x7a49, 0x7a59, 0x7a69],
  ]),
  {
    ...rootPort("pci_quirk_al_acs", PCI_VENDOR_ID_AMAZON_ANNAPURNA_LABS, [0x0031]),
    types: ROOT_PORT,
  },
  mfEndpoint(PCI_VENDOR_ID_ZHAOXIN, [0x3038, 0x3104, 0x9083]),
  // LX2xx0A and LX2xx2A, with and without security features
  rootPort("pci_quirk_nxp_rp_acs", PCI_VENDOR_ID_NXP, [
    ...[0x8d81, 0x8da1, 0x8d83, 0x8d80, 0x8da0, 0x8d82, 0x8d90, 0x8db0, 0x8d92, 0x8d91, 0x8db1, 0x8d93],
    ...[0x8d89, 0x8da9, 0x8d8b, 0x8d88, 0x8da8, 0x8d8a, 0x8d98, 0x8db8, 0x8d9a, 0x8d99, 0x8db9, 0x8d9b],
  ]),
  {
    ...rootPort("pci_quirk_zhaoxin_pcie_ports_acs", PCI_VENDOR_ID_ZHAOXIN, [
      [0x0710, 0x071e],
      0x0721,
      [0x0723, 0x0752],
    ]),
    types: [PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_DOWNSTREAM],
  },
  {
    callback: "pci_quirk_zhaoxin_pcie_ports_acs",
    vendorId: PCI_VENDOR_ID_ZHAOXIN,
    deviceIds: "any",
    types: [PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_DOWNSTREAM],
    grants: 0,
    why: "Linux knows no isolation of this Zhaoxin port, and does not look at its ACS Capability",
  },
  {
    callback: "pci_quirk_wangxun_nic_acs",
    vendorId: PCI_VENDOR_ID_WANGXUN,
    deviceIds: [[0x0100, 0x010f], 0x1001, 0x2001, 0x5010, 0x5025, 0x5040, 0x5110, 0x5125, 0x5140],
    grants: ALL_REQUIRED,
    why: "this Wangxun NIC sends what its functions say to one another up to the root",
  },
  {
    callback: "pci_quirk_wangxun_nic_acs",
    vendorId: PCI_VENDOR_ID_WANGXUN,
    deviceIds: "any",
    grants: 0,
    why: "Linux knows no isolation of this Wangxun device, and does not look at its ACS Capability",
  },
];

/** True where `id` is among `ids`. */
export function includesDeviceId(ids: DeviceIds, id: number): boolean {
  return ids.some((entry) => (typeof entry === "number" ? entry === id : id >= entry[0] && id <= entry[1]));
}

function mfEndpoint(vendorId: number, deviceIds: DeviceIds): AcsQuirk {
  return {
    callback: "pci_quirk_mf_endpoint_acs",
    vendorId,
    deviceIds,
    grants: MF_ENDPOINT_GRANTS,
    why: "the vendor says that the functions of this device do not reach one another",
  };
}

function rootPort(callback: string, vendorId: number, deviceIds: DeviceIds): AcsQuirk {
  return {
    callback,
    vendorId,
    deviceIds,
    grants: ALL_REQUIRED,
    why: "the vendor says that this port passes nothing on to its peers, without an ACS Capability that says so",
  };
}

function amdSouthbridge(vendorId: number, deviceIds: DeviceIds): AcsQuirk {
  return {
    callback: "pci_quirk_amd_sb_acs",
    vendorId,
    deviceIds,
    grants: PCI_ACS_RR | PCI_ACS_CR,
    condition: "amd-southbridge",
    why: "AMD says that functions of this southbridge do not reach one another where there is an AMD IOMMU",
  };
}
