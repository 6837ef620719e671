import { isUnread } from "../../kernel/port.ts";
import { type Answer, good, NOTHING, refused, wrong } from "./answer.ts";
import { absolute } from "./paths.ts";
import type { ShellState } from "./shell-state.ts";

const DEFAULT_TYPE = "ext4";

/** `mount [-t TYPE] [DEVICE POINT]`: no file system is looked for on a device of the model, which has the one that is said. */
export async function mount({ machine, cwd }: ShellState, args: readonly string[]): Promise<Answer> {
  if (args.length === 0) return mounts(machine);
  const typed = args[0] === "-t";
  const [type, device, point] = typed ? args.slice(1) : [DEFAULT_TYPE, ...args];
  if (type === undefined || device === undefined || point === undefined)
    return wrong("mount: usage: mount [-t TYPE] DEVICE POINT");
  const at = absolute(cwd, point);
  const errno = await machine.mount(absolute(cwd, device), at, type);
  return errno === null ? NOTHING : refused(`mount: ${at}: ${device}`, errno);
}

/** `umount POINT|DEVICE` */
export async function umount({ machine, cwd }: ShellState, [what]: readonly string[]): Promise<Answer> {
  if (what === undefined) return wrong("umount: usage: umount POINT|DEVICE");
  const errno = await machine.unmount(absolute(cwd, what));
  return errno === null ? NOTHING : refused(`umount: ${what}`, errno);
}

async function mounts(machine: ShellState["machine"]): Promise<Answer> {
  const bytes = await machine.kernel.read("/proc/mounts");
  if (isUnread(bytes)) return refused("mount: /proc/mounts", bytes.errno);
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  return good(
    lines
      .map((line) => line.split(" "))
      .map(([source, point, type, options]) => `${source} on ${point} type ${type} (${options})\n`)
      .join(""),
  );
}
