import { isUnread } from "../../kernel/port.ts";
import { FAULT_NAMES } from "./fault-command.ts";
import { absolute } from "./paths.ts";
import { COMMAND_NAMES } from "./shell.ts";
import type { ShellState } from "./shell-state.ts";

const LINK_WORDS = ["link", "show", "set", "dev", "vf", "up", "down", "mtu", "address", "name"];
const VF_WORDS = [
  "mac",
  "vlan",
  "qos",
  "proto",
  "rate",
  "max_tx_rate",
  "min_tx_rate",
  "spoofchk",
  "state",
  "trust",
  "query_rss",
];

/** What the last word of a line may become, as node:readline wants it: the whole words, and what of the line they replace. */
export async function completeWord(state: ShellState, line: string): Promise<[string[], string]> {
  const [, before = "", word = ""] = /^(.*?)([^\s>]*)$/s.exec(line) ?? [];
  const command = /^\s*(\S+)\s/.exec(before)?.[1];
  if (command === undefined && !before.includes(">")) return [starting(COMMAND_NAMES, word, " "), word];
  const words =
    command === "ip"
      ? [...LINK_WORDS, ...VF_WORDS, ...(await names(state, "/sys/class/net"))]
      : command === "fault"
        ? [...FAULT_NAMES, ...(await names(state, "/sys/bus/pci/devices"))]
        : command === "nvme"
          ? await names(state, "/sys/class/nvme")
          : undefined;
  return [words === undefined ? await paths(state, word) : starting(words, word, " "), word];
}

function starting(words: readonly string[], beginning: string, end: string): string[] {
  return words.filter((word) => word.startsWith(beginning)).map((word) => `${word}${end}`);
}

async function names({ machine }: ShellState, folder: string): Promise<readonly string[]> {
  const found = await machine.kernel.list(folder);
  return isUnread(found) ? [] : found;
}

async function paths(state: ShellState, word: string): Promise<string[]> {
  const cut = word.lastIndexOf("/") + 1;
  const folder = word.slice(0, cut);
  const found = starting(await names(state, absolute(state.cwd, folder || ".")), word.slice(cut), "");
  // A folder goes on; whether it is one is worth asking only of the one that is left.
  if (found.length !== 1) return found.map((name) => folder + name);
  const status = await state.machine.stat(absolute(state.cwd, folder + found[0]), true);
  return [`${folder}${found[0]}${!isUnread(status) && status.kind === "folder" ? "/" : " "}`];
}
