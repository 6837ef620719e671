import { readdirSync } from "node:fs";

/** The network interface of a device, by its folder in sysfs. */
export function netdevOf(device: string): string {
  const [name] = readdirSync(`${device}/net`);
  if (name === undefined) throw new Error(`${device} has no network interface`);
  return name;
}
