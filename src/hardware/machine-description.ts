import type { DeviceDescription } from "./device-description.ts";

/** PCI Express generation 1 to 6: 2.5 to 64 GT/s. */
export type LinkGeneration = 1 | 2 | 3 | 4 | 5 | 6;

export interface LinkDescription {
  readonly generation: LinkGeneration;
  /** Lanes. */
  readonly width: 1 | 2 | 4 | 8 | 12 | 16 | 32;
}

export interface SlotDescription {
  /** Physical Slot Number. */
  readonly number: number;
  readonly hotPlug?: boolean;
  /** Cards may go without warning. */
  readonly surprise?: boolean;
}

/** What both kinds of downstream ports have. */
export interface PortDescription {
  /** Device number on its bus; the next free one where left out. */
  readonly device?: number;
  readonly function?: number;
  /** Has Access Control Services; yes where left out. */
  readonly acs?: boolean;
  /** Can forward by ARI; yes where left out. */
  readonly ari?: boolean;
  /** Leads to all device numbers without ARI, as QEMU's ports do; a real one to device 0 alone. */
  readonly anyDevice?: true;
  readonly link?: LinkDescription;
  readonly slot?: SlotDescription;
  /** At the end of its link; an empty slot where left out. */
  readonly below?: DeviceEntry | SwitchEntry;
}

/** A card, by its name among the known devices, or described here. */
export interface DeviceEntry {
  readonly kind: "device";
  /** How messages and commands call it; made from the device's name where left out. */
  readonly name?: string;
  readonly device: string | DeviceDescription;
  /** What can be set of a device: TotalVFs, the number of its ports, a serial number, ... (device-description.ts). */
  readonly options?: Readonly<Record<string, number | string | boolean>>;
}

export interface SwitchEntry {
  readonly kind: "switch";
  readonly name?: string;
  readonly ports: readonly PortDescription[];
}

interface RootPortEntry extends PortDescription {
  readonly kind: "root port";
}

/** A Root Complex Integrated Endpoint, on bus 0 itself. */
export interface IntegratedEntry extends Omit<DeviceEntry, "kind"> {
  readonly kind: "integrated";
  /** Device number on bus 0; the next free one where left out. */
  readonly at?: number;
}

/** Bus addresses for BARs, both ends included. */
export interface BusAddresses {
  /** Below 4 GiB. */
  readonly low: readonly [first: number, last: number];
  /** Above, for prefetchable memory of 64-bit BARs. */
  readonly high: readonly [first: number, last: number];
}

/** From 3 GiB up to the interrupt controllers, and the 64 GiB from 64 GiB on. */
export const DEFAULT_WINDOWS: BusAddresses = {
  low: [0xc000_0000, 0xfebf_ffff],
  high: [0x10_0000_0000, 0x1f_ffff_ffff],
};

/** A machine, as data: what YAML says of one, checked. */
export interface MachineDescription {
  /** From which everything follows that is left to chance. */
  readonly seed?: number;
  readonly memoryBytes: number;
  /** Bus addresses that software may assign to BARs; DEFAULT_WINDOWS where left out. */
  readonly windows?: BusAddresses;
  readonly root: readonly (RootPortEntry | IntegratedEntry)[];
}
