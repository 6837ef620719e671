import { type Command, Option } from "commander";
import { GUEST_CONFIGS } from "../guest-configs.ts";
import { parseCount, parseIp, runReading, withChange, withHost } from "./options.ts";

/** Commands about who VFs are given to. */
export function declareGuests(program: Command): void {
  withHost(program.command("guests").description("who VFs can be given to, and who has which"))
    .addHelpText(
      "after",
      "\nGuests are virtual machines of QEMU and libvirt (qemu:NAME, libvirt:NAME) and network namespaces (netns:NAME).\n\nExamples:\n  vfleet guests\n  vfleet guests --json",
    )
    .action((options) => runReading(options, async () => (await import("../commands/guests.ts")).guests(options)));

  withChange(
    program
      .command("attach")
      .argument("[vf...]", "a VF (01:10.2, or eth0 vf 3), then the guest")
      .description("give a VF to a guest that runs"),
  )
    .option("--claim <name>", "the VFs of a claim, to the guest that it names")
    .option("--persistent", "into the definition of a domain of libvirt, too: it has the VF when it starts again")
    .option("--managed", "libvirt binds the VF to vfio-pci, and back when the domain gives it back")
    .addOption(new Option("--unmanaged", "vfleet binds the VF, which stays so (default)").conflicts("managed"))
    .option("--vf-token-file <file>", "holds the UUID that the PF's user has set, where the PF is on vfio-pci, too")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet attach 01:10.2 web-1\n  vfleet attach eth0 vf 3 qemu:web-1 --yes\n  vfleet attach --claim web-bond\n  vfleet attach 01:10.2 libvirt:web --persistent\n  vfleet attach 01:10.2 web-1 --vf-token-file /run/dpdk.token",
    )
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/attach.ts")).attach(words, options)),
    );

  withChange(
    program
      .command("detach")
      .argument("[vf...]", "a VF: 01:10.2, or eth0 vf 3")
      .description("take a VF back from the guest that has it"),
  )
    .option("--claim <name>", "the VFs of a claim")
    .addHelpText("after", "\nExamples:\n  vfleet detach 01:10.2\n  vfleet detach --claim web-bond --yes")
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/attach.ts")).detach(words, options)),
    );

  withHost(
    program
      .command("migrate")
      .argument("<guest>", "as vfleet guests lists it")
      .description(
        "move a guest with its VF to another QEMU, or modelled machine: a verdict first, then the best way, or back",
      ),
  )
    .requiredOption(
      "--to <destination>",
      "the guest that waits for it (-incoming defer), as qemu:web-dst; of the model another machine, as model:FILE",
    )
    .addOption(
      new Option("--method <method>", "vfio: the VF's state moves; failover: by virtio meanwhile, then another VF")
        .choices(["auto", "vfio", "failover"])
        .default("auto"),
    )
    .option("--vf <bdf>", "the VF that it gets there; one that is free and of the same kind where left out")
    .option(
      "--uri <uri>",
      "where the destination is to listen (unix:PATH, tcp:127.0.0.1:PORT); a socket of vfleet's own",
    )
    .addOption(
      new Option(
        "--probe <address>",
        "IPv4 or IPv6 of the guest: pinged all the while, so that the time without traffic is told",
      ).argParser(parseIp),
    )
    .option("--timeout <seconds>", "for its memory to move, before it is taken back", parseCount, 600)
    .option("--check", "the verdict alone; 3 where the guest cannot be moved")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet migrate web --to web-dst --check\n  vfleet migrate qemu:web --to qemu:web-dst --yes\n  vfleet migrate web --to web-dst --probe 192.0.2.10\n  vfleet migrate web --to web-dst --method failover --vf 01:10.2",
    )
    .action((guest, options) =>
      runReading(options, async () => (await import("../commands/migrate.ts")).migrate(guest, options)),
    );

  withHost(
    program
      .command("guest-config")
      .argument("<vf...>", "VFs: 01:10.2, or eth0 vf 3")
      .description("print what gives VFs to a guest that another program starts; changes nothing"),
  )
    .addOption(new Option("--for <program>", "who reads it").choices(GUEST_CONFIGS).makeOptionMandatory())
    .option("--managed", "libvirt binds the VFs to vfio-pci, and back")
    .addHelpText(
      "after",
      "\nExamples:\n  vfleet guest-config 01:10.2 --for qemu\n  vfleet guest-config 01:10.2 --for libvirt >vf.xml\n  vfleet guest-config eth0 vf 3 --for libvirt-network >network.xml\n  vfleet guest-config 01:10.2 --for cdi | sudo tee /etc/cdi/vfleet.json",
    )
    .action((words, options) =>
      runReading(options, async () => (await import("../commands/guest-config.ts")).guestConfig(words, options)),
    );
}
