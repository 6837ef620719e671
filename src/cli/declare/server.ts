import { type Command, InvalidArgumentError, Option } from "commander";
import { run, sourcesOption } from "./options.ts";

const STATE_HELP = "the server's own folder (default: /var/lib/vfleet/server; without root, yours)";
const LONGEST_INTERVAL_S = 3600;

/** `vfleet up`, `vfleet token`: hosts behind an API. */
export function declareServer(program: Command): void {
  program
    .command("up")
    .description("watch hosts and serve the API, until SIGTERM or Ctrl-C")
    .addOption(sourcesOption())
    .option("--listen <address>", "where; other than the loopback with TLS only", "127.0.0.1:7420")
    .option("--state <folder>", STATE_HELP)
    .option("--config <folder>", "where what is desired of the host is kept (default: /etc/vfleet, or a model's own)")
    .option("--tls-cert <file>", "certificate chain, PEM")
    .option("--tls-key <file>", "its private key, PEM")
    .option("--tls-generate", "make a certificate, and renew it; clients pin its key, which stays")
    .addOption(new Option("--interval <seconds>", "between two looks at a host").default(5).argParser(parseSeconds))
    .addOption(
      new Option("--log-level <level>", "of the log on standard output, JSON a line")
        .choices(["trace", "debug", "info", "warn", "error", "silent"])
        .default("warn"),
    )
    .addHelpText(
      "after",
      `
The first start prints a token, once; it is kept in the state folder, for you alone. docs/api.md tells what can be asked.

Examples:
  vfleet up
  vfleet up --source model:examples/models/server.yaml --source model:examples/models/e810.yaml
  vfleet up --listen 10.0.0.5:7420 --tls-cert server.pem --tls-key server.key
  vfleet up --listen 0.0.0.0:7420 --tls-generate`,
    )
    .action(async (options) => run((await import("../commands/up.ts")).up(options)));

  const token = program
    .command("token")
    .description("tokens for the API, by name")
    .addHelpText(
      "after",
      `
Examples:
  vfleet token create grafana --role viewer
  vfleet token list
  vfleet token revoke grafana`,
    );
  token
    .command("create")
    .argument("<name>", "lower case letters, digits, - and .")
    .description("make a token, and print it this once")
    .addOption(
      new Option("--role <role>", "viewer reads, operator changes hosts, admin manages tokens")
        .choices(["viewer", "operator", "admin"])
        .default("viewer"),
    )
    .option("--state <folder>", STATE_HELP)
    .option("--json", "print JSON (docs/json.md)")
    .action(async (name, options) => run((await import("../commands/token.ts")).tokenCreate(name, options)));
  token
    .command("list")
    .description("tokens, without what is secret of them")
    .option("--state <folder>", STATE_HELP)
    .option("--json", "print JSON (docs/json.md)")
    .action(async (options) => run((await import("../commands/token.ts")).tokenList(options)));
  token
    .command("revoke")
    .argument("<name>")
    .description("from now on the token is good for nothing")
    .option("--state <folder>", STATE_HELP)
    .action(async (name, options) => run((await import("../commands/token.ts")).tokenRevoke(name, options)));
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds < 0.1 || seconds > LONGEST_INTERVAL_S) {
    throw new InvalidArgumentError(`It must be a number from 0.1 to ${LONGEST_INTERVAL_S}.`);
  }
  return seconds;
}
