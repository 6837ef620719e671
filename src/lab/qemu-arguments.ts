import type { Device, Machine, Port } from "./machine.ts";

/**
 * All that QEMU emulates, but for what makes emulation slower and changes no answer: guards that switch with each access to a program's
 * memory, copying by single bytes, and wide registers that are saved with each switch of tasks. With them all takes a tenth longer.
 */
const CPU = ["max", ..."smap smep umip pku erms fsrm xsave avx avx2 f16c fma".split(" ").map((name) => `-${name}`)];

/** What every machine of the lab has. A snapshot is restored only under the same machine and processor. */
export const QEMU_MACHINE = [
  "-M",
  "q35,kernel-irqchip=off",
  "-accel",
  "tcg,thread=multi",
  "-cpu",
  CPU.join(","),
] as const;
/** Processors, where nothing else is asked for. */
const CPUS = 2;
const MEMORY_MIB = 3072;
/** What each NVMe namespace of a machine has. */
export const DISK_BYTES = 64 * 1024 * 1024;

/**
 * QEMU's arguments for the hardware of a machine: processor, memory, IOMMU, and all that is plugged in.
 * @param disk the path of a file of DISK_BYTES; what is written to it is gone with the machine.
 */
export function hardwareArguments(machine: Machine, disk: string, cpus: number = CPUS): string[] {
  const { iommu, memoryMib = MEMORY_MIB, ports } = machine;
  const counter = new DeviceCounter(disk);
  return [
    ...QEMU_MACHINE,
    ...["-smp", String(cpus), "-m", `${memoryMib}M`],
    // Before the devices: it must be there when they are made.
    ...(iommu ? ["-device", `intel-iommu,intremap=${iommu.interruptRemapping ? "on" : "off"}`] : []),
    ...ports.flatMap((port) => portArguments(port, counter)),
  ];
}

/** Of a machine that a port of this host leads to: its address there, and the device that has it. */
export const MACHINE_ADDRESS = "10.0.2.15";
export const OUTSIDE_MAC = "52:54:00:bb:00:01";

/** A network of QEMU's own, cut off from this host's but for the one port of its loopback. */
export function forwardArguments({ hostPort, machinePort }: { hostPort: number; machinePort: number }): string[] {
  const forward = `hostfwd=tcp:127.0.0.1:${hostPort}-${MACHINE_ADDRESS}:${machinePort}`;
  return [
    ...["-netdev", `user,id=outside,restrict=on,ipv6=off,${forward}`],
    ...["-device", `virtio-net-pci,netdev=outside,mac=${OUTSIDE_MAC}`],
  ];
}

/**
 * What costs an emulated processor much, and changes no answer: guards against a processor's leaks, cleared pages, a fifth level of
 * page tables, and grace periods, of which each VF that goes waits for several. With them a machine takes half as long again.
 */
const SPARED = ["mitigations=off", "init_on_alloc=0", "no5lvl", "rcupdate.rcu_expedited=1"];

/** The kernel's command line. */
export function kernelCommandLine(machine: Machine): string {
  const { name, iommu, kernelParameters = [] } = machine;
  return [
    "console=ttyS0",
    // Boot messages go to the log alone: writing them to an emulated serial line takes seconds.
    "quiet",
    "loglevel=4",
    // A panic ends the machine at once.
    "panic=-1",
    // A busy host delays the timer's first ticks; the kernel would take it for broken and panic (timer_irq_works).
    "no_timer_check",
    ...SPARED,
    ...(iommu ? ["intel_iommu=on"] : []),
    ...kernelParameters,
    `lab.machine=${name}`,
  ].join(" ");
}

/** Numbers for ids, chassis and addresses, each given once. */
class DeviceCounter {
  readonly disk: string;
  #last = 0;

  constructor(disk: string) {
    this.disk = disk;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

function portArguments(port: Port, counter: DeviceCounter): string[] {
  const number = counter.next();
  const id = `port${number}`;
  const place = `chassis=${number},slot=${number}`;
  switch (port.kind) {
    case "root port":
      return [
        ...["-device", `pcie-root-port,id=${id},${place}`],
        ...deviceArguments(port.device, `bus=${id}`, "0x0", counter),
        ...(port.crowded ? fillerArguments(id) : []),
      ];
    case "switch":
      return [
        ...["-device", `pcie-root-port,id=${id},${place}`, "-device", `x3130-upstream,id=up${number},bus=${id}`],
        ...port.devices.flatMap((device, index) => {
          const down = counter.next();
          // QEMU's downstream ports have no ACS. Its root ports have, and Linux takes one below a switch for what it says
          // it is, which for the path to the root (pci_acs_path_enabled) comes to the same.
          const driver = port.portsWithAcs.includes(index) ? "pcie-root-port" : "xio3130-downstream";
          return [
            ...[
              "-device",
              `${driver},id=port${down},bus=up${number},addr=0x${index.toString(16)},chassis=${down},slot=${down}`,
            ],
            ...deviceArguments(device, `bus=port${down}`, "0x0", counter),
          ];
        }),
      ];
    case "integrated":
      return deviceArguments(port.device, "bus=pcie.0", `0x${port.deviceNumber.toString(16)}`, counter);
  }
}

/** A function with a BAR of 1 MiB, and one with 2 MiB, prefetchable: all that the firmware gives a port's windows at least. */
function fillerArguments(port: string): string[] {
  return [
    ...["-device", `edu,bus=${port},addr=0x0.2`],
    ...["-device", `pci-testdev,bus=${port},addr=0x0.3,membar=${2 * 1024 * 1024}`],
  ];
}

function deviceArguments(device: Device, bus: string, slot: string, counter: DeviceCounter): string[] {
  const number = counter.next();
  switch (device.kind) {
    case "igb":
      return Array.from({ length: device.networkPorts }, (_, index) => [
        ...["-netdev", `hubport,hubid=1,id=net${number}p${index}`],
        "-device",
        `igb,${bus},addr=${slot}.${index},netdev=net${number}p${index},mac=${macAddress(number, index)}` +
          // QEMU's ARI capability has a next function only where it is told so; without one Linux looks no further.
          (device.networkPorts > 1 && index === 0 ? ",multifunction=on,x-pcie-ari-nextfn-1=on" : ""),
      ]).flat();
    case "nvme": {
      // Of the queues and vectors, two for each VF are flexible, given to a secondary controller before it goes online.
      const flexible = device.totalVfs * 2;
      const pairs = flexible + 6;
      return [
        ...["-drive", `if=none,id=disk${number},format=raw,snapshot=on,file=${escapeComma(counter.disk)}`],
        ...["-device", `nvme-subsys,id=subsystem${number},nqn=lab${number}`],
        "-device",
        `nvme,id=nvme${number},${bus},addr=${slot},serial=lab-nvme-${number},subsys=subsystem${number},` +
          `max_ioqpairs=${pairs},msix_qsize=${pairs},sriov_max_vfs=${device.totalVfs},` +
          `sriov_vq_flexible=${flexible},sriov_vi_flexible=${flexible}`,
        ...["-device", `nvme-ns,drive=disk${number},nsid=1,bus=nvme${number},shared=on`],
      ];
    }
    case "virtio-net": {
      const functions = Array.from({ length: device.totalVfs + 1 }, (_, index) => ({
        index,
        net: `net${number}f${index}`,
      }));
      const netdevs = functions.flatMap(({ net }) => ["-netdev", `hubport,hubid=2,id=${net}`]);
      // The PF comes last: it must find its VFs.
      const [pf, ...vfs] = functions.map(({ index, net }) => [
        "-device",
        `virtio-net-pci,${bus},addr=${slot}.${index},netdev=${net},mac=${macAddress(number, index)},` +
          (index === 0 ? `id=pf${number},multifunction=on` : `sriov-pf=pf${number}`),
      ]);
      return [...netdevs, ...vfs.flat(), ...(pf ?? [])];
    }
  }
}

/** QEMU's own prefix, so that nobody takes it for a real card. */
function macAddress(device: number, port: number): string {
  return `52:54:00:aa:${device.toString(16).padStart(2, "0")}:${port.toString(16).padStart(2, "0")}`;
}

/** In QEMU's option lists a comma is written twice. */
export function escapeComma(text: string): string {
  return text.replaceAll(",", ",,");
}
