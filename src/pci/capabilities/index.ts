import type { Capability } from "../capability.ts";
import { ADVANCED_FEATURES } from "./advanced-features.ts";
import { AGP, AGP_8X } from "./agp.ts";
import { COMPACT_PCI_CENTRAL_RESOURCE_CONTROL, COMPACT_PCI_HOT_SWAP } from "./compact-pci.ts";
import { DEBUG_PORT } from "./debug-port.ts";
import { ENHANCED_ALLOCATION } from "./enhanced-allocation.ts";
import { EXPRESS } from "./express.ts";
import { FLATTENING_PORTAL_BRIDGE } from "./flattening-portal-bridge.ts";
import { HOT_PLUG } from "./hot-plug.ts";
import { HYPER_TRANSPORT } from "./hyper-transport.ts";
import { MSI } from "./msi.ts";
import { MSIX } from "./msix.ts";
import { NULL_CAPABILITY } from "./null.ts";
import { PCI_X } from "./pci-x.ts";
import { POWER_MANAGEMENT } from "./power-management.ts";
import { SATA } from "./sata.ts";
import { SECURE_DEVICE } from "./secure-device.ts";
import { SLOT_IDENTIFICATION } from "./slot-identification.ts";
import { SUBSYSTEM_ID } from "./subsystem-id.ts";
import { VENDOR_SPECIFIC } from "./vendor-specific.ts";
import { VITAL_PRODUCT_DATA } from "./vital-product-data.ts";

/** The capabilities of the list at 34h, by their IDs. */
export const STANDARD_CAPABILITIES: readonly Capability[] = [
  NULL_CAPABILITY,
  POWER_MANAGEMENT,
  AGP,
  VITAL_PRODUCT_DATA,
  SLOT_IDENTIFICATION,
  MSI,
  COMPACT_PCI_HOT_SWAP,
  PCI_X,
  HYPER_TRANSPORT,
  VENDOR_SPECIFIC,
  DEBUG_PORT,
  COMPACT_PCI_CENTRAL_RESOURCE_CONTROL,
  HOT_PLUG,
  SUBSYSTEM_ID,
  AGP_8X,
  SECURE_DEVICE,
  EXPRESS,
  MSIX,
  SATA,
  ADVANCED_FEATURES,
  ENHANCED_ALLOCATION,
  FLATTENING_PORTAL_BRIDGE,
];
