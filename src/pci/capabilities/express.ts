import { type Block, capability } from "../capability.ts";
import { PCI_CAP_ID_EXP } from "../capability-ids.ts";
import {
  DEVICE_PORT_TYPES,
  isDownstreamPort,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
} from "../device-port-type.ts";
import { oneOf } from "../register.ts";
import {
  BRIDGE_DEVICE_CONTROL,
  DEVICE_2,
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  DEVICE_STATUS,
  EXPRESS_CAPABILITIES,
} from "./express-device.ts";
import { LINK, LINK_2 } from "./express-link.ts";
import { ROOT, SLOT, SLOT_2 } from "./express-slot.ts";

const CONTROL_TABLE = { deviceControl: DEVICE_CONTROL };
const BRIDGE_CONTROL_TABLE = { deviceControl: BRIDGE_DEVICE_CONTROL };

/** From version 2 on every function has room for all registers, implemented or not. */
const VERSION_2_SIZE = 0x3c;

const portTypeName = oneOf(DEVICE_PORT_TYPES);

/**
 * PCI Express. Which registers there are depends on the version and on what kind of function it is; those that it does
 * not implement give no fields (Linux `pcie_capability_reg_implemented`, lspci `cap_express`).
 */
export const EXPRESS = capability({
  id: PCI_CAP_ID_EXP,
  name: "PCI Express",
  spec: "PCIe 6.0 §7.5.3",
  table: {
    capabilities: EXPRESS_CAPABILITIES,
    deviceCapabilities: DEVICE_CAPABILITIES,
    deviceStatus: DEVICE_STATUS,
  },
  blocks: ({ capabilityVersion, devicePortType, slotImplemented }) => {
    if (capabilityVersion === null || devicePortType === null) return [];
    const version2 = capabilityVersion >= 2;
    const blocks: Block[] = [
      { offset: 0, table: devicePortType === PCI_EXP_TYPE_PCI_BRIDGE ? BRIDGE_CONTROL_TABLE : CONTROL_TABLE },
    ];
    if (hasLink(devicePortType)) blocks.push({ offset: 0, table: LINK });
    if (slotImplemented && isDownstreamPort(devicePortType)) {
      blocks.push({ offset: 0, table: SLOT, derive: slotPowerLimit });
      if (version2) blocks.push({ offset: 0, table: SLOT_2 });
    }
    if (isRoot(devicePortType)) blocks.push({ offset: 0, table: ROOT });
    if (version2) blocks.push({ offset: 0, table: DEVICE_2 });
    if (version2 && hasLink(devicePortType)) blocks.push({ offset: 0, table: LINK_2 });
    return blocks;
  },
  derive: ({ devicePortType, capturedSlotPowerLimitValue, capturedSlotPowerLimitScale }) => ({
    devicePortTypeName: devicePortType === null ? null : portTypeName(devicePortType),
    capturedSlotPowerLimitWatts: powerLimitWatts(capturedSlotPowerLimitValue, capturedSlotPowerLimitScale),
  }),
  size: ({ capabilityVersion }) => (capabilityVersion !== null && capabilityVersion >= 2 ? VERSION_2_SIZE : null),
});

function hasLink(type: number): boolean {
  return type !== PCI_EXP_TYPE_RC_END && type !== PCI_EXP_TYPE_RC_EC;
}

function isRoot(type: number): boolean {
  return type === PCI_EXP_TYPE_ROOT_PORT || type === PCI_EXP_TYPE_RC_EC;
}

function slotPowerLimit({ slotPowerLimitValue: value, slotPowerLimitScale: scale }: Record<string, unknown>) {
  const known = typeof value === "number" && typeof scale === "number";
  return { slotPowerLimitWatts: known ? powerLimitWatts(value, scale) : null };
}

/** Watts of a Slot Power Limit, whose values from F0h on go in steps of 25 W at scale 0 (PCIe 6.0 §7.5.3.9). */
function powerLimitWatts(value: number | null, scale: number | null): number | "more than 600" | null {
  if (value === null || scale === null) return null;
  if (scale === 0 && value === 0xff) return "more than 600";
  if (scale === 0 && value >= 0xf0) return 250 + 25 * (value - 0xf0);
  return value / 10 ** scale;
}
