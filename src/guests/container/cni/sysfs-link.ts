import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { LinkBefore } from "./attachment-record.ts";

const NET = "/sys/class/net";
const IFF_UP = 1;

/**
 * What sysfs shows of an interface, which takes no program. It shows the network namespace that it was mounted in, and only where
 * that has the same interfaces as this process's own is it asked.
 * @returns undefined where ip(8) must be asked
 */
export function sysfsLink(name: string): LinkBefore | undefined {
  try {
    if (!isOwnNamespace()) return undefined;
    const attribute = (file: string) => readFileSync(`${NET}/${name}/${file}`, "utf8").trim();
    return {
      name,
      mac: attribute("address"),
      mtu: Number(attribute("mtu")),
      up: (Number(attribute("flags")) & IFF_UP) !== 0,
    };
  } catch {
    return undefined;
  }
}

/** The bridge, bond or the like that an interface is a port of; null where it is none's. @returns undefined where ip(8) must be asked */
export function sysfsMaster(name: string): string | null | undefined {
  try {
    if (!isOwnNamespace()) return undefined;
    return basename(readlinkSync(`${NET}/${name}/master`));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : undefined;
  }
}

function isOwnNamespace(): boolean {
  const [, , ...lines] = readFileSync("/proc/self/net/dev", "utf8").split("\n");
  const own = new Set(lines.flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []));
  // Files of it are of modules, as bonding_masters.
  const shown = readdirSync(NET, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  return shown.length === own.size && shown.every((entry) => own.has(entry.name));
}
