import { KernelError } from "./kernel-error.ts";

/** What C code sees of a written text: up to the first NUL. */
export function cString(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/**
 * `kstrtoull` of base 0 with a limit (lib/kstrtox.c): 0x is hexadecimal, a leading 0 octal; a plus sign may stand before,
 * one newline behind, nothing else.
 * @throws KernelError EINVAL where it is no number, ERANGE where it is beyond `most`
 */
export function kstrtouint(text: string, most: bigint): bigint {
  const [, digits] = /^\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)\n?$/i.exec(cString(text)) ?? [];
  if (digits === undefined || digits.length > 64) throw new KernelError("EINVAL");
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  if (value > most) throw new KernelError("ERANGE");
  return value;
}

/** `kstrtoul` */
export function kstrtoul(text: string): bigint {
  return kstrtouint(text, 0xffff_ffff_ffff_ffffn);
}

/** `kstrtoint` */
export function kstrtoint(text: string): number {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(cString(text)) ?? [];
  if (rest.startsWith("+")) throw new KernelError("EINVAL");
  if (sign === "-") return -Number(kstrtouint(rest, 0x8000_0000n));
  return Number(kstrtouint(rest, 0x7fff_ffffn));
}

/** `kstrtobool`: the first character decides, of `on` and `off` the second. */
export function kstrtobool(text: string): boolean {
  const at = cString(text);
  if (/^(?:[yYtT1]|[oO][nN])/.test(at)) return true;
  if (/^(?:[nNfF0]|[oO][fF])/.test(at)) return false;
  throw new KernelError("EINVAL");
}

/** `sysfs_streq`: one newline at the end does not count. */
export function sysfsStreq(text: string, name: string): boolean {
  const at = cString(text);
  return at === name || at === `${name}\n`;
}
