import type { Pseudonyms } from "./pseudonyms.ts";

/** 6 octets or more with one separator: of Ethernet, a GUID, InfiniBand. */
const MAC = /\b[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4,18}\b/gi;
const DOTTED_MAC = /\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b/gi;
/** Names that systemd and rdma-core make from an address: enx001122334455, rocex0011220300334455. */
const NAMED_MAC = /\b((?:en|wl|ww|ib|sl|roce|iw|opa|hfi)\w{0,4}?x)([0-9a-f]{16}|[0-9a-f]{12})(?![0-9a-f])/g;
const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)/g;
/** A word before four numbers that makes them a version. */
const VERSION_BEFORE = /(?:version|ver|firmware|fw|nvm|driver|rev|v)[ .:=-]*$/i;
const IPV6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|(?:[0-9a-f]{1,4}:){1,7}:)(?![\w:.])/gi;
const HEX_RUN = /[0-9a-f]{12,}/gi;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const SERIAL = /\b((?:serial(?: ?(?:number|no\.?))?|S\/N|SN)\s*[:=]?\s+|(?:serial|sn)=)(?=\S*\d)\S+/gi;
const REDACTED = "REDACTED";
/** Names that many hosts have, or that are words of the log. */
const COMMON_NAMES = new Set(["localhost", "(none)", "linux", "host", "pci", "kernel", "vfio", "iommu"]);

/** Replaces addresses and names in text. */
export class Scrubber {
  readonly #pseudonyms: Pseudonyms;
  readonly #hostName: RegExp | undefined;

  constructor(pseudonyms: Pseudonyms, hostNames: readonly string[]) {
    this.#pseudonyms = pseudonyms;
    const names = hostNames
      .flatMap((name) => [name, name.split(".")[0] ?? name])
      .filter((name) => name.length > 1 && !COMMON_NAMES.has(name.toLowerCase()))
      .sort((a, b) => b.length - a.length)
      .map((name) => name.replace(/[^\w]/g, "\\$&"));
    this.#hostName = names.length === 0 ? undefined : new RegExp(`(?<![\\w-])(?:${names.join("|")})(?![\\w-])`, "gi");
  }

  /** In a path, a link's target, the name of an interface. */
  names(text: string): string {
    return this.#knownMacs(this.#macs(text));
  }

  /** In an attribute: hardware addresses, UUIDs, serial numbers, the host's names. */
  text(text: string): string {
    let clean = this.#macs(text).replace(UUID, REDACTED).replace(SERIAL, `$1${REDACTED}`);
    clean = clean.replace(IPV6, (address) => (address === "::" ? address : this.#ipv6(address)));
    clean = clean.replace(IPV4, (address, at: number) => this.#ipv4(address, clean.slice(Math.max(0, at - 16), at)));
    if (this.#hostName) clean = clean.replace(this.#hostName, REDACTED);
    return this.#knownMacs(clean);
  }

  /** In the kernel log, line by line. */
  log(text: string): string {
    return text
      .split("\n")
      .map((line) => this.text(line))
      .join("\n");
  }

  #macs(text: string): string {
    const colons = text.replace(MAC, (address, separator: string) => {
      const made = this.#pseudonyms.mac(address.replaceAll(separator, ""));
      return (made.match(/../g) ?? []).join(separator);
    });
    return colons
      .replace(DOTTED_MAC, (address) =>
        (this.#pseudonyms.mac(address.replaceAll(".", "")).match(/..../g) ?? []).join("."),
      )
      .replace(NAMED_MAC, (_, kind: string, digits: string) => kind + this.#pseudonyms.mac(digits));
  }

  /** Addresses that are known by now, wherever they stand without separators, or as the EUI-64 that is made of one. */
  #knownMacs(text: string): string {
    return text.replace(HEX_RUN, (run) => {
      const digits = run.toLowerCase();
      for (const length of [16, 12]) {
        for (let at = 0; at + length <= digits.length; at++) {
          const made = this.#written(digits.slice(at, at + length));
          if (made !== undefined) return run.slice(0, at) + made + run.slice(at + length);
        }
      }
      return run;
    });
  }

  #written(digits: string): string | undefined {
    // Most of a number's digits are zeros, and so are some addresses'.
    if (/^(?:0{6}|f{6})/.test(digits)) return undefined;
    const { macs } = this.#pseudonyms;
    const plain = macs.get(digits);
    if (plain !== undefined || digits.slice(6, 10) !== "fffe") return plain;
    // EUI-64, with the universal bit as it is or inverted (RFC 4291, appendix A).
    const mac = digits.slice(0, 6) + digits.slice(10);
    const made = macs.get(mac) ?? macs.get(inverted(mac));
    return made === undefined ? undefined : `${made.slice(0, 6)}fffe${made.slice(6)}`;
  }

  #ipv4(address: string, before: string): string {
    const octets = address.split(".").map(Number);
    const isAddress = octets.every((octet) => octet <= 255) && !VERSION_BEFORE.test(before);
    if (!isAddress || /^(?:0\.0\.0\.0|127\.|255\.)/.test(address)) return address;
    return this.#pseudonyms.ipv4(address).join(".");
  }

  #ipv6(address: string): string {
    return (this.#pseudonyms.ipv6(address.toLowerCase()).match(/..../g) ?? []).join(":");
  }
}

function inverted(mac: string): string {
  return (Number.parseInt(mac.slice(0, 2), 16) ^ 2).toString(16).padStart(2, "0") + mac.slice(2);
}
