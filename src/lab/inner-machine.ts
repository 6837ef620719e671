/**
 * The machine that a guest inside a lab machine is. The snapshot that guests start from is restored only under these
 * arguments: they belong to the image (recipe.ts), and a change makes another.
 */

/** As little as Debian's kernel starts with. VFIO pins all of it, and a migration carries it. */
const MEMORY_MIB = 96;
/** Root ports "port1" and on, each for one device to be plugged in. */
const HOT_PLUG_PORTS = 4;

/** Where the root of a lab machine has it. */
export const INNER_SNAPSHOT = "/boot/inner-snapshot";

/** The name of the virtio-serial port that lab/guest/inner-init.sh serves. */
const PORT_NAME = "vfleet.guest";

/** QEMU's arguments for the hardware. The channels are sockets that it inherits, as its file descriptors 3 and 4. */
export const INNER_MACHINE: readonly string[] = [
  // The lab machine's emulated processor has SVM, so KVM runs there. Emulation within emulation would take minutes to boot.
  ...["-M", "q35,smm=off,vmport=off,usb=off", "-accel", "kvm", "-smp", "1", "-m", `${MEMORY_MIB}M`],
  // Guests hung at 7 of 343 hot-plugs, and so at 1 of 817. The likely cause, by QEMU's source (helper_vmrun in
  // svm_helper.c): VMRUN leaves the vector that it injects in exception_index, and a kick of the processor before the
  // guest's next exit delivers it again, into code that has interrupts off. An acknowledgement that exits comes early.
  ...["-cpu", "host,kvm-pv-eoi=off"],
  ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-monitor", "none"],
  ...["-chardev", "socket,id=control,fd=3", "-object", "monitor-qmp,id=qmp,chardev=control"],
  ...["-device", "virtio-serial-pci,addr=0x2"],
  ...["-chardev", "socket,id=guest,fd=4", "-device", `virtserialport,chardev=guest,name=${PORT_NAME}`],
  ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
  ...Array.from({ length: HOT_PLUG_PORTS }, (_, index) => [
    "-device",
    `pcie-root-port,id=port${index + 1},chassis=${index + 1},slot=${index + 1},addr=0x${(index + 8).toString(16)}`,
  ]).flat(),
];

/** The kernel's command line. */
export const INNER_COMMAND_LINE = "console=ttyS0 quiet panic=-1 mitigations=off";
