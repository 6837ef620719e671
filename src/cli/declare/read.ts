import { type Command, Option } from "commander";
import { parseCount, run, runReading, sourceOption, sourcesOption } from "./options.ts";

/** Commands that read: hosts, dumps, what codes and fields mean. */
export function declareReading(program: Command): void {
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
    .action(async (options) => run((await import("../commands/scan.ts")).scan(options)));

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
    .action((bdf, options) =>
      runReading(options, async () => (await import("../commands/show.ts")).show(bdf, options)),
    );

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
    .action((bdf, options) =>
      runReading(options, async () => (await import("../commands/preflight.ts")).preflight(bdf, options)),
    );

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
    .action(async (file, options) => run((await import("../commands/decode.ts")).decode(file, options)));

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
    .action((out, options) =>
      runReading(options, async () => (await import("../commands/capture.ts")).capture(out, options)),
    );

  program
    .command("explain")
    .argument("[code-or-field]", "as VFL-0106, or VfPolicy.spec.numVfs; all codes when left out")
    .description("tell what a code means and what to do, or what a field of a policy is")
    .option("--json", "print JSON (docs/json.md)")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet explain VFL-0106\n  vfleet explain VfPolicy.spec.vfs.network.vlan\n  vfleet explain",
    )
    .action(async (code, options) => run((await import("../commands/explain.ts")).explain(code, options)));
}
