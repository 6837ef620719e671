import { type Observed, unread } from "../port.ts";
import type { Devlink, DevlinkRateChange } from "../port-devlink.ts";
import { failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import {
  parseDevices,
  parseEswitch,
  parseHealth,
  parseInfo,
  parseParams,
  parsePorts,
  parseRates,
} from "./devlink-json.ts";
import { errnoOfMessage } from "./errno-text.ts";
import type { Programs } from "./program.ts";

const DEVICE = /^[a-z0-9_]+\/[^\s/]+$/i;
const PORT = /^[a-z0-9_]+\/[^\s/]+\/\d+$/i;
/** `dl_argv_handle_rate_node` of devlink/devlink.c: a number would be a port. */
const NODE = /^[a-z0-9_]+\/[^\s/]+\/(?!\d+$)[^\s/]+$/i;
const NAME = /^[^\s/-][^\s/]*$/;

/** By iproute2's `devlink`, syntax and JSON as of 6.1 and after (devlink/devlink.c). */
export function devlinkBy(programs: Programs): Devlink {
  return {
    devices: () => ask(programs, ["dev", "show"], parseDevices),
    info: (device) => askOf(programs, device, ["dev", "info"], parseInfo),
    eswitch: (device) => askOf(programs, device, ["dev", "eswitch", "show"], parseEswitch),
    ports: () => ask(programs, ["port", "show"], parsePorts),
    rates: () => ask(programs, ["port", "function", "rate", "show"], parseRates),
    params: () => ask(programs, ["dev", "param", "show"], parseParams),
    health: () => ask(programs, ["health", "show"], parseHealth),

    setEswitch(device, change, waiting) {
      const words =
        "mode" in change
          ? ["mode", change.mode]
          : "inlineMode" in change
            ? ["inline-mode", change.inlineMode]
            : ["encap-mode", change.encapMode];
      return tell(programs, ["dev", "eswitch", "set"], DEVICE, device, words, waiting);
    },

    setPortFunction(port, change, waiting) {
      const words =
        "hwAddress" in change
          ? ["hw_addr", change.hwAddress]
          : "state" in change
            ? ["state", change.state]
            : "roce" in change
              ? ["roce", enabled(change.roce)]
              : ["migratable", enabled(change.migratable)];
      return tell(programs, ["port", "function", "set"], PORT, port, words, waiting);
    },

    addRate: (node, change, waiting) =>
      tell(programs, ["port", "function", "rate", "add"], NODE, node, rateWords(change), waiting),
    setRate(object, change, waiting) {
      const form = PORT.test(object) ? PORT : NODE;
      return tell(programs, ["port", "function", "rate", "set"], form, object, rateWords(change), waiting);
    },
    deleteRate: (node, waiting) => tell(programs, ["port", "function", "rate", "del"], NODE, node, [], waiting),

    setParam(device, { name, value, mode }, waiting) {
      const words = ["name", name, "value", String(value), "cmode", mode];
      return tell(programs, ["dev", "param", "set"], DEVICE, device, words, waiting);
    },

    reload(device, { action, noReset = false }, waiting) {
      const words = [...(action === undefined ? [] : ["action", action]), ...(noReset ? ["limit", "no_reset"] : [])];
      return tell(programs, ["dev", "reload"], DEVICE, device, words, waiting);
    },
  };
}

async function ask<T>(
  programs: Programs,
  words: readonly string[],
  parse: (json: unknown) => T | undefined,
): Promise<Observed<T>> {
  const command = ["devlink", "-j", ...words] as const;
  const path = command.join(" ");
  const end = await programs.read(command);
  if ("notStarted" in end) return unread(path, end.notStarted, end.reason);
  if (end.exitCode !== 0) {
    const { errno, reason } = refusal(end.stderr);
    return unread(path, errno ?? "EIO", reason);
  }
  const value = parse(parsed(end.stdout.toString()));
  return value === undefined ? unread(path, "EPROTO", "devlink printed something else than was asked for") : value;
}

async function askOf<T>(
  programs: Programs,
  device: string,
  words: readonly string[],
  parse: (json: unknown, device: string) => T | undefined,
): Promise<Observed<T>> {
  if (!DEVICE.test(device)) return unread(`devlink ${words.join(" ")}`, "ENODEV", `${device} is no devlink device`);
  return ask(programs, [...words, device], (json) => parse(json, device));
}

async function tell(
  programs: Programs,
  words: readonly string[],
  form: RegExp,
  object: string,
  change: readonly string[],
  waiting: Waiting | undefined,
): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const target = `${object} ${words.join(" ")}`;
  const value = change.join(" ");
  if (!form.test(object))
    return failed(target, value, "ENODEV", `${JSON.stringify(object)} is no such object of devlink`);
  // Values stand alone in the argument array; one that is empty, or is an option, is none.
  if (!change.every((word) => NAME.test(word) || /^-?\d+$/.test(word))) {
    return failed(target, value, "EINVAL", `${JSON.stringify(value)} is no value for devlink`);
  }
  return programs.change(target, ["devlink", ...words, object, ...change], "", waiting, (end): Outcome => {
    if ("notStarted" in end) return failed(target, value, null, end.reason);
    if (end.exitCode === 0) return { kind: "done", tookMs: end.tookMs };
    const { errno, reason } = refusal(end.stderr);
    return failed(target, value, errno, reason);
  });
}

/** Rates in bytes a second, which iproute2 writes "Bps" (lib/utils_math.c). */
function rateWords({ txShare, txMax, txPriority, txWeight, parent }: DevlinkRateChange): readonly string[] {
  return [
    ...(txShare === undefined ? [] : ["tx_share", `${txShare}Bps`]),
    ...(txMax === undefined ? [] : ["tx_max", `${txMax}Bps`]),
    ...(txPriority === undefined ? [] : ["tx_priority", String(txPriority)]),
    ...(txWeight === undefined ? [] : ["tx_weight", String(txWeight)]),
    ...(parent === undefined ? [] : parent === null ? ["noparent"] : ["parent", parent]),
  ];
}

function enabled(value: boolean): string {
  return value ? "enable" : "disable";
}

/** The kernel's words, if any, come first: `Error: TEXT.`, then `kernel answers: ERRNO` (lib/mnl_utils.c). */
function refusal(stderr: string): { readonly errno: string | null; readonly reason: string } {
  // What `ctrl_getfamily` answers of a family that is not there (net/netlink/genetlink.c).
  if (/Failed to connect to devlink Netlink/.test(stderr)) {
    return { errno: "ENOENT", reason: "this kernel has no devlink" };
  }
  // devlink's own, before the kernel (`cmd_port_fn_rate_set`).
  if (stderr.startsWith("Invalid. Expected tx_share")) return { errno: "EINVAL", reason: "tx_share is above tx_max" };
  const answer = /^(?:kernel|devlink) answers: (.*)$/m.exec(stderr)?.[1];
  const words = /^Error: (.*?)\.?$/m.exec(stderr)?.[1];
  const errno = answer === undefined ? null : (errnoOfMessage(answer) ?? null);
  return { errno, reason: words ?? (errno === null ? stderr.trim() : `the kernel answered ${errno}`) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
