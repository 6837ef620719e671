import type { Command } from "commander";
import { run } from "./options.ts";

/** `vfleet model`: machines in software. */
export function declareModel(program: Command): void {
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
    .action(async (file, options) => run((await import("../commands/model-shell.ts")).modelShell(file, options)));
  model
    .command("export")
    .argument("<file>", "the machine's YAML")
    .argument("<out>", "the folder to make")
    .description("write the machine's /sys as files, for lspci and other programs that read a tree")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet model export examples/models/82576.yaml out\n  lspci -vvv -O sysfs.path=out/sys/bus/pci",
    )
    .action(async (file, out) => run((await import("../commands/model-export.ts")).modelExport(file, out)));
  model
    .command("reset")
    .argument("<file>", "the machine's YAML")
    .description("power the machine off and on, with the file as it is now")
    .action(async (file) => run((await import("../commands/model.ts")).modelReset(file)));
  model
    .command("off")
    .argument("<file>", "the machine's YAML")
    .description("power the machine off: its process ends, and its state is gone")
    .action(async (file) => run((await import("../commands/model.ts")).modelOff(file)));
  model
    .command("list")
    .description("the machines that are on")
    .option("--json", "print JSON (docs/json.md)")
    .action(async (options) => run((await import("../commands/model.ts")).modelList(options)));
}
