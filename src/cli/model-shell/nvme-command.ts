import { isUnread, type Observed } from "../../kernel/port.ts";
import type { NvmeManagement, NvmeRefused } from "../../kernel/port-nvme.ts";
import { isPending } from "../../kernel/port-outcome.ts";
import { hex } from "../../pci/bdf.ts";
import { table } from "../terminal.ts";
import { type Answer, good, notDone, refused, textOf, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const CLASS = "/sys/class/nvme";
const decoder = new TextDecoder();
const USAGE =
  "nvme: list, list-secondary DEV, primary-ctrl-caps DEV, list-ns DEV, virt-mgmt DEV -c ID -a ACTION [-r TYPE] [-n COUNT]";

/** The virtualization commands of nvme-cli, on the modelled controllers. */
export async function nvme(state: ShellState, args: readonly string[]): Promise<Answer> {
  const [verb, ...rest] = args;
  const controller = rest.find((arg) => !arg.startsWith("-"))?.replace(/^\/dev\//, "") ?? "";
  if (verb === "list") return list(state);
  if (controller === "" || verb === undefined) return wrong(USAGE);
  const { nvme: port } = state.machine.kernel;
  switch (verb) {
    case "list-secondary":
      return told(controller, await port.secondaryControllers(controller), (secondaries) =>
        table(
          ["SCID", "PCID", "STATE", "VF", "VQ", "VI"],
          secondaries.map((each) => [
            String(each.controllerId),
            String(each.primaryControllerId),
            each.online ? "online" : "offline",
            String(each.vfNumber),
            String(each.vq),
            String(each.vi),
          ]),
        ),
      );
    case "primary-ctrl-caps":
      return told(controller, await port.primaryCapabilities(controller), (caps) => [
        JSON.stringify(caps, undefined, 2),
      ]);
    case "list-ns":
      return told(controller, await port.namespaces(controller, "active"), (ids) =>
        ids.map((id, index) => `[${String(index).padStart(4)}]:0x${id.toString(16)}`),
      );
    case "virt-mgmt":
      return manage(state, controller, rest);
    default:
      return wrong(USAGE);
  }
}

async function list({ machine }: ShellState): Promise<Answer> {
  const names = await machine.kernel.list(CLASS);
  if (isUnread(names)) return names.errno === "ENOENT" ? good("") : refused("nvme: list", names.errno);
  const rows: string[][] = [];
  for (const name of names) {
    const told = await Promise.all(
      ["address", "cntlid", "state"].map((file) => machine.kernel.read(`${CLASS}/${name}/${file}`)),
    );
    rows.push([`/dev/${name}`, ...told.map((bytes) => (isUnread(bytes) ? "-" : decoder.decode(bytes).trim()))]);
  }
  return good(textOf(table(["NODE", "ADDRESS", "CNTLID", "STATE"], rows)));
}

function told<T>(controller: string, value: Observed<T> | NvmeRefused, lines: (value: T) => readonly string[]): Answer {
  if (isUnread(value)) return refused(`nvme: ${controller}`, value.errno);
  if (isRefused(value)) return status(value);
  return good(textOf(lines(value)));
}

async function manage({ machine }: ShellState, controller: string, args: readonly string[]): Promise<Answer> {
  const change = management(args);
  if (change === undefined) return wrong(USAGE);
  const outcome = await machine.kernel.nvme.manage(controller, change);
  if (isPending(outcome)) return wrong("nvme: the kernel still works at it", "EINPROGRESS");
  if (outcome.kind === "nvme-refused") return status(outcome);
  if (outcome.kind === "failed") return notDone(`nvme: ${controller}`, outcome);
  return good(`success, Number of Controller Resources Modified (NRM):${outcome.modified ?? 0}\n`);
}

/** Of Virtualization Management (NVM Express Base 2.0 §5.28): actions 1, 7, 8 and 9; resource type 0 is VQ, 1 is VI. */
function management(args: readonly string[]): NvmeManagement | undefined {
  const options = new Map<string, number>();
  for (const [index, arg] of args.entries()) {
    const [, letter = "", attached = ""] = /^--?([carn])[a-z-]*(?:=(.+))?$/.exec(arg) ?? [];
    if (letter !== "") options.set(letter, Number(attached || args[index + 1]));
  }
  if ([...options.values()].some((value) => !Number.isInteger(value) || value < 0)) return undefined;
  const controllerId = options.get("c") ?? 0;
  const count = options.get("n") ?? 0;
  const resource = options.get("r") === 1 ? "vi" : "vq";
  switch (options.get("a")) {
    case 1:
      return { action: "primary-flexible", resource, count };
    case 7:
      return { action: "offline", controllerId };
    case 8:
      return { action: "assign", controllerId, resource, count };
    case 9:
      return { action: "online", controllerId };
    default:
      return undefined;
  }
}

function isRefused(value: unknown): value is NvmeRefused {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "nvme-refused";
}

/** As nvme-cli ends it; no errno was there. */
function status({ status: code, reason }: NvmeRefused): Answer {
  return wrong(`NVMe status: ${reason}(0x${hex(code, 4)})`);
}
