/** Who reads what `vfleet guest-config` prints. */
export const GUEST_CONFIGS = ["qemu", "libvirt", "libvirt-network", "cdi"] as const;
