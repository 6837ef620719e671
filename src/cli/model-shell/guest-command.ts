import { parseBdf } from "../../pci/bdf.ts";
import { table } from "../terminal.ts";
import { type Answer, good, NOTHING, refused, textOf, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const USAGE = "guest: usage: guest [list | start NAME [MIB] | stop NAME | plug NAME BDF | unplug NAME BDF]";
const MEMORY_MIB = 512;

/** `guest start web`: virtual machines that run on the modelled host, and the VFs that they have. */
export async function guest({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  const [what = "list", name = "", more, ...rest] = args;
  const { guests } = machine;
  if (what === "list" && args.length <= 1) return list(await guests.list());
  if (name === "" || rest.length > 0) return wrong(USAGE);
  if (what === "start") {
    if (more !== undefined && !/^\d{1,7}$/.test(more)) return wrong(USAGE);
    return answered(`start ${name}`, await guests.start({ name, memoryMib: Number(more ?? MEMORY_MIB) }));
  }
  if (what === "stop" && more === undefined) return answered(`stop ${name}`, await guests.stop(name));
  const bdf = parseBdf(more ?? "");
  if (bdf === undefined || !["plug", "unplug"].includes(what)) return wrong(USAGE);
  return answered(
    `${what} ${name} ${bdf}`,
    await (what === "plug" ? guests.plug(name, bdf) : guests.unplug(name, bdf)),
  );
}

function list(guests: Awaited<ReturnType<ShellState["machine"]["guests"]["list"]>>): Answer {
  if (guests.length === 0) return good("no guests run; start one: guest start web\n");
  const rows = guests.map(({ name, pid, memoryMib, devices }) => [
    name,
    String(pid),
    `${memoryMib} MiB`,
    devices.join(" ") || "-",
  ]);
  return good(textOf(table(["NAME", "PID", "MEMORY", "VFS"], rows)));
}

function answered(what: string, errno: string | null): Answer {
  return errno === null ? NOTHING : refused(`guest: ${what}`, errno);
}
