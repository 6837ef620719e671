import type { LinkChange, VfChange } from "../../kernel/port-link.ts";

/** What an `ip link` asks for. */
export type IpCommand =
  | { readonly kind: "show"; readonly dev: string | undefined; readonly options: IpOptions }
  | {
      readonly kind: "set";
      readonly dev: string;
      readonly links: readonly LinkChange[];
      readonly vfs: readonly VfChange[];
    }
  | { readonly kind: "wrong"; readonly text: string };

export interface IpOptions {
  readonly json: boolean;
  readonly details: boolean;
  readonly statistics: boolean;
  readonly pretty: boolean;
}

class Wrong extends Error {}

/** Reads the words of iproute2's `ip [-j] [-d] [-s] link [show | set] ...` (ip/ip.c, ip/iplink.c). */
export function parseIp(args: readonly string[]): IpCommand {
  try {
    return parse([...args]);
  } catch (error) {
    if (error instanceof Wrong) return { kind: "wrong", text: error.message };
    throw error;
  }
}

function parse(words: string[]): IpCommand {
  const given = { json: false, details: false, statistics: false, pretty: false };
  while (words[0]?.startsWith("-")) {
    const word = (words.shift() ?? "").replace(/^--?/, "");
    const name = (["json", "details", "statistics", "stats", "pretty"] as const).find(
      (each) => word !== "" && each.startsWith(word),
    );
    if (name === undefined) throw new Wrong(`Option "-${word}" is unknown, try "ip -help".`);
    given[name === "stats" ? "statistics" : name] = true;
  }
  const object = words.shift() ?? "";
  if (object === "" || !"link".startsWith(object)) {
    throw new Wrong(`Object "${object}" is unknown, try "ip help". (Here it is link.)`);
  }
  const verb = words.shift() ?? "show";
  if ("set".startsWith(verb)) return parseSet(words);
  if (!["show", "list", "lst"].some((each) => each.startsWith(verb))) {
    throw new Wrong(`Command "${verb}" is unknown, try "ip link help".`);
  }
  const [first, second] = words;
  return { kind: "show", dev: first === "dev" ? second : first, options: given };
}

function parseSet(words: string[]): IpCommand {
  let dev: string | undefined;
  const links: LinkChange[] = [];
  const vfs: VfChange[] = [];
  const next = (): string => {
    const word = words.shift();
    if (word === undefined) throw new Wrong('Command line is not complete. Try option "help"');
    return word;
  };
  while (words.length > 0) {
    const word = next();
    if (word === "up" || word === "down") links.push({ up: word === "up" });
    else if (word === "mtu") links.push({ mtu: count(next(), "mtu") });
    else if (word === "address") links.push({ mac: next() });
    else if (word === "name") links.push({ name: next() });
    else if (word === "vf") vfs.push(parseVf(count(next(), "vf"), words, next));
    else if (dev === undefined) dev = word === "dev" ? next() : word;
    else throw new Wrong(`Error: either "dev" is duplicate, or "${word}" is a garbage.`);
  }
  if (dev === undefined) throw new Wrong('Not enough information: "dev" argument is required.');
  return { kind: "set", dev, links, vfs };
}

/** `iplink_parse_vf`: settings up to a word that is none of a VF. */
function parseVf(vfIndex: number, words: string[], next: () => string): VfChange {
  let change: VfChange = { vfIndex };
  while (words.length > 0) {
    const word = words[0] ?? "";
    const read = VF_SETTINGS[word];
    if (read === undefined) break;
    words.shift();
    change = { ...change, ...read(next, words, change) };
  }
  return change;
}

const VF_SETTINGS: Readonly<
  Record<string, (next: () => string, words: string[], before: VfChange) => Omit<VfChange, "vfIndex">>
> = {
  mac: (next) => ({ mac: next() }),
  vlan(next, words) {
    let vlan: VfChange["vlan"] = { id: count(next(), "vlan") };
    while (words[0] === "qos" || words[0] === "proto") {
      if (words.shift() === "qos") vlan = { ...vlan, qos: count(next(), "qos") };
      else vlan = { ...vlan, protocol: protocol(next()) };
    }
    return { vlan };
  },
  rate: (next) => ({ txRateMbps: { max: count(next(), "rate") } }),
  max_tx_rate: (next, _words, before) => ({ txRateMbps: { ...before.txRateMbps, max: count(next(), "max_tx_rate") } }),
  min_tx_rate: (next, _words, before) => ({
    txRateMbps: { max: before.txRateMbps?.max ?? 0, min: count(next(), "min_tx_rate") },
  }),
  spoofchk: (next) => ({ spoofCheck: onOff(next(), "spoofchk") }),
  trust: (next) => ({ trust: onOff(next(), "trust") }),
  query_rss: (next) => ({ queryRss: onOff(next(), "query_rss") }),
  state(next) {
    const word = next();
    if (word !== "auto" && word !== "enable" && word !== "disable") throw invalid(word, "state");
    return { linkState: word };
  },
  node_guid: (next) => ({ nodeGuid: next() }),
  port_guid: (next) => ({ portGuid: next() }),
};

function count(word: string, what: string): number {
  const value = /^(?:0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
  if (!(value <= 0xffff_ffff)) throw invalid(word, what);
  return value;
}

function onOff(word: string, what: string): boolean {
  if (word !== "on" && word !== "off")
    throw new Wrong(`Error: argument of "${what}" must be "on" or "off", not "${word}"`);
  return word === "on";
}

function protocol(word: string): "802.1Q" | "802.1ad" {
  const found = (["802.1Q", "802.1ad"] as const).find((each) => each.toLowerCase() === word.toLowerCase());
  if (found === undefined) throw invalid(word, "proto");
  return found;
}

/** `invarg` of iproute2's lib/utils.c. */
function invalid(word: string, what: string): Wrong {
  return new Wrong(`Error: argument "${word}" is wrong: Invalid "${what}" value`);
}
