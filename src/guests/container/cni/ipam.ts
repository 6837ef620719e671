import { existsSync } from "node:fs";
import { join } from "node:path";
import { CNI_CODES, CniError } from "./cni-error.ts";
import type { Call, Configuration } from "./configuration.ts";
import { runProgram } from "./run-program.ts";

/** What an IPAM plugin gives; addresses as CNI 1.0 has them, those of 0.4 with a `version` besides. */
export interface IpamResult {
  readonly ips: readonly { readonly address: string; readonly gateway?: string; readonly version?: string }[];
  readonly routes: readonly {
    readonly dst: string;
    readonly gw?: string;
    readonly mtu?: number;
    readonly advmss?: number;
    readonly priority?: number;
    readonly table?: number;
    readonly scope?: number;
  }[];
  readonly dns: object | undefined;
}

/** A version that it does not know, or a command, or a container, which these commands have none. */
const OLDER_PLUGIN: readonly number[] = [
  CNI_CODES.incompatibleVersion,
  CNI_CODES.unknownContainer,
  CNI_CODES.invalidEnvironment,
];
const DEADLINE_MS = 60_000;
const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Has the IPAM plugin do its part, with the call's own environment and configuration (CNI specification 1.1, section 4).
 * @throws CniError with the plugin's own words
 */
export function callIpam(
  command: Call["command"],
  { containerId, netns, ifname, path }: Omit<Call, "command" | "mac">,
  { ipam, raw }: Pick<Configuration, "ipam" | "raw">,
): IpamResult {
  if (ipam === undefined) return { ips: [], routes: [], dns: undefined };
  const program = path.map((folder) => join(folder, ipam.type)).find((each) => existsSync(each));
  if (program === undefined) {
    throw new CniError(
      "invalidConfig",
      `ipam.type: no plugin ${ipam.type} in ${path.join(":") || "CNI_PATH, which is empty"}`,
    );
  }
  const { status, stdout, stderr, error } = runProgram(program, [], {
    input: JSON.stringify(raw),
    timeout: DEADLINE_MS,
    maxBuffer: OUTPUT_LIMIT_BYTES,
    env: {
      ...process.env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_PATH: path.join(":"),
    },
  });
  // A plugin need not read what it is told.
  const isUnread = status !== null && (error as NodeJS.ErrnoException | undefined)?.code === "EPIPE";
  if (error && !isUnread) throw new CniError("io", `the IPAM plugin ${ipam.type} cannot be run`, error.message);
  if (status !== 0) {
    type Told = { readonly code?: number; readonly msg?: string; readonly details?: string };
    const { code = 0, msg = "", details = "" } = parse(stdout) as Told;
    // Of a version before 1.1, which has neither.
    const isUnknown = (command === "GC" || command === "STATUS") && OLDER_PLUGIN.includes(code);
    if (isUnknown) return { ips: [], routes: [], dns: undefined };
    const why = msg || `it ended with ${status}`;
    throw new CniError("refused", `the IPAM plugin ${ipam.type} failed: ${why}`, details || stderr.trim());
  }
  const { ips = [], routes = [], dns } = parse(stdout) as Partial<IpamResult>;
  return { ips, routes, dns };
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
