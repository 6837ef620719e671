import { type DevlinkDevice, HealthReporter } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import { kstrtobool, kstrtouint } from "../parse-value.ts";
import type { Folder } from "../sysfs-tree.ts";

const OWNER = 0o600;
/** A port's index has 32 bits, and those of VFs begin at NSIM_DEV_VF_PORT_INDEX_BASE. */
const MOST_VFS = 0xffff_ffff - 128;
/** The bytes of `struct nsim_vf_config`, and what kmalloc gives at the most. */
const CONFIG_BYTES = 24;
const KMALLOC_MAX_BYTES = 4 * 1024 * 1024;
/** The buffer of `nsim_bus_dev_max_vfs_write`, with its NUL. */
const MAX_VFS_BUFFER = 10;
const decoder = new TextDecoder();

/** `debugfs_create_bool`: whatever is no truth value is taken, and does nothing. */
export function debugBool<T>(folder: Folder, name: string, of: T, key: KeysOf<T, boolean>): void {
  const values = of as Record<typeof key, boolean>;
  folder.file(name, {
    mode: OWNER,
    show: () => (values[key] ? "Y\n" : "N\n"),
    store: (written) => {
      const text = decoder.decode(written);
      if (/^(?:[yYtT1nNfF0]|[oO][nNfF])/.test(text)) values[key] = kstrtobool(text);
    },
  });
}

/** `debugfs_create_u32` */
export function debugNumber<T>(folder: Folder, name: string, of: T, key: KeysOf<T, number>): void {
  const values = of as Record<typeof key, number>;
  folder.file(name, {
    mode: OWNER,
    show: () => `${values[key]}\n`,
    store: (written) => {
      values[key] = Number(kstrtouint(decoder.decode(written), 0xffff_ffff_ffff_ffffn) & 0xffff_ffffn);
    },
  });
}

/** `nsim_bus_dev_max_vfs_write` */
export function parseMaxVfs(written: Uint8Array): number {
  if (written.length >= MAX_VFS_BUFFER) throw new KernelError("ENOSPC");
  const text = decoder.decode(written);
  // kstrtouint of base 10
  if (!/^\+?\d+\n?$/.test(text)) throw new KernelError("EINVAL");
  const count = Number(text);
  if (count > MOST_VFS) throw new KernelError("ERANGE");
  if (count * CONFIG_BYTES > KMALLOC_MAX_BYTES) throw new KernelError("ENOMEM");
  return count;
}

/** `nsim_dev_health_init` (drivers/net/netdevsim/health.c) */
export function addNsimHealth(devlink: DevlinkDevice, debug: Folder): void {
  const dummy = new HealthReporter("dummy");
  devlink.reporters = [new HealthReporter("empty"), dummy];
  const folder = debug.folder("health");
  const settings = { binary_len: 16, fail_recover: false };
  debugNumber(folder, "binary_len", settings, "binary_len");
  debugBool(folder, "fail_recover", settings, "fail_recover");
  folder.file("break_health", {
    mode: 0o200,
    store: () =>
      dummy.report(() => {
        if (settings.fail_recover) throw new KernelError("EINVAL");
      }),
  });
}

/** Names of the properties that have values of this type. */
type KeysOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];
