import { type DeviceIds, includesDeviceId, PCI_VENDOR_ID_INTEL } from "./acs-quirks.ts";
import { PCI_EXP_TYPE_PCI_BRIDGE, PCI_EXP_TYPE_PCIE_BRIDGE } from "./device-port-type.ts";
import type { PciDevice } from "./isolation-model.ts";

/**
 * A function that sends requests with the Routing ID of another (Linux 6.12 `drivers/pci/quirks.c`, callers of
 * `pci_add_dma_alias`). The aliases that Linux reads from a device's MMIO or from the ACPI table IVRS are not here.
 */
interface DmaAliasQuirk {
  /** The kernel's fixup, verbatim. */
  readonly fixup: string;
  readonly vendorId: number;
  readonly deviceIds: DeviceIds;
  /** The aliases of a function at `devfn`, as device and function packed. */
  readonly aliases: (devfn: number) => readonly number[];
  /** Only boards with one of these subsystem IDs. */
  readonly subsystem?: { readonly vendorId: number; readonly deviceIds: DeviceIds };
}

const PCI_VENDOR_ID_TTI = 0x1103;
const PCI_VENDOR_ID_RICOH = 0x1180;
const PCI_VENDOR_ID_JMICRON = 0x197b;
const PCI_VENDOR_ID_MARVELL_EXT = 0x1b4b;
const VENDOR_ID_LITE_ON = 0x1c28;
const PCI_VENDOR_ID_GLENFLY = 0x6766;
const PCI_VENDOR_ID_ADAPTEC2 = 0x9005;
const PCI_VENDOR_ID_PLX = 0x10b5;
const PCI_VENDOR_ID_BROADCOM = 0x14e4;
const PCI_VENDOR_ID_MICROSEMI = 0x11f8;
const PCI_VENDOR_ID_EFAR = 0x1055;
const PCI_CLASS_BRIDGE_OTHER = 0x0680;

const functionOfSlot = (fn: number) => (devfn: number) => ((devfn & 7) === fn ? [] : [(devfn & 0xf8) | fn]);
const fixed =
  (...devfns: number[]) =>
  () =>
    devfns;
const everyDevfn = Array.from({ length: 256 }, (_, devfn) => devfn);

const QUIRKS: readonly DmaAliasQuirk[] = [
  func0(PCI_VENDOR_ID_RICOH, [0xe832, 0xe476]),
  func0(PCI_VENDOR_ID_GLENFLY, [0x3d40, 0x3d41]),
  func1(PCI_VENDOR_ID_MARVELL_EXT, [
    ...[0x9120, 0x9123, 0x9125, 0x9128, 0x9130, 0x9170, 0x9172, 0x917a, 0x9182, 0x9183],
    ...[0x91a0, 0x9215, 0x9220, 0x9230, 0x9235],
  ]),
  func1(PCI_VENDOR_ID_TTI, [0x0642, 0x0645]),
  func1(PCI_VENDOR_ID_JMICRON, [0x2392]),
  func1(VENDOR_ID_LITE_ON, [0x0122]),
  {
    fixup: "quirk_fixed_dma_alias",
    vendorId: PCI_VENDOR_ID_ADAPTEC2,
    deviceIds: [0x0285],
    subsystem: { vendorId: PCI_VENDOR_ID_ADAPTEC2, deviceIds: [0x02bb, 0x02bc] },
    aliases: fixed(0x08),
  },
  {
    fixup: "quirk_mic_x200_dma_alias",
    vendorId: PCI_VENDOR_ID_INTEL,
    deviceIds: [0x2260, 0x2264],
    aliases: fixed(0x80, 0x88, 0x93),
  },
  {
    fixup: "quirk_pex_vca_alias",
    vendorId: PCI_VENDOR_ID_INTEL,
    deviceIds: [0x2954, 0x2955, 0x2956, 0x2958, 0x2959, 0x295a],
    aliases: fixed(...everyDevfn.filter((devfn) => (devfn & 7) < 5)),
  },
  {
    fixup: "quirk_plx_ntb_dma_alias",
    vendorId: PCI_VENDOR_ID_PLX,
    deviceIds: [0x87b0, 0x87b1],
    aliases: fixed(...everyDevfn),
  },
];

/** Switchtec NTBs, whose aliases Linux reads from MMIO (`quirk_switchtec_ntb_dma_alias`). */
const SWITCHTEC_DEVICE_IDS: DeviceIds = [
  ...[[0x8531, 0x8536] as const, [0x8541, 0x8546] as const, [0x8551, 0x8556] as const],
  ...[[0x8561, 0x8566] as const, [0x8571, 0x8576] as const],
  ...[0x4000, 0x4084, 0x4068, 0x4052, 0x4036, 0x4028, 0x4100, 0x4184, 0x4168, 0x4152, 0x4136, 0x4128],
  ...[0x4200, 0x4284, 0x4268, 0x4252, 0x4236, 0x4228, 0x4352, 0x4336, 0x4328, 0x4452, 0x4436, 0x4428],
  ...[0x4552, 0x4536, 0x4528],
  ...[0x5000, 0x5084, 0x5068, 0x5052, 0x5036, 0x5028, 0x5100, 0x5184, 0x5168, 0x5152, 0x5136, 0x5128],
  ...[0x5200, 0x5284, 0x5268, 0x5252, 0x5236, 0x5228, 0x5300, 0x5384, 0x5368, 0x5352, 0x5336, 0x5328],
  ...[0x5400, 0x5484, 0x5468, 0x5452, 0x5436, 0x5428, 0x5500, 0x5584, 0x5568, 0x5552, 0x5536, 0x5528],
];

/** ThunderX2 bridges at which the IOMMU sits (`PCI_DEV_FLAGS_BRIDGE_XLATE_ROOT`). */
const BRIDGE_XLATE_ROOT_IDS: DeviceIds = [0x9000, 0x9084];

/**
 * The device and function numbers on its own bus that a function uses as aliases, itself not among them unless the
 * quirk says so; null where they are known to exist but cannot be told from configuration space.
 */
export function dmaAliases(device: PciDevice): readonly number[] | null {
  const { vendorId, deviceId } = device;
  if (vendorId === null || deviceId === null) return [];
  if (isSwitchtecNtb(device)) return null;
  const aliases: number[] = [];
  for (const quirk of QUIRKS) {
    if (quirk.vendorId !== vendorId || !includesDeviceId(quirk.deviceIds, deviceId)) continue;
    if (quirk.subsystem) {
      const { subsystemVendorId, subsystemId } = device;
      if (subsystemVendorId === null || subsystemId === null) return null;
      if (subsystemVendorId !== quirk.subsystem.vendorId) continue;
      if (!includesDeviceId(quirk.subsystem.deviceIds, subsystemId)) continue;
    }
    aliases.push(...quirk.aliases(device.devfn));
  }
  return aliases;
}

/**
 * What a bridge does to the Requester IDs of those below it (`pci_for_each_dma_alias`): `"passes"` them on, takes them
 * over (`"aliases"`), or is where the translation happens (`"translates"`); null where its type was not read.
 */
export function requesterIdsAt(bridge: PciDevice): "passes" | "aliases" | "translates" | null {
  // quirk_bridge_cavm_thrx2_pcie_root
  if (bridge.vendorId === PCI_VENDOR_ID_BROADCOM && bridge.deviceId !== null) {
    if (includesDeviceId(BRIDGE_XLATE_ROOT_IDS, bridge.deviceId)) return "translates";
  }
  // Whether a bridge that is not PCI Express aliases to its own Routing ID or to one on its secondary bus
  // (PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS) makes no difference to groups: either way those below it share it.
  if (bridge.type === null) return null;
  if (bridge.type === "not-pcie") return "aliases";
  return bridge.type === PCI_EXP_TYPE_PCI_BRIDGE || bridge.type === PCI_EXP_TYPE_PCIE_BRIDGE ? "aliases" : "passes";
}

function isSwitchtecNtb({ vendorId, deviceId, classCode }: PciDevice): boolean {
  if (deviceId === null || classCode === null || classCode >>> 8 !== PCI_CLASS_BRIDGE_OTHER) return false;
  if (vendorId === PCI_VENDOR_ID_EFAR) return deviceId >= 0x1001 && deviceId <= 0x1006;
  return vendorId === PCI_VENDOR_ID_MICROSEMI && includesDeviceId(SWITCHTEC_DEVICE_IDS, deviceId);
}

function func0(vendorId: number, deviceIds: DeviceIds): DmaAliasQuirk {
  return { fixup: "quirk_dma_func0_alias", vendorId, deviceIds, aliases: functionOfSlot(0) };
}

function func1(vendorId: number, deviceIds: DeviceIds): DmaAliasQuirk {
  return { fixup: "quirk_dma_func1_alias", vendorId, deviceIds, aliases: functionOfSlot(1) };
}
