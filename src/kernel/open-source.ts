import { closeSync, openSync, readSync, statSync } from "node:fs";
import { VfleetError } from "../errors/vfleet-error.ts";
import { openLinux } from "./linux/linux-kernel.ts";
import type { Kernel } from "./port.ts";
import { readInput } from "./read-input.ts";
import { isArchive } from "./snapshot/archive.ts";
import { parseLspciDump } from "./snapshot/lspci-dump.ts";
import { openLspci } from "./snapshot/lspci-kernel.ts";
import { openSnapshot } from "./snapshot/snapshot-kernel.ts";

/**
 * Opens the kernel that a user named: `linux`, `snapshot:PATH`, `lspci:FILE` (`lspci:-` for standard input), `model:FILE`,
 * or just the path of a folder, an archive or a dump.
 * @param hint where notes for a person go
 * @throws VfleetError VFL-0011 where the text names no source, VFL-0002 to VFL-0009 where it cannot be opened, VFL-0016 and
 * VFL-0041 of a model.
 */
export async function openSource(text: string, hint: (text: string) => void = onStandardError): Promise<Kernel> {
  if (text === "linux") return openLinux();
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  const path = text.slice(colon + 1);
  if (kind === "snapshot" || kind === "lspci" || kind === "model") {
    if (path === "") throw unknownSource(text, `${kind}: lacks its path`);
    if (kind === "model") return openModelled(path, hint);
    return kind === "snapshot" ? openSnapshot(path) : openDump(path);
  }
  if (text === "-") return openDump(text);
  const stats = statSync(text, { throwIfNoEntry: false });
  if (stats === undefined) throw unknownSource(text, `${JSON.stringify(text)} is no source and no file`);
  return stats.isDirectory() || (stats.isFile() && beginsAsArchive(text)) ? openSnapshot(text) : openDump(text);
}

async function openDump(path: string): Promise<Kernel> {
  return openLspci(parseLspciDump(await readInput(path), path));
}

async function openModelled(path: string, hint: (text: string) => void): Promise<Kernel> {
  // With it comes all that a machine is made of.
  const { openMachine } = await import("./model/remote/modelled-machine.ts");
  const { stale, kernel } = await openMachine(path);
  if (stale) hint(`${path} was changed since the machine was powered on; vfleet model reset ${path} applies it`);
  return kernel;
}

function onStandardError(text: string): void {
  process.stderr.write(`vfleet: ${text}\n`);
}

function beginsAsArchive(path: string): boolean {
  const head = new Uint8Array(512);
  try {
    const fd = openSync(path, "r");
    try {
      return isArchive(head.subarray(0, readSync(fd, head)));
    } finally {
      closeSync(fd);
    }
  } catch {
    // Whoever opens it next says what is wrong with it.
    return false;
  }
}

function unknownSource(text: string, why: string): VfleetError {
  return new VfleetError("VFL-0011", {
    message: why,
    remedy:
      "write it as linux, snapshot:DIR, snapshot:FILE.tar.gz, lspci:FILE, lspci:- for standard input, or model:FILE",
    details: { source: text },
  });
}
