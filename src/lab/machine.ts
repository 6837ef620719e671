/** A machine of the lab, as data. docs/lab.md describes each in words. */
export interface Machine {
  /** A word that a command line can carry. */
  readonly name: string;
  readonly description: string;
  /** VT-d, with or without interrupt remapping; undefined where the machine has no IOMMU. */
  readonly iommu?: { readonly interruptRemapping: boolean };
  /** Added to the kernel's command line. */
  readonly kernelParameters?: readonly string[];
  /** 3072 where left out; a machine that runs guests needs more. */
  readonly memoryMib?: number;
  /** What is plugged in, from bus 01 on in this order. */
  readonly ports: readonly Port[];
  /** Registers whose value QEMU has no option for. */
  readonly registerPatch?: RegisterPatch;
}

/** Bytes of configuration space as QEMU has them, those in their place, and in how many functions. */
export interface RegisterPatch {
  readonly find: readonly number[];
  readonly replace: readonly number[];
  readonly functions: number;
}

/** A way down from the root complex, and what is at its end. */
export type Port = RootPort | Switch | Integrated;

/** A root port, with ACS as QEMU's have, and one device below it. */
interface RootPort {
  readonly kind: "root port";
  readonly device: Device;
  /** Beside the device are functions whose BARs take most of the port's windows. Without ARI alone, which hides them. */
  readonly crowded?: true;
}

/** A switch below a root port. */
interface Switch {
  readonly kind: "switch";
  /** One below each downstream port. */
  readonly devices: readonly Device[];
  /** Of the downstream ports, those that have ACS, from 0 on. */
  readonly portsWithAcs: readonly number[];
}

/** A device on the root bus itself: a Root Complex Integrated Endpoint. */
interface Integrated {
  readonly kind: "integrated";
  readonly device: Device;
  /** Its device number there, and not one that its VFs or the machine's own devices have. */
  readonly deviceNumber: number;
}

export type Device = Igb | Nvme | VirtioNet;

/** Intel 82576: an SR-IOV NIC with 8 VFs in hardware, of which its driver offers 7. */
interface Igb {
  readonly kind: "igb";
  /** Functions, each a port of its own; all on one wire. */
  readonly networkPorts: 1 | 2;
}

/** An NVMe controller whose VFs are secondary controllers with flexible resources. */
interface Nvme {
  readonly kind: "nvme";
  /** 1 to 127. */
  readonly totalVfs: number;
}

/** A virtio network device whose VFs are put together by hand (QEMU's composable SR-IOV device). */
interface VirtioNet {
  readonly kind: "virtio-net";
  /** 1 to 7: functions of one slot. */
  readonly totalVfs: number;
}
