import { Argument, type Command, Option } from "commander";
import { collect, run, runReading, withChange, withHost } from "./options.ts";

const FILES = "policies and claims in YAML, - for standard input; may be given several times";

/** Commands that make a host what is wanted, and tell what became of it. */
export function declareProvision(program: Command): void {
  const fileOption = () => new Option("-f, --file <file>", FILES).argParser(collect);

  withHost(
    program.command("plan").description("show what would be done to make the host what is wanted; writes nothing"),
  )
    .addOption(fileOption())
    .option("--check", "end with 4 where the host differs from what is wanted")
    .addHelpText(
      "after",
      "\nWithout -f, what is desired is read from the folder --config.\n\nExamples:\n  vfleet plan -f tenants.yaml\n  vfleet plan --check\n\nExit codes: 0 nothing to do or a plan, 3 refused, 4 differs (with --check).",
    )
    .action((options) => runReading(options, async () => (await import("../commands/plan.ts")).plan(options)));

  withChange(program.command("apply").description("make the host what is wanted, as one operation: done, or undone"))
    .addOption(fileOption())
    .option("--persist", "keep the files in the folder --config, for the next boot")
    .addHelpText(
      "after",
      "\nWithout -f, what is desired is read from the folder --config. Ctrl-C stops at the next step and undoes.\n\nExamples:\n  vfleet apply -f tenants.yaml\n  vfleet apply -f tenants.yaml --yes --persist\n  vfleet apply -f examples/policies/igb-two-pools.yaml --source model:examples/models/82576.yaml",
    )
    .action((options) => runReading(options, async () => (await import("../commands/apply.ts")).apply(options)));

  withHost(program.command("status").description("what is there, what is wanted, who uses it"))
    .addOption(fileOption())
    .addHelpText("after", "\nExamples:\n  vfleet status\n  vfleet status -f tenants.yaml --json")
    .action((options) => runReading(options, async () => (await import("../commands/status.ts")).status(options)));

  withChange(
    program
      .command("set")
      .argument("<vf...>", "a VF (01:10.2, or eth0 vf 3), then KEY=VALUE...")
      .description("change settings of one VF, as a policy would"),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet set 01:10.2 vlan=100 trust=on\n  vfleet set eth0 vf 3 maxTxRateMbps=500\n\nKeys: vfleet explain VfPolicy.spec.vfs.network",
    )
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/set.ts")).set(words, options)),
    );

  withChange(
    program
      .command("bind")
      .argument("<vf...>", "a VF (01:10.2, or eth0 vf 3), then its driver")
      .description("give a VF another driver: default, none, vfio, or one by its name"),
  )
    .addHelpText("after", "\nExamples:\n  vfleet bind 01:10.2 vfio-pci\n  vfleet bind eth0 vf 3 default")
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/bind.ts")).bind(words, options)),
    );

  withChange(
    program
      .command("reset")
      .argument("<vf...>", "a VF: 01:10.2, or eth0 vf 3")
      .description("make a VF as new for the next tenant: Function Level Reset, settings scrubbed"),
  )
    .addHelpText("after", "\nExamples:\n  vfleet reset 01:10.2\n  vfleet reset eth0 vf 3 --yes")
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/reset.ts")).reset(words, options)),
    );

  withChange(program.command("release").argument("[pf...]", "PFs: 01:00.0, or eth0").description("go back to no VFs"))
    .option("--all", "on all PFs")
    .option("--policy <name>", "on the PFs of a policy")
    .option("--claim <name>", "the VFs of a claim alone: reset, scrubbed, and nobody's again")
    .option("--ended", "the VFs of all claims whose lifetime is over")
    .addOption(fileOption())
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet release 01:00.0\n  vfleet release --policy tenant-net -f tenants.yaml\n  vfleet release --claim web-bond\n  vfleet release --ended --yes\n  vfleet release --all --yes",
    )
    .action((pfs, options) =>
      runReading(options, async () => (await import("../commands/release.ts")).release(pfs, options)),
    );

  withHost(program.command("recover").description("end operations that a crash or a power loss has cut off"))
    .option("--stuck", "try those that are stuck, too")
    .addHelpText("after", "\nExamples:\n  vfleet recover\n  vfleet recover --stuck")
    .action((options) => runReading(options, async () => (await import("../commands/recover.ts")).recover(options)));

  const operations = withHost(
    program
      .command("operations")
      .description("what was done to the host, the newest first")
      .addHelpText("after", "\nExamples:\n  vfleet operations\n  vfleet operations show 12"),
  ).action((options) =>
    runReading(options, async () => (await import("../commands/operations.ts")).operations(options)),
  );
  withHost(
    operations
      .command("show")
      .argument("<number>", "of the operation")
      .description("one operation: steps, old and new values, what was read back, the kernel's log"),
  )
    .addHelpText("after", "\nExamples:\n  vfleet operations show 12\n  vfleet operations show 12 --json")
    .action(async (number, _options, command: Command) =>
      // Both take --json and the like, and commander gives them to the outer one.
      run((await import("../commands/operations.ts")).showOperation(number, command.optsWithGlobals())),
    );

  program
    .command("unit")
    .addArgument(
      new Argument("[which]", "boot: applies what is desired, before networks and guests; server: the API and the page")
        .choices(["boot", "server"] as const)
        .default("boot" as const),
    )
    .description("print a systemd unit")
    .option("--config <folder>", "where what is desired is kept", "/etc/vfleet")
    .option("--listen <address>", "of the server, on the loopback", "127.0.0.1:7420")
    .addHelpText(
      "after",
      `
Examples:
  vfleet unit | sudo tee /etc/systemd/system/vfleet.service
  sudo systemctl enable vfleet.service
  vfleet unit server | sudo tee /etc/systemd/system/vfleet-server.service
  sudo systemctl enable --now vfleet-server.service`,
    )
    .action(async (which, options) => run((await import("../commands/unit.ts")).unit(which, options)));
}
