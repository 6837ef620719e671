import { kstrtobool, kstrtouint } from "../parse-value.ts";
import type { Folder } from "../sysfs-tree.ts";

const OWNER = 0o600;
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

/** Names of the properties that have values of this type. */
type KeysOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];
