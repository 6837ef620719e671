import { type Observed, unread } from "../port.ts";
import {
  type LinkChange,
  linkChangeProblem,
  type VfChange,
  type VfOutcome,
  type VfSettingName,
  vfSettingProblem,
  vfSettings,
} from "../port-link.ts";
import { type Done, failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import { errnoOfMessage } from "./errno-text.ts";
import type { Programs } from "./program.ts";

/**
 * `dev_valid_name` (net/core/dev.c), and up to 127 bytes for an alternative name; without what is special in a batch of
 * `ip`, which nobody has in a name.
 */
const WRITABLE_NAME = /^(?!\.{1,2}$)[^\s/:#'"\\\p{Cc}]{1,127}$/u;

/**
 * Refusals in words by the network core, of which iproute2 then shows the words alone: `rtnl_talk_error` in
 * lib/libnetlink.c, `dev_validate_mtu` in net/core/dev.c.
 */
const ERRNO_OF_WORDS: Readonly<Record<string, string>> = {
  "mtu less than device minimum": "EINVAL",
  "mtu greater than device maximum": "EINVAL",
};

/**
 * What iproute2 prints of one network interface, as JSON, its VFs and their counters included. The kernel answers only
 * when it gets the RTNL, so there is a deadline.
 */
export async function readIpLink(programs: Programs, netdev: string): Promise<Observed<string>> {
  const command = ["ip", "-json", "-details", "-statistics", "link", "show", "dev", netdev] as const;
  const path = command.join(" ");
  const end = await programs.read(command);
  if ("notStarted" in end) return unread(path, end.notStarted, end.reason);
  if (end.exitCode === 0) return end.stdout.toString();
  const { errno, reason } = refusal(end.stderr);
  return unread(path, errno ?? "ENODEV", reason || "ip could not read the interface");
}

export async function setLink(
  programs: Programs,
  netdev: string,
  change: LinkChange,
  waiting?: Waiting,
): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const [[setting, value] = ["", ""]] = Object.entries(change);
  const target = `${netdev} ${setting}`;
  const problem = nameProblem(netdev) ?? linkChangeProblem(change);
  if (problem !== undefined) return failed(target, String(value), problem.errno, problem.reason);
  const command = ["ip", "link", "set", "dev", netdev, ...linkWords(change)] as const;
  return programs.change(target, command, "", waiting, (end): Outcome => {
    if ("notStarted" in end) return failed(target, String(value), null, end.reason);
    if (end.exitCode === 0) return { kind: "done", tookMs: end.tookMs };
    const { errno, reason } = refusal(end.stderr);
    return failed(target, String(value), errno, reason);
  });
}

/**
 * All settings by one `ip`, each in a message of its own: only so does the kernel's answer belong to one of them.
 * Messages are cheap, processes are not.
 */
export async function setVfs(
  programs: Programs,
  netdev: string,
  changes: readonly VfChange[],
  waiting?: Waiting,
): Promise<Within<readonly VfOutcome[]>> {
  waiting?.signal?.throwIfAborted();
  const noName = nameProblem(netdev);
  let line = 0;
  const settings = vfSettings(changes).map(({ change, setting }) => {
    const problem = noName ?? vfSettingProblem(change, setting);
    return { change, setting, problem, words: vfWords(change, setting), line: problem === undefined ? ++line : 0 };
  });
  const input = settings
    .filter(({ problem }) => problem === undefined)
    .map(({ change, words }) => `link set dev ${netdev} vf ${change.vfIndex} ${words.join(" ")}\n`)
    .join("");

  function answers(outcomeOfLine: (line: number) => Done | Refusal): readonly VfOutcome[] {
    return settings.map(({ change: { vfIndex }, setting, words, problem, line }) => {
      const outcome = problem ?? outcomeOfLine(line);
      if ("kind" in outcome) return { vfIndex, setting, outcome };
      const target = `${netdev} vf ${vfIndex} ${setting}`;
      return { vfIndex, setting, outcome: failed(target, words.slice(1).join(" "), outcome.errno, outcome.reason) };
    });
  }

  // Nothing to ask: every answer is a problem, and there is no line.
  if (input === "") return answers(() => ({ errno: null, reason: "" }));
  return programs.change(netdev, ["ip", "-force", "-batch", "-"], input, waiting, (end) => {
    if ("notStarted" in end) return answers(() => ({ errno: null, reason: end.reason }));
    const refusals = batchRefusals(end.stderr);
    const complete = end.exitCode === (refusals.size === 0 ? 0 : 1);
    const rest: Done | Refusal = complete
      ? { kind: "done", tookMs: end.tookMs }
      : { errno: null, reason: `ip ended early; whether it was set is not known: ${lastLine(end.stderr)}` };
    return answers((line) => refusals.get(line) ?? rest);
  });
}

interface Refusal {
  readonly errno: string | null;
  readonly reason: string;
}

function linkWords(change: LinkChange): readonly string[] {
  if ("up" in change) return [change.up ? "up" : "down"];
  if ("mtu" in change) return ["mtu", String(change.mtu)];
  return "mac" in change ? ["address", change.mac] : ["name", change.name];
}

/** One message to the kernel, in the words of iproute2's `iplink_parse_vf` (ip/iplink.c). */
function vfWords(change: VfChange, setting: VfSettingName): readonly string[] {
  const { mac = "", vlan, txRateMbps: rate, linkState = "", nodeGuid = "", portGuid = "" } = change;
  switch (setting) {
    case "mac":
      return ["mac", mac];
    case "vlan": {
      const words = ["vlan", String(vlan?.id), "qos", String(vlan?.qos ?? 0)];
      return vlan?.protocol === "802.1ad" ? [...words, "proto", vlan.protocol] : words;
    }
    case "txRateMbps":
      // With min_tx_rate or max_tx_rate alone `ip` would ask the kernel for all links to find the other one.
      if (rate?.min === undefined) return ["rate", String(rate?.max)];
      return ["max_tx_rate", String(rate.max), "min_tx_rate", String(rate.min)];
    case "spoofCheck":
      return ["spoofchk", onOff(change.spoofCheck)];
    case "linkState":
      return ["state", linkState];
    case "queryRss":
      return ["query_rss", onOff(change.queryRss)];
    case "trust":
      return ["trust", onOff(change.trust)];
    case "nodeGuid":
      return ["node_guid", nodeGuid];
    case "portGuid":
      return ["port_guid", portGuid];
  }
}

function onOff(value: boolean | undefined): string {
  return value ? "on" : "off";
}

function nameProblem(netdev: string): Refusal | undefined {
  if (WRITABLE_NAME.test(netdev)) return undefined;
  return { errno: "ENODEV", reason: `${JSON.stringify(netdev)} is no name of a network device` };
}

/** By line of a batch, what `ip` said before "Command failed -:LINE" (`do_batch` in lib/utils.c). */
function batchRefusals(stderr: string): ReadonlyMap<number, Refusal> {
  const refusals = new Map<number, Refusal>();
  let from = 0;
  for (const match of stderr.matchAll(/^Command failed -:(\d+)$/gm)) {
    refusals.set(Number(match[1]), refusal(stderr.slice(from, match.index)));
    from = match.index + match[0].length;
  }
  return refusals;
}

/** What `ip` says last; before it may stand a warning, of the kernel for a message that it took. */
function refusal(stderr: string): Refusal {
  const text = lastLine(stderr);
  if (/^(?:Cannot find device|Device ".*" does not exist)/.test(text)) return { errno: "ENODEV", reason: text };
  const words = /^Error: (.*?)\.?$/.exec(text)?.[1];
  if (words !== undefined) return { errno: ERRNO_OF_WORDS[words] ?? null, reason: words };
  const errno = errnoOfMessage(text);
  return errno === undefined ? { errno: null, reason: text } : { errno, reason: `the kernel answered ${errno}` };
}

function lastLine(stderr: string): string {
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}
