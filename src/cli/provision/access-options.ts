import { VfleetError } from "../../errors/vfleet-error.ts";
import type { HostOptions } from "../../fleet/host-setting.ts";

/** Which host a command is about: one that it opens itself, or one behind a server. */
export interface AccessOptions extends Omit<HostOptions, "source">, ServerOptions {
  readonly source?: string;
}

/** Which server, and which of its hosts. */
export interface ServerOptions {
  /** As `vfleet up` prints it. */
  readonly server?: string;
  readonly host?: string;
  readonly tokenFile?: string;
  /** The key of its certificate, as `vfleet up --tls-generate` prints it. */
  readonly pin?: string;
}

/** As of AccessOptions; of several sources. */
export type KernelOptions = ServerOptions & { readonly source?: string | readonly string[] };

/** The server that is meant: what is said on the command line counts before the environment. */
export function serverOf(
  options: ServerOptions & Pick<AccessOptions, "state" | "config"> & KernelOptions,
): string | undefined {
  const { server, source, state, config } = options;
  const isHere = source !== undefined || state !== undefined || config !== undefined;
  if (server !== undefined && isHere) {
    throw new VfleetError("VFL-0001", {
      message: "--server is instead of --source, --state and --config, which are the server's own",
      remedy: "name a host of the server with --host",
    });
  }
  const { VFLEET_SERVER: named } = process.env;
  return server ?? (isHere || named === "" ? undefined : named);
}

/** The same, to be typed again. */
export function accessWords({ source, server, host, tokenFile: token, pin }: AccessOptions): string {
  const words = { source: source === "linux" ? undefined : source, server, host, "token-file": token, pin };
  return Object.entries(words)
    .map(([name, value]) => (value === undefined ? "" : ` --${name} ${value}`))
    .join("");
}
