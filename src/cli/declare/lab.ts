import type { Command } from "commander";
import { parseCount, run } from "./options.ts";

/** `vfleet lab`: a real kernel under emulation. */
export function declareLab(program: Command): void {
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
    .action(async (options) => run((await import("../commands/lab.ts")).labList(options)));
  lab
    .command("build")
    .description("build the image that the machines boot from, where it is missing, stale or damaged")
    .option("--force", "build it even so")
    .option("-v, --verbose", "show what the programs print")
    .action(async (options) => run((await import("../commands/lab.ts")).labBuild(options)));
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
    .action(async (script, args, options) => run((await import("../commands/lab.ts")).labRun(script, args, options)));
  lab
    .command("shell")
    .argument("[machine]", "one of vfleet lab list", "igb")
    .description("a root shell in a machine, on this terminal")
    .action(async (machine) => run((await import("../commands/lab.ts")).labShell(machine)));
}
