import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { endWaiting, sayWaiting } from "../output.ts";
import { type AccessOptions, serverOf } from "../provision/access-options.ts";

const SOURCE_HELP = "where to read: linux (this host), snapshot:PATH, lspci:FILE, model:FILE";

/** Runs a command; its exit code is left in `process.exitCode`. */
export async function run(command: Promise<number>): Promise<void> {
  process.exitCode = await command;
}

interface HostReading extends AccessOptions {
  readonly file?: readonly string[];
}

/** Runs a command that reads a host before it says anything: on a terminal it is told what takes its time. */
export async function runReading(options: HostReading, start: () => Promise<number>): Promise<void> {
  const { source = "linux", file } = options;
  // Who types a policy is not to be disturbed.
  if (!file?.includes("-")) sayWaiting(`reading ${serverOf(options) ?? (source === "linux" ? "this host" : source)}`);
  try {
    process.exitCode = await start();
  } finally {
    endWaiting();
  }
}

export function sourceOption(): Option {
  return new Option("--source <source>", `${SOURCE_HELP} (default: linux)`);
}

export function sourcesOption(): Option {
  return new Option("--source <source>", `${SOURCE_HELP}; may be given several times (default: linux)`).argParser(
    collect,
  );
}

/** For numbers on the command line. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 65535)
    throw new InvalidArgumentError("It must be a number from 1 to 65535.");
  return count;
}

/** For addresses on the command line. */
export function parseIp(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError("It must be an IPv4 or IPv6 address.");
  return text;
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** Of commands that look at a host as provisioning does. */
export function withHost(command: Command): Command {
  return command
    .addOption(sourceOption())
    .option(
      "--state <folder>",
      "where operations are written down (default: /var/lib/vfleet; a model's or, without root, yours)",
    )
    .option("--config <folder>", "where what is desired is kept (default: /etc/vfleet, or a model's own)")
    .option("--json", "print JSON (docs/json.md)");
}

/** Of commands that change a host. */
export function withChange(command: Command): Command {
  return withHost(command).option("-y, --yes", "do not ask").option("--dry-run", "show the plan, and do nothing");
}
