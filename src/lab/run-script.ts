import { mkdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";
import { type BootOptions, type BootResult, boot, type Share } from "./boot.ts";
import { labCacheFolder } from "./cache.ts";
import { PACKAGE_FOLDER } from "./package-folder.ts";

export interface ScriptOptions extends Omit<BootOptions, "command" | "shares"> {
  /** A TypeScript or JavaScript module for Node, or a script for bash. */
  readonly script: string;
  readonly args?: readonly string[];
  /** A folder of this host that the script may write, as /out. */
  readonly outFolder?: string | undefined;
}

/** This package, read-only, as each machine sees it. */
export const PACKAGE_SHARE: Share = { tag: "vfleet", folder: PACKAGE_FOLDER };

/**
 * Boots a machine and runs a script in it. The script's own folder is there, read-only: as part of /vfleet where it is in
 * this package, as /script elsewhere.
 * @throws VfleetError VFL-0002 where there is no such script, and as `boot` does.
 */
export function runScript({ script, args = [], outFolder, ...options }: ScriptOptions): Promise<BootResult> {
  if (!statSync(script, { throwIfNoEntry: false })?.isFile()) {
    throw new VfleetError("VFL-0002", { message: `there is no script ${script}`, details: { path: script } });
  }
  const path = realpathSync(resolve(script));
  const inPackage = relative(realpathSync(PACKAGE_FOLDER), path);
  const inside = !inPackage.startsWith("..");
  const compiled = join(labCacheFolder(), "compiled");
  mkdirSync(compiled, { recursive: true });
  const shares: Share[] = [
    PACKAGE_SHARE,
    // What Node compiled is kept from machine to machine: under emulation that is most of a start.
    { tag: "compiled", folder: compiled, writable: true },
    ...(inside ? [] : [{ tag: "script", folder: dirname(path) }]),
    ...(outFolder === undefined ? [] : [{ tag: "out", folder: resolve(outFolder), writable: true }]),
  ];
  const target = inside ? `/vfleet/${inPackage}` : `/script/${basename(path)}`;
  const program = /^\.[cm]?[jt]s$/.test(extname(path)) ? ["node", "--disable-warning=ExperimentalWarning"] : ["bash"];
  return boot({ ...options, shares, command: `exec ${[...program, target, ...args].map(shellWord).join(" ")}\n` });
}

/** One word for bash, whatever is in it. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
