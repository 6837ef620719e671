import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { declareProvision } from "./declare-provision.ts";
import { packageVersion } from "./names.ts";
import { reportError } from "./output.ts";

/**
 * The command line. Each command's code is loaded when it runs, so that `--help` and completion start fast.
 * Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 refused, 4 the host differs from what is desired.
 */
const BAD_USAGE = 2;

const SOURCE_HELP = "where to read: linux (this host), snapshot:PATH, lspci:FILE, model:FILE";

async function run(command: Promise<number>): Promise<void> {
  process.exitCode = await command;
}

function buildProgram(completing: boolean): Command {
  const program = new Command("vfleet")
    .description("SR-IOV virtual functions: see what there is, say what is wanted, have it made, and kept so")
    .version(packageVersion())
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      `
Examples:
  vfleet scan                                     the Physical Functions of this host
  vfleet preflight 3b:00.0 --vfs 16 --use vfio    can 16 VFs be made for guests, and if not, why?
  vfleet plan -f tenants.yaml                     what would be done to have these VFs, and who would notice?
  vfleet apply -f tenants.yaml                    do it, or undo it
  lspci -xxxx | vfleet decode -                   every register of a dump, by name
  vfleet capture host.tar.gz                      take this host along; read it anywhere with --source

Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 refused, 4 differs (plan --check).`,
    );

  program
    .command("scan")
    .description("list Physical Functions: driver, names, link, VFs, IOMMU group, readiness")
    .addOption(sourcesOption())
    .option("--tree", "draw the PCIe topology, VFs folded")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet scan\n  vfleet scan --tree\n  vfleet scan --source snapshot:a.tar.gz --source snapshot:b.tar.gz --json",
    )
    .action(async (options) =>
      run((await import("./commands/scan.ts")).scan({ ...options, source: options.source ?? ["linux"] })),
    );

  program
    .command("show")
    .argument("<bdf>", "address, as 0000:3b:00.0 or 3b:00.0")
    .description("all of one function: what the host makes of it, and its registers")
    .addOption(sourceOption())
    .option("-v, --verbose", "name the flags that are clear, too, in registers with many")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet show 3b:00.0\n  vfleet show 3b:02.1 --source snapshot:host.tar.gz --json",
    )
    .action(async (bdf, options) => run((await import("./commands/show.ts")).show(bdf, options)));

  program
    .command("preflight")
    .argument("[bdf]", "a Physical Function; all of them when left out")
    .description("check whether VFs can be made before anything is written")
    .option("--vfs <n>", "how many VFs; the largest number that works when left out", parseCount)
    .addOption(new Option("--use <use>", "what the VFs are for").choices(["vfio", "netdev", "nvme"]))
    .addOption(sourceOption())
    .option("-v, --verbose", "show the evidence of checks that pass, too")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet preflight\n  vfleet preflight 3b:00.0 --vfs 16 --use vfio\n  vfleet preflight 83:00.0 --source lspci:dump.txt\n\nExit code 3 where it is refused.",
    )
    .action(async (bdf, options) => run((await import("./commands/preflight.ts")).preflight(bdf, options)));

  program
    .command("decode")
    .argument("<file>", "output of lspci -x, -xxx or -xxxx; - for standard input")
    .description("decode every function of an lspci dump")
    .option("-s, --slot <bdf>", "only this function")
    .option("-v, --verbose", "name the flags that are clear, too, in registers with many")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  lspci -xxxx | vfleet decode -\n  vfleet decode dump.txt -s 3b:00.0\n  vfleet decode dump.txt --json",
    )
    .action(async (file, options) => run((await import("./commands/decode.ts")).decode(file, options)));

  program
    .command("capture")
    .argument("<out>", "the archive to write, as host.tar.gz; - for standard output")
    .description("gather what vfleet reads of a host into an archive; nothing is changed on the host")
    .option("--anonymise", "leave out serial numbers, addresses and host names")
    .option("--force", "replace the file if it is there")
    .addOption(sourceOption())
    .addHelpText(
      "after",
      "\nExamples:\n  sudo vfleet capture host.tar.gz --anonymise\n  vfleet scan --source snapshot:host.tar.gz",
    )
    .action(async (out, options) => run((await import("./commands/capture.ts")).capture(out, options)));

  const lab = program
    .command("lab")
    .description("a real Linux kernel with emulated SR-IOV hardware, under QEMU: nothing of this host is touched")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet lab list\n  vfleet lab shell igb\n  vfleet lab run script.sh --machine igb-nvme\n  vfleet lab run probe.ts --machine switch --json",
    );
  lab
    .command("list")
    .description("the machines")
    .option("--json", "print JSON (docs/json.md)")
    .action(async (options) => run((await import("./commands/lab.ts")).labList(options)));
  lab
    .command("build")
    .description("build the image that the machines boot from, where it is missing, stale or damaged")
    .option("--force", "build it even so")
    .option("-v, --verbose", "show what the programs print")
    .action(async (options) => run((await import("./commands/lab.ts")).labBuild(options)));
  lab
    .command("run")
    .argument("<script>", "TypeScript or JavaScript for Node, or a bash script")
    .argument("[args...]", "for the script")
    .description("boot a machine, run a script in it as root, and end with its exit code")
    .option("--machine <name>", "one of vfleet lab list", "igb")
    .option("--timeout <seconds>", "end the machine when this has passed", parseCount, 300)
    .option("--out <folder>", "a folder of this host that the script may write, as /out")
    .option("--json", "print the result with all records as JSON; the script's output goes to standard error")
    .addHelpText(
      "after",
      '\nThe package is mounted as /vfleet, the script\'s folder as /script where it is elsewhere, both read-only.\nA script tells results by lines of JSON with a "kind", written to the file that $LAB_RECORDS names.\n\nExamples:\n  vfleet lab run probe.sh\n  vfleet lab run probe.ts --machine no-iommu --json',
    )
    .action(async (script, args, options) => run((await import("./commands/lab.ts")).labRun(script, args, options)));
  lab
    .command("shell")
    .argument("[machine]", "one of vfleet lab list", "igb")
    .description("a root shell in a machine, on this terminal")
    .action(async (machine) => run((await import("./commands/lab.ts")).labShell(machine)));

  declareProvision(program, { run, sourceOption });
  addModelCommands(program);

  program
    .command("explain")
    .argument("[code-or-field]", "as VFL-0106, or VfPolicy.spec.numVfs; all codes when left out")
    .description("tell what a code means and what to do, or what a field of a policy is")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet explain VFL-0106\n  vfleet explain VfPolicy.spec.vfs.network.vlan\n  vfleet explain",
    )
    .action(async (code, options) => run((await import("./commands/explain.ts")).explain(code, options)));

  // Only `complete` itself needs the completion library; see main().
  if (!completing) {
    program
      .command("complete")
      .argument("<shell>", "bash, zsh, fish or powershell")
      .description("print a completion script for a shell: source <(vfleet complete bash)");
  }

  program
    .command("start", { hidden: true })
    .description("what is here, and what to do next; on a modelled server where this machine has no SR-IOV device")
    .action(async () => run((await import("./commands/start.ts")).start()));

  return program;
}

function addModelCommands(program: Command): void {
  const model = program
    .command("model")
    .description(
      "modelled machines: SR-IOV hardware with Linux on it, in software; each runs on until it is powered off",
    )
    .addHelpText(
      "after",
      `
A machine is described in YAML (docs/model.md). It is powered on at its first use, as a process of its own, and stays as
commands leave it; every reading command sees it with --source model:FILE.

Examples:
  vfleet model shell                                          the bundled 82576
  vfleet scan --source model:examples/models/82576.yaml
  vfleet model reset examples/models/82576.yaml`,
    );
  model
    .command("shell")
    .argument("[file]", "the machine's YAML; the bundled examples/models/82576.yaml when left out")
    .description("a shell on the machine, for people who know Linux; a command a line from standard input")
    .option("--json", "answer each command by a line of JSON: command, ok, errno, output")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet model shell examples/models/82576.yaml\n  echo 'echo 3 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs' | vfleet model shell --json\n\nWithout a terminal the exit code is 1 where a command failed.",
    )
    .action(async (file, options) => run((await import("./commands/model-shell.ts")).modelShell(file, options)));
  model
    .command("export")
    .argument("<file>", "the machine's YAML")
    .argument("<out>", "the folder to make")
    .description("write the machine's /sys as files, for lspci and other programs that read a tree")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet model export examples/models/82576.yaml out\n  lspci -vvv -O sysfs.path=out/sys/bus/pci",
    )
    .action(async (file, out) => run((await import("./commands/model-export.ts")).modelExport(file, out)));
  model
    .command("reset")
    .argument("<file>", "the machine's YAML")
    .description("power the machine off and on, with the file as it is now")
    .action(async (file) => run((await import("./commands/model.ts")).modelReset(file)));
  model
    .command("off")
    .argument("<file>", "the machine's YAML")
    .description("power the machine off: its process ends, and its state is gone")
    .action(async (file) => run((await import("./commands/model.ts")).modelOff(file)));
  model
    .command("list")
    .description("the machines that are on")
    .option("--json", "print JSON (docs/json.md)")
    .action(async (options) => run((await import("./commands/model.ts")).modelList(options)));
}

function sourceOption(): Option {
  return new Option("--source <source>", SOURCE_HELP).default("linux");
}

function sourcesOption(): Option {
  return new Option("--source <source>", `${SOURCE_HELP}; may be given several times (default: linux)`).argParser(
    (value: string, previous: string[] | undefined) => [...(previous ?? []), value],
  );
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 65535)
    throw new InvalidArgumentError("It must be a number from 1 to 65535.");
  return count;
}

/** Runs one command line; the exit code is left in `process.exitCode`. */
async function main(argv: readonly string[]): Promise<void> {
  const completing = argv[2] === "complete";
  const program = buildProgram(completing);
  if (completing) (await import("./complete.ts")).addCompletion(program);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride();
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version that were asked for are no errors; all others commander has told on standard error.
      process.exitCode = error.exitCode === 0 ? 0 : BAD_USAGE;
    } else {
      process.exitCode = reportError(error, argv.includes("--json"));
    }
  }
}

await main(process.argv);
