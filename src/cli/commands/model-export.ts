import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { type ModelledMachine, openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { isUnread } from "../../kernel/port.ts";
import { note } from "../output.ts";

const TREE = "/sys";

/**
 * `vfleet model export FILE OUT`: /sys of the machine as files, for programs that read a tree: `lspci -O
 * sysfs.path=OUT/sys/bus/pci`. What has no content to read, as `remove`, is left out.
 */
export async function modelExport(file: string, out: string): Promise<number> {
  const machine = await openMachine(file);
  if (existsSync(out)) throw notWritable(out, "EEXIST", `${out} is there already`);
  const partial = `${out}.partial`;
  try {
    rmSync(partial, { recursive: true, force: true });
    const count = await writeFolder(machine, TREE, join(partial, TREE));
    renameSync(partial, out);
    note(`${count} files in ${out}; try: lspci -vvv -O sysfs.path=${join(out, "sys/bus/pci")}`);
    return 0;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof VfleetError || code === undefined) throw error;
    throw notWritable(out, code, `${out} cannot be written: ${code}`, error);
  }
}

/** @returns how many files were written */
async function writeFolder(machine: ModelledMachine, folder: string, to: string): Promise<number> {
  mkdirSync(to, { recursive: true });
  const names = await machine.kernel.list(folder);
  if (isUnread(names)) return 0;
  let count = 0;
  for (const name of names) {
    const path = `${folder}/${name}`;
    const status = await machine.stat(path, false);
    // It went meanwhile.
    if (isUnread(status)) continue;
    if (status.kind === "folder") count += await writeFolder(machine, path, join(to, name));
    else if (status.kind === "link") {
      const target = await machine.kernel.readLink(path);
      if (!isUnread(target)) symlinkSync(target, join(to, name));
    } else {
      const content = await machine.kernel.read(path);
      if (isUnread(content)) continue;
      writeFileSync(join(to, name), content);
      count++;
    }
  }
  return count;
}

function notWritable(path: string, errno: string, message: string, cause?: unknown): VfleetError {
  return new VfleetError("VFL-0010", { message, remedy: "choose another path", details: { path, errno }, cause });
}
