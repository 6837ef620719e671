import { type Command, Option } from "commander";
import { VfleetError } from "../../errors/vfleet-error.ts";

/**
 * Who reads a source reads it behind a server, too; other commands work at this machine alone, and say so. Not asked is
 * `vfleet up`, whose sources are what it serves.
 */
export function addServer(command: Command): void {
  const takesSource = command.options.some(({ long }) => long === "--source") && command.name() !== "up";
  if (takesSource) withServer(command);
  else if (command.commands.length === 0) refuseServer(command);
}

function withServer(command: Command): void {
  command
    .option("--server <url>", "ask that vfleet up instead, as http://127.0.0.1:7420 (default: $VFLEET_SERVER)")
    .option("--host <name>", "which of the server's hosts, where it has several")
    .option(
      "--token-file <file>",
      "holds the token for it (default: $VFLEET_TOKEN_FILE; on this machine that of its own server)",
    )
    .option(
      "--pin <key>",
      "the key of its certificate, sha256//..., as vfleet up prints it (default: $VFLEET_SERVER_PIN)",
    );
}

function refuseServer(command: Command): void {
  command.addOption(new Option("--server <url>").hideHelp()).hook("preAction", () => {
    if (command.opts().server === undefined) return;
    const { parent } = command;
    const name = parent?.parent ? `${parent.name()} ${command.name()}` : command.name();
    throw new VfleetError("VFL-0001", {
      message: `vfleet ${name} works at this machine alone, and takes no --server`,
      remedy: "leave out --server",
    });
  });
}
