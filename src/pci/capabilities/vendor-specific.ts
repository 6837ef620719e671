import { type Block, capability } from "../capability.ts";
import { PCI_CFG_SPACE_SIZE } from "../config-space.ts";
import { bits, oneOf, type RegisterTable, register } from "../register.ts";

const PCI_VENDOR_ID_REDHAT_QUMRANET = 0x1af4;
/** From the capability's header: where the vendor's own bytes begin. */
const VENDOR_BYTES = 3;

/** Configuration structure types (virtio 1.2 §4.1.4, `VIRTIO_PCI_CAP_*`). */
const VIRTIO_CFG_TYPES = {
  1: "common configuration",
  2: "notifications",
  3: "ISR status",
  4: "device-specific configuration",
  5: "PCI configuration access",
  8: "shared memory region",
  9: "vendor-specific data",
};

/** `struct virtio_pci_cap`; the length, at 02h, is the capability's own. */
const VIRTIO: RegisterTable = {
  cfgType: register(0x03, 8, undefined, "virtio 1.2 §4.1.4", {
    virtioCfgType: bits(7, 0, "RO", { value: oneOf(VIRTIO_CFG_TYPES) }),
  }),
  bar: register(0x04, 8, undefined, "virtio 1.2 §4.1.4", {
    virtioBar: bits(7, 0, "RO", "the BAR that holds the structure; above 5 reserved"),
  }),
  id: register(0x05, 8, undefined, "virtio 1.2 §4.1.4", {
    virtioStructureId: bits(7, 0, "RO", "tells several structures of one type apart"),
  }),
  offset: register(0x08, 32, undefined, "virtio 1.2 §4.1.4", {
    virtioOffsetBytes: bits(31, 0, "RO", "of the structure in the BAR"),
  }),
  length: register(0x0c, 32, undefined, "virtio 1.2 §4.1.4", {
    virtioLengthBytes: bits(31, 0, "RO", "of the structure"),
  }),
};
const VIRTIO_SIZE = 16;

/** `struct virtio_pci_notify_cap`. */
const VIRTIO_NOTIFY: RegisterTable = {
  notifyOffMultiplier: register(0x10, 32, undefined, "virtio 1.2 §4.1.4.4", {
    virtioNotifyOffMultiplier: bits(31, 0, "RO", "a queue's notify offset is multiplied by it"),
  }),
};
const VIRTIO_NOTIFY_SIZE = 20;

/** `struct virtio_pci_cap64`. */
const VIRTIO_64: RegisterTable = {
  offsetHigh: register(0x10, 32, undefined, "virtio 1.2 §4.1.4", {
    virtioOffsetHigh: bits(31, 0, "RO", "bits 63:32 of the structure's offset"),
  }),
  lengthHigh: register(0x14, 32, undefined, "virtio 1.2 §4.1.4", {
    virtioLengthHigh: bits(31, 0, "RO", "bits 63:32 of the structure's length"),
  }),
};
const VIRTIO_64_SIZE = 24;

/** `struct virtio_pci_cfg_cap`. */
const VIRTIO_CFG: RegisterTable = {
  cfgData: register(0x10, 32, undefined, "virtio 1.2 §4.1.4.9", {
    virtioCfgData: bits(31, 0, "RW", "a window onto the BAR that the other fields point at"),
  }),
};
const VIRTIO_CFG_SIZE = 20;

/** What the vendor likes; that of virtio devices is decoded, of all others the bytes are shown. */
export const VENDOR_SPECIFIC = capability({
  id: 0x09,
  name: "Vendor-Specific",
  spec: "PCIe 6.0 §7.9.4",
  table: {
    length: register(0x02, 8, "PCI_CAP_FLAGS", "PCIe 6.0 §7.9.4", {
      lengthBytes: bits(7, 0, "RO", "of the whole capability"),
    }),
  },
  blocks: ({ lengthBytes }, { space, offset }) => {
    if (lengthBytes === null || lengthBytes < VIRTIO_SIZE || !isVirtio(space.u16(0x00), space.u16(0x02))) return [];
    const blocks: Block[] = [{ offset: 0, table: VIRTIO }];
    const cfgType = space.u8(offset + VENDOR_BYTES);
    if (cfgType === 2 && lengthBytes >= VIRTIO_NOTIFY_SIZE) blocks.push({ offset: 0, table: VIRTIO_NOTIFY });
    if (cfgType === 5 && lengthBytes >= VIRTIO_CFG_SIZE) blocks.push({ offset: 0, table: VIRTIO_CFG });
    if (cfgType === 8 && lengthBytes >= VIRTIO_64_SIZE) blocks.push({ offset: 0, table: VIRTIO_64 });
    return blocks;
  },
  derive: ({ lengthBytes }, { space, offset }) => {
    if (lengthBytes === null) return { bytes: null };
    // A length may run past the region that capabilities lie in; what is there is not the vendor's.
    const end = Math.min(offset + lengthBytes, PCI_CFG_SPACE_SIZE);
    return { bytes: space.hexDump(offset + VENDOR_BYTES, Math.max(0, end - offset - VENDOR_BYTES)) };
  },
  size: ({ lengthBytes }) => lengthBytes,
});

/** A virtio device has Red Hat's vendor ID and a device ID from 1000h to 107Fh (virtio 1.2 §4.1.2). */
function isVirtio(vendorId: number | undefined, deviceId: number | undefined): boolean {
  if (vendorId !== PCI_VENDOR_ID_REDHAT_QUMRANET || deviceId === undefined) return false;
  return deviceId >= 0x1000 && deviceId <= 0x107f;
}
