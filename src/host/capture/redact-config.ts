import { walkCapabilities, walkExtendedCapabilities } from "../../pci/capability.ts";
import { PCI_CAP_ID_VPD, PCI_EXT_CAP_ID_DSN } from "../../pci/capability-ids.ts";
import { ConfigSpace } from "../../pci/config-space.ts";

const PCI_STATUS = 0x06;
const PCI_STATUS_CAP_LIST = 0x10;
const PCI_HEADER_TYPE = 0x0e;
const PCI_CAPABILITY_LIST = 0x34;
const PCI_CB_CAPABILITY_LIST = 0x14;
const PCI_VPD_DATA = 4;
const DSN_SERIAL = 4;

/**
 * A copy of a configuration space without what tells one card from another: the Device Serial Number (PCIe 6.0 §7.9.3),
 * and the four bytes of VPD that were read last (§7.9.18).
 */
export function redactConfig(bytes: Uint8Array): Uint8Array {
  const redacted = bytes.slice();
  const space = new ConfigSpace(bytes.subarray(0, 4096));
  const isCardBus = ((space.u8(PCI_HEADER_TYPE) ?? 0) & 0x7f) === 2;
  if (((space.u16(PCI_STATUS) ?? 0) & PCI_STATUS_CAP_LIST) !== 0) {
    for (const { id, offset } of walkCapabilities(
      space,
      isCardBus ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST,
      [],
    )) {
      if (id === PCI_CAP_ID_VPD) redacted.fill(0, offset + PCI_VPD_DATA, offset + PCI_VPD_DATA + 4);
    }
  }
  for (const { id, offset } of walkExtendedCapabilities(space, [])) {
    if (id === PCI_EXT_CAP_ID_DSN) redacted.fill(0, offset + DSN_SERIAL, offset + DSN_SERIAL + 8);
  }
  return redacted;
}
