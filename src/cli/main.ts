import { Command, CommanderError } from "commander";
import { addServer } from "./declare/add-server.ts";
import { declareGuests } from "./declare/guests.ts";
import { declareLab } from "./declare/lab.ts";
import { declareModel } from "./declare/model.ts";
import { run } from "./declare/options.ts";
import { declareProvision } from "./declare/provision.ts";
import { declareReading } from "./declare/read.ts";
import { declareServer } from "./declare/server.ts";
import { packageVersion } from "./names.ts";
import { reportError } from "./output.ts";

/**
 * The command line. Each command's code is loaded when it runs, so that `--help` and completion start fast.
 * Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 refused, 4 the host differs from what is desired.
 */
const BAD_USAGE = 2;

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

  program.commandsGroup("See what there is:");
  declareReading(program);
  program.commandsGroup("Have VFs made, and kept so:");
  declareProvision(program);
  program.commandsGroup("Give them to guests:");
  declareGuests(program);
  program.commandsGroup("Serve hosts:");
  declareServer(program);
  program.commandsGroup("Try without a card:");
  declareLab(program);
  declareModel(program);
  program.commandsGroup("Other:").helpCommand(true);

  // Only `complete` itself needs the completion library; see main().
  if (!completing) {
    program
      .command("complete")
      .argument("<shell>", "bash, zsh, fish or powershell")
      .description("print a completion script for a shell: source <(vfleet complete bash)");
  }

  program
    .command("start", { hidden: true })
    .description("vfleet and its page; over two modelled servers where this machine has no SR-IOV device")
    .option("--listen <address>", "where", "127.0.0.1:7420")
    .option("--state <folder>", "the server's own folder")
    .action(async (options) => run((await import("./commands/start.ts")).start(options)));

  return program;
}

/** Runs one command line; the exit code is left in `process.exitCode`. */
async function main(argv: readonly string[]): Promise<void> {
  const completing = argv[2] === "complete";
  const program = buildProgram(completing);
  const commands = () => program.commands.flatMap((each) => [each, ...each.commands]);
  for (const command of commands()) addServer(command);
  if (completing) await (await import("./complete.ts")).addCompletion(program, argv);
  for (const command of [program, ...commands()]) command.exitOverride();
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
