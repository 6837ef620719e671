import type { ModelSurroundings } from "../machine.ts";
import { Igb82576 } from "./igb-82576.ts";

const VENDOR_ID_INTEL = 0x8086;
const DEVICE_ID_82576 = 0x10c9;
/** Of Intel. */
const COMPANY = [0x00, 0x1b, 0x21] as const;
/** Beside those that other cards of a model have. */
const CARDS_FROM = 0x80;

/**
 * What is behind the BARs of each function of an 82576; undefined of other devices. A card's addresses are in its EEPROM: the
 * same for the same seed, and for its place among the machine's 82576s.
 */
export function igb82576Models(seed: number): (surroundings: ModelSurroundings) => Igb82576 | undefined {
  let cards = 0;
  return ({ device, functionIndex, port, vfPort }) => {
    const description = device.functions[functionIndex];
    if (description?.vendorId !== VENDOR_ID_INTEL || description.deviceId !== DEVICE_ID_82576) return undefined;
    if (functionIndex === 0) cards++;
    const macAddress = Uint8Array.of(...COMPANY, seed & 0xff, (CARDS_FROM | cards) & 0xff, functionIndex);
    return new Igb82576({ port, vfPort, macAddress, lanId: functionIndex === 1 ? 1 : 0 });
  };
}
