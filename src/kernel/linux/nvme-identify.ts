import type { NvmeFlexibleResources, NvmePrimaryCapabilities, NvmeSecondary } from "../port-nvme.ts";

/** As many fit into one answer: (4096 - 32) / 32, and 4096 / 4. */
export const LIST_ENTRIES = 127;
export const NAMESPACE_ENTRIES = 1024;

const ENTRY_BYTES = 32;

/** Primary Controller Capabilities (NVM Express Base 2.0, figure 281). */
export function parsePrimaryCapabilities(bytes: Uint8Array): NvmePrimaryCapabilities {
  const view = viewOf(bytes);
  const crt = view.getUint8(4);
  return {
    controllerId: view.getUint16(0, true),
    portId: view.getUint16(2, true),
    ...((crt & 1) !== 0 && { vq: resourcesAt(view, 32) }),
    ...((crt & 2) !== 0 && { vi: resourcesAt(view, 64) }),
  };
}

function resourcesAt(view: DataView, offset: number): NvmeFlexibleResources {
  return {
    total: view.getUint32(offset, true),
    assigned: view.getUint32(offset + 4, true),
    primary: view.getUint16(offset + 8, true),
    private: view.getUint16(offset + 10, true),
    secondaryMax: view.getUint16(offset + 12, true),
    granularity: view.getUint16(offset + 14, true),
  };
}

/** Secondary Controller List (figures 282 and 283). */
export function parseSecondaryControllers(bytes: Uint8Array): readonly NvmeSecondary[] {
  const view = viewOf(bytes);
  const count = Math.min(view.getUint8(0), LIST_ENTRIES);
  return Array.from({ length: count }, (_, index) => {
    const at = ENTRY_BYTES * (index + 1);
    return {
      controllerId: view.getUint16(at, true),
      primaryControllerId: view.getUint16(at + 2, true),
      online: (view.getUint8(at + 4) & 1) !== 0,
      vfNumber: view.getUint16(at + 8, true),
      vq: view.getUint16(at + 10, true),
      vi: view.getUint16(at + 12, true),
    };
  });
}

/** Namespace List (§4.4.2): ascending, zeros behind the last. */
export function parseNamespaces(bytes: Uint8Array): readonly number[] {
  const view = viewOf(bytes);
  const ids = Array.from({ length: NAMESPACE_ENTRIES }, (_, index) => view.getUint32(4 * index, true));
  const end = ids.indexOf(0);
  return end < 0 ? ids : ids.slice(0, end);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
