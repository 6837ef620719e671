import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { INNER_COMMAND_LINE, INNER_MACHINE } from "./inner-machine.ts";
import { labFile } from "./package-folder.ts";
import { QEMU_MACHINE } from "./qemu-arguments.ts";

/** The Debian release of the lab; QEMU and its firmware are from its backports: igb's mailbox needs 11.1. */
export const SUITE = "trixie";
export const BACKPORTS = `${SUITE}-backports`;
export const FROM_BACKPORTS = "src:qemu src:seabios src:ipxe";

/** What the root has besides Debian's own minimum. It is the machine's system, and the QEMU that runs the machine. */
export const PACKAGES = [
  "busybox-static",
  "cpio",
  "ethtool",
  "iperf3",
  "iproute2",
  "iputils-ping",
  "kmod",
  "nvme-cli",
  "pciutils",
  "procps",
  "qemu-system-x86",
  "socat",
  "udev",
  "xz-utils",
];

/** What a root has that builds modules for the same kernel. */
export const BUILD_PACKAGES = ["linux-headers-amd64", "linux-source-6.12", "make", "xz-utils"];

/** Loaded before there is a root. */
export const BOOT_MODULES = ["virtio_pci", "virtio_blk", "squashfs", "overlay", "9p", "9pnet_virtio", "virtio_console"];

/** What a lab machine can load, with all that these need. */
export const MODULES = [
  ...BOOT_MODULES,
  ...[
    "igb",
    "igbvf",
    "ixgbe",
    "ixgbevf",
    "i40e",
    "iavf",
    "ice",
    "mlx5_core",
    "nvme",
    "virtio_net",
    "e1000e",
    "netdevsim",
  ],
  ...["vfio", "vfio_pci", "vfio_iommu_type1", "pci-stub"],
  // The processor that QEMU emulates is an AMD one, with SVM: guests inside run by KVM.
  "kvm-amd",
  ...[
    "net_failover",
    "failover",
    "tun",
    "vhost_net",
    "bridge",
    "bonding",
    "macvlan",
    "ipvlan",
    "veth",
    "8021q",
    "dummy",
  ],
  ...["vfat", "ext4", "loop", "md_mod", "raid1", "dm_mod"],
];

/** What a guest inside a lab machine can load. */
export const INNER_MODULES = ["igbvf", "nvme", "virtio_net", "net_failover", "failover", "8021q", "ext4"];

/** Scripts that go into the image or make it. */
const SCRIPTS = ["image/runtime-root.sh", "image/kernel-modules.sh", "guest/init.sh", "guest/inner-init.sh"] as const;

/** Names an image by all that it is made from, so that a change makes another. */
export function recipeKey(): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([SUITE, FROM_BACKPORTS, PACKAGES, BUILD_PACKAGES, MODULES, BOOT_MODULES, INNER_MODULES]));
  hash.update(JSON.stringify([QEMU_MACHINE, INNER_MACHINE, INNER_COMMAND_LINE]));
  hash.update(process.version);
  for (const name of SCRIPTS) hash.update(readFileSync(labFile(name)));
  return hash.digest("hex").slice(0, 16);
}
