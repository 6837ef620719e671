import { VfleetError } from "../../errors/vfleet-error.ts";
import { MoveRefused } from "../../kernel/model/remote/machine-moves.ts";
import { type ModelledMachine, openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { parseBdf } from "../../pci/bdf.ts";
import { table } from "../terminal.ts";
import { type Answer, good, NOTHING, refused, textOf, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const USAGE =
  "guest: usage: guest [list | start NAME [MIB] | stop NAME | plug NAME BDF | unplug NAME BDF | move NAME FILE | resume NAME]";
const MEMORY_MIB = 512;
const NS_PER_MS = 1e6;
const MIB = 2 ** 20;

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
  if (what === "resume" && more === undefined) return tried(`resume ${name}`, () => resume(machine, name));
  if (what === "move" && more !== undefined) return tried(`move ${name}`, () => moveTo(machine, name, more));
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

/** To the machine of another file. */
async function moveTo(machine: ModelledMachine, name: string, file: string): Promise<Answer> {
  const other = await openMachine(file);
  try {
    return await moveBetween(machine, other, name);
  } finally {
    other.close();
  }
}

async function moveBetween(machine: ModelledMachine, other: ModelledMachine, name: string): Promise<Answer> {
  const { LINK_BYTES_PER_SECOND, moveModelGuest, planModelMove } = await import(
    "../../guests/model/move-model-guest.ts"
  );
  const plan = await planModelMove(machine, other, name);
  if (!plan.verdict.possible) return wrong(`guest: ${name} cannot be moved: ${plan.verdict.obstacles.join("; ")}`);
  const { rounds, stoppedNs, bytes, gapMs } = await moveModelGuest(machine, other, plan, {
    bytesPerSecond: LINK_BYTES_PER_SECOND,
  });
  const lines = [
    ...plan.pairs.map(({ from, to }) => `${from} -> ${to}`),
    ...plan.verdict.notes,
    `${name} runs on ${other.info.name}; ${(bytes / MIB).toFixed(1)} MiB went over, in ${rounds.length} rounds`,
    `it stood still for ${gapMs.toFixed(1)} ms, of which a link of 10 Gb/s takes ${(stoppedNs / NS_PER_MS).toFixed(3)} ms`,
  ];
  return good(textOf(lines));
}

/** A guest whose move was left unfinished goes on here. */
async function resume(machine: ModelledMachine, name: string): Promise<Answer> {
  await machine.moves.leaving(name).cancel();
  return NOTHING;
}

async function tried(what: string, run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof MoveRefused || error instanceof VfleetError) return wrong(`guest: ${what}: ${error.message}`);
    throw error;
  }
}

function answered(what: string, errno: string | null): Answer {
  return errno === null ? NOTHING : refused(`guest: ${what}`, errno);
}
