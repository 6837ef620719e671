import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ModelledMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { isUnread } from "../../kernel/port.ts";
import { isPending, type Outcome, type Within } from "../../kernel/port-outcome.ts";
import { bdf } from "../../pci/bdf.ts";
import { type Answer, good, NOTHING, notDone, refused, textOf, together, wrong } from "./answer.ts";
import { fault } from "./fault-command.ts";
import { cat, cd, echoText, ls, readlink, redirect } from "./file-commands.ts";
import { FILTERS } from "./filter-commands.ts";
import { guest } from "./guest-command.ts";
import { ip } from "./ip-command.ts";
import { lspci } from "./lspci-command.ts";
import { mount, umount } from "./mount-commands.ts";
import { nvme } from "./nvme-command.ts";
import { absolute, expand } from "./paths.ts";
import type { ShellState } from "./shell-state.ts";
import { parseLine, type ShellCommand } from "./shell-words.ts";
import { traffic } from "./traffic-command.ts";

interface Command {
  readonly usage: string;
  readonly meaning: string;
  /** @param input what the command before handed on; undefined of one that nothing is handed to */
  run(state: ShellState, args: readonly string[], input?: string): Answer | Promise<Answer>;
}

/** What the shell knows, by name. */
const COMMANDS: Readonly<Record<string, Command>> = {
  ls: { usage: "ls [-l] [-d] [PATH...]", meaning: "what is in a folder", run: ls },
  cat: { usage: "cat PATH...", meaning: "what an attribute holds", run: cat },
  ...FILTERS,
  readlink: { usage: "readlink [-f] PATH...", meaning: "where a link points", run: readlink },
  echo: { usage: "echo [-n] TEXT > PATH", meaning: "write an attribute", run: (_state, args) => good(echoText(args)) },
  cd: { usage: "cd [PATH]", meaning: "go to a folder", run: cd },
  pwd: { usage: "pwd", meaning: "where you are", run: ({ cwd }) => good(`${cwd}\n`) },
  ip: {
    usage: "ip [-j] [-d] [-s] link [show | set] [DEV] ...",
    meaning: "network devices and the settings of their VFs",
    run: ip,
  },
  lspci: {
    usage: "lspci [-nn] [-k] [-vvv] [-xxxx] [-s SLOT]",
    meaning: "PCI functions and their registers",
    run: lspci,
  },
  dmesg: { usage: "dmesg", meaning: "the kernel log", run: dmesg },
  modprobe: { usage: "modprobe [-r] MODULE...", meaning: "load and unload modules", run: modprobe },
  lsmod: { usage: "lsmod", meaning: "the modules that are loaded", run: lsmod },
  uname: { usage: "uname -r", meaning: "the kernel's release", run: uname },
  nvme: {
    usage: "nvme list | list-secondary DEV | virt-mgmt DEV ...",
    meaning: "NVMe controllers and their resources",
    run: nvme,
  },
  traffic: {
    usage: "traffic DEV FROM TO [N [BYTES]] | start ... | list | stop ID",
    meaning: "frames from a VF to another, or to pf, of an 82576",
    run: traffic,
  },
  guest: {
    usage: "guest [list | start NAME | plug NAME BDF | move NAME FILE | ...]",
    meaning: "virtual machines on the host, and the VFs that they have",
    run: guest,
  },
  hold: {
    usage: "hold PATH [BDF...]",
    meaning: "a process that keeps a file open, as QEMU does /dev/vfio/N",
    run: hold,
  },
  mount: { usage: "mount [-t TYPE] [DEVICE POINT]", meaning: "what is mounted; mounts a block device", run: mount },
  umount: { usage: "umount POINT|DEVICE", meaning: "ends a mount", run: umount },
  kill: { usage: "kill PID...", meaning: "end such a process", run: kill },
  fault: { usage: "fault [KIND PLACE ...]", meaning: "what goes wrong with the hardware", run: fault },
  help: { usage: "help", meaning: "this list", run: help },
};

export const COMMAND_NAMES: readonly string[] = [...Object.keys(COMMANDS), "exit"].sort();

/** A shell on a modelled machine, for whoever knows Linux. */
export class Shell {
  readonly state: ShellState;

  constructor(machine: ModelledMachine, columns?: number) {
    this.state = { machine, cwd: "/sys/bus/pci/devices", columns };
  }

  /** Runs one line. @throws VfleetError where vfleet itself cannot go on */
  async run(text: string): Promise<Answer> {
    const parsed = parseLine(text);
    if ("error" in parsed) return wrong(`bash: ${parsed.error}`);
    let last = NOTHING;
    let output = "";
    for (const { after, commands } of parsed.list) {
      if ((after === "&&" && !last.ok) || (after === "||" && last.ok)) continue;
      last = await this.#pipeline(commands);
      output += last.output;
    }
    return { ...last, output };
  }

  /** Each command has the output of the one before; what one says of its failure goes to the terminal. */
  async #pipeline(commands: readonly ShellCommand[]): Promise<Answer> {
    let errors = "";
    let input: string | undefined;
    let last = NOTHING;
    for (const [index, command] of commands.entries()) {
      last = await this.#redirected(command, input);
      if (index === commands.length - 1) break;
      if (!last.ok) errors += last.output;
      input = last.ok ? last.output : "";
    }
    return { ...last, output: errors + last.output };
  }

  async #redirected({ words, target }: ShellCommand, input: string | undefined): Promise<Answer> {
    const { machine, cwd } = this.state;
    const expanded = await expand(machine, cwd, words);
    // Whoever has this machine is root on it.
    const [name, ...args] = expanded[0] === "sudo" ? expanded.slice(1) : expanded;
    const answer = name === undefined ? NOTHING : await this.#command(name, args, input);
    if (target === undefined || !answer.ok) return answer;
    const [path = "", ...others] = await expand(machine, cwd, [target]);
    if (others.length > 0) return wrong(`bash: ${target.text}: ambiguous redirect`);
    return redirect(this.state, path, name ?? "", answer.output);
  }

  async #command(name: string, args: readonly string[], input: string | undefined): Promise<Answer> {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) return wrong(`bash: ${name}: command not found`);
    try {
      return await command.run(this.state, args, input);
    } catch (error) {
      // What vfleet itself refuses, as an address that is none.
      if (error instanceof VfleetError) return wrong(`${name}: ${error.message}`);
      throw error;
    }
  }
}

async function dmesg({ machine }: ShellState): Promise<Answer> {
  const lines = await machine.kernel.log();
  return isUnread(lines) ? refused("dmesg: read kernel buffer failed", lines.errno) : good(textOf(lines));
}

async function modprobe({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  const { kernel } = machine;
  const unload = args.includes("-r");
  const modules = args.filter((arg) => !arg.startsWith("-"));
  if (modules.length === 0) return wrong("modprobe: ERROR: missing parameters. See -h.");
  for (const module of modules) {
    const outcome: Within<Outcome> = await (unload ? kernel.unloadModule(module) : kernel.loadModule(module));
    if (isPending(outcome)) return wrong(`modprobe: the kernel still works at ${module}`, "EINPROGRESS");
    if (outcome.kind === "done") continue;
    // kmod looks for the module before it asks the kernel; and looks who uses it.
    if (!unload && outcome.errno === "ENOENT") {
      return wrong(`modprobe: FATAL: Module ${module} not found in directory /lib/modules`, "ENOENT");
    }
    if (unload && outcome.errno === "EBUSY") return wrong(`modprobe: FATAL: Module ${module} is in use.`, "EBUSY");
    return notDone(`modprobe: ERROR: ${module}`, outcome);
  }
  return NOTHING;
}

/** Says the PID of the process, as a shell does of one in the background. */
async function hold({ machine, cwd }: ShellState, [path, ...addresses]: readonly string[]): Promise<Answer> {
  if (path === undefined) return wrong("hold: usage: hold PATH [BDF...]");
  const pid = await machine.hold(absolute(cwd, path), addresses.map(bdf));
  return isUnread(pid) ? refused(`hold: ${path}`, pid.errno) : good(`${pid}\n`);
}

async function kill({ machine }: ShellState, pids: readonly string[]): Promise<Answer> {
  if (pids.length === 0) return wrong("kill: usage: kill PID...");
  const answers: Answer[] = [];
  for (const pid of pids) {
    answers.push((await machine.kill(Number(pid))) ? NOTHING : refused(`bash: kill: (${pid})`, "ESRCH"));
  }
  return together(answers);
}

/** The columns of /proc/modules that lsmod prints. */
async function lsmod({ machine }: ShellState): Promise<Answer> {
  const bytes = await machine.kernel.read("/proc/modules");
  if (isUnread(bytes)) return refused("lsmod: /proc/modules", bytes.errno);
  const rows = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", size = "", count = "", users = "-"] = line.split(" ");
      return `${name.padEnd(20)} ${size.padStart(8)}  ${count}${users === "-" ? "" : ` ${users.replace(/,$/, "")}`}\n`;
    });
  return good(`${"Module".padEnd(20)} ${"Size".padStart(8)}  Used by\n${rows.join("")}`);
}

async function uname({ machine, cwd }: ShellState, args: readonly string[]): Promise<Answer> {
  if (args.length > 0 && args[0] !== "-r") return wrong("uname: -r is understood here");
  if (args.length === 0) return good("Linux\n");
  const bytes = await machine.kernel.read(absolute(cwd, "/proc/sys/kernel/osrelease"));
  return isUnread(bytes) ? refused("uname", bytes.errno) : good(new TextDecoder().decode(bytes));
}

function help(): Answer {
  const commands = Object.values(COMMANDS);
  const width = Math.max(...commands.map(({ usage }) => usage.length)) + 2;
  return good(
    [
      ...commands.map(({ usage, meaning }) => `${usage.padEnd(width)}${meaning}`),
      `${"exit".padEnd(width)}leave; the machine runs on (vfleet model off ends it)`,
      "",
      "Patterns (*, ?, [..]), quotes and one > are understood. Try:",
      "  echo 3 > 0000:01:00.0/sriov_numvfs",
      "  ip link set eth0 vf 0 mac 52:54:00:00:00:01 vlan 100 spoofchk on",
      "  traffic eth0 1 2 1000",
      "",
    ].join("\n"),
  );
}
