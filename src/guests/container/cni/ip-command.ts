import { CniError } from "./cni-error.ts";
import { runProgram } from "./run-program.ts";

const DEADLINE_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** A command of ip(8), word by word. */
export type IpWords = readonly (string | number)[];

/** What ip wrote, or what it says of its first command that was refused. */
export type IpAnswer = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly words: string };

/** A word of a batch is read as a shell would: nothing of ours may have a blank or a quote in it. */
const WORD = /^[^\s"'\\#]+$/;

/**
 * Runs commands of ip(8) in one process, one after the other, up to the first that is refused.
 * @param netns path of the namespace to run them in; the host's where left out
 */
export function runIp(commands: readonly IpWords[], netns?: string): IpAnswer {
  const lines = commands.map((words) => words.map((word) => checked(String(word))).join(" "));
  const batch = ["-json", "-details", "-batch", "-"];
  // ip -n takes names below /run/netns alone; nsenter takes any path, and becomes ip.
  const [program, args] = netns === undefined ? ["ip", batch] : ["nsenter", [`--net=${netns}`, "ip", ...batch]];
  const { status, stdout, stderr, error } = runProgram(program, args, {
    input: `${lines.join("\n")}\n`,
    env: ENVIRONMENT,
    timeout: DEADLINE_MS,
    maxBuffer: OUTPUT_LIMIT_BYTES,
  });
  if (error) throw new CniError("notAvailable", `${program} cannot be run`, error.message);
  if (status === 0) return { ok: true, output: stdout };
  return { ok: false, words: wordsOf(stderr, lines) };
}

/** As {@link runIp}. @throws CniError where one is refused */
export function mustRunIp(what: string, commands: readonly IpWords[], netns?: string): string {
  const answer = runIp(commands, netns);
  if (answer.ok) return answer.output;
  throw new CniError("refused", what, answer.words);
}

/** One interface; where it is not there, what ip says of that. */
export function showLink(
  what: "link" | "address",
  name: string,
  netns?: string,
): { readonly link: Link | undefined; readonly words: string } {
  const answer = runIp([[what, "show", "dev", name]], netns);
  return answer.ok ? { link: linksIn(answer.output)[0], words: "" } : { link: undefined, words: answer.words };
}

/** The links that a batch of `link show` printed: an array of JSON each. */
export function linksIn(output: string): readonly Link[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("["))
    .flatMap((line) => JSON.parse(line) as readonly Link[])
    .filter(({ ifname }) => ifname !== undefined);
}

/** What `ip -json -details address show` has of an interface. */
export interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly parentdev?: string;
  /** Below it, in its own namespace: what a VLAN's or macvlan's interface has. */
  readonly link?: string;
  readonly master?: string;
  readonly vfinfo_list?: unknown;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

function checked(word: string): string {
  if (WORD.test(word)) return word;
  throw new CniError("invalidConfig", `${JSON.stringify(word)} cannot be told to ip(8)`);
}

/** Its words, and the command that they are about. */
function wordsOf(stderr: string, lines: readonly string[]): string {
  const at = /Command failed -:(\d+)/.exec(stderr)?.[1];
  const said = stderr
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("Command failed"))
    .join("; ");
  const command = at === undefined ? undefined : lines[Number(at) - 1];
  return command === undefined ? said : `ip ${command}: ${said}`;
}
