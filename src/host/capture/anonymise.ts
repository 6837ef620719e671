import type { CaptureEntry, CaptureManifest } from "../../kernel/port-capture.ts";
import { redactCommandLine } from "./command-line.ts";
import { Pseudonyms } from "./pseudonyms.ts";
import { redactConfig } from "./redact-config.ts";
import { Scrubber } from "./scrubber.ts";

/** What goes into a capture. */
interface Gathered {
  readonly entries: readonly CaptureEntry[];
  readonly unread: CaptureManifest["unread"];
  readonly presenceOnly: readonly string[];
}

const REDACTED = "REDACTED";

/**
 * Replaces what identifies a host: serial numbers in configuration spaces, hardware and IP addresses wherever they stand
 * (in names of interfaces and files, too), names of the host, mount points, and most of the kernel command line. Equal
 * things get equal replacements, the same in each capture of an unchanged host.
 * @param hostNames names of the host and its domain.
 */
export function anonymise({ entries, unread, presenceOnly }: Gathered, hostNames: readonly string[]): Gathered {
  const pseudonyms = new Pseudonyms();
  const inOrder = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  for (const entry of inOrder) {
    if (entry.kind !== "file" || !entry.path.endsWith("/address") || !entry.path.includes("/net/")) continue;
    pseudonyms.mac(decoder.decode(entry.content).trim().replaceAll(":", ""));
  }
  const scrubber = new Scrubber(pseudonyms, hostNames);
  // All of them must be known before the first is replaced: one may stand in another writing further up.
  for (const entry of inOrder)
    if (entry.kind === "file" && isText(entry.path)) scrubber.names(decoder.decode(entry.content));

  const changed = inOrder.map((entry): CaptureEntry => {
    const path = scrubber.names(entry.path);
    if (entry.kind === "folder") return { ...entry, path };
    if (entry.kind === "link") return { ...entry, path, target: scrubber.names(entry.target) };
    if (!isText(entry.path)) return { ...entry, path, content: redactConfig(entry.content) };
    const text = decoder.decode(entry.content);
    return { ...entry, path, content: encoder.encode(anonymiseText(entry.path, text, pseudonyms, scrubber)) };
  });
  return {
    entries: changed,
    unread: unread.map(({ path, errno }) => ({ path: scrubber.names(path), errno })),
    presenceOnly: presenceOnly.map((path) => scrubber.names(path)),
  };
}

function isText(path: string): boolean {
  return !path.endsWith("/config");
}

function anonymiseText(path: string, text: string, pseudonyms: Pseudonyms, scrubber: Scrubber): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  switch (path) {
    case "/proc/cmdline":
      return `${scrubber.text(redactCommandLine(text))}\n`;
    case "/proc/version":
      // Who built the kernel, and on which host.
      return scrubber.text(text.replace(/^(Linux version \S+) \([^)]*\)/, "$1"));
    case "/proc/net/route":
      return scrubber.text(mapLines(text, (line) => routeLine(line, pseudonyms)));
    case "/proc/net/ipv6_route":
      return scrubber.text(mapLines(text, (line) => columns(line, [0, 2, 4], (value) => ipv6(value, pseudonyms))));
    case "/proc/net/if_inet6":
      return scrubber.text(mapLines(text, (line) => columns(line, [0], (value) => ipv6(value, pseudonyms))));
    case "/proc/mounts":
      return anonymiseMounts(text);
    case "/proc/swaps":
      return mapLines(text, (line) => (/^\/dev\/[\w-]+\s/.test(line) ? line : line.replace(/^\/\S+/, `/${REDACTED}`)));
    case "/kernel.log":
      return scrubber.log(text);
    default:
      if (name === "phys_switch_id") return `${pseudonyms.switchId(text.trim())}\n`;
      // A version has dots as an IP address does.
      return name === "version" || name.startsWith("bios_") ? text : scrubber.text(text);
  }
}

/** Columns 1 and 2 are destination and gateway, 32 bits in hexadecimal, in the host's byte order. */
function routeLine(line: string, pseudonyms: Pseudonyms): string {
  return columns(line, [1, 2], (value) => {
    if (!/^[0-9A-F]{8}$/.test(value) || value === "00000000") return value;
    const octets = [...pseudonyms.ipv4(ipv4OfHex(value))].reverse();
    return octets.map((octet) => octet.toString(16).padStart(2, "0").toUpperCase()).join("");
  });
}

/** 32 digits; the default route stays, and the prefixes of local and multicast addresses. */
function ipv6(value: string, pseudonyms: Pseudonyms): string {
  if (!/^[0-9a-f]{32}$/.test(value) || /^0{31}[01]$/.test(value) || /^(?:fe80|ff0\d)0{28}$/.test(value)) return value;
  const made = pseudonyms.ipv6(value);
  return value.startsWith("fe80") ? `fe80${made.slice(4).replace(/^0db8/, "0000")}` : made;
}

/** `C0A80001` as little-endian hosts write 1.0.168.192. */
function ipv4OfHex(value: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(value.slice(at, at + 2), 16)).join(".");
}

/** Block devices that are mounted, on mount points without names: what tells that a namespace is in use. */
function anonymiseMounts(text: string): string {
  let count = 0;
  const kept = text.split("\n").flatMap((line) => {
    const [device = "", point = "", type = "", options = ""] = line.split(" ");
    if (!device.startsWith("/dev/")) return [];
    const plain = /^\/dev\/[\w-]+$/.test(device) ? device : `/dev/mapper/${REDACTED}-${++count}`;
    const where = /^\/(?:boot(?:\/efi)?)?$/.test(point) ? point : `/${REDACTED}/${++count}`;
    return `${plain} ${where} ${type} ${options.startsWith("ro") ? "ro" : "rw"} 0 0\n`;
  });
  return kept.join("");
}

function mapLines(text: string, change: (line: string) => string): string {
  return text.split("\n").map(change).join("\n");
}

/** Changes some columns of a line whose columns are separated by blanks or tabs, and leaves the blanks as they are. */
function columns(line: string, which: readonly number[], change: (value: string) => string): string {
  let column = -1;
  return line.replace(/\S+/g, (value) => {
    column++;
    return which.includes(column) ? change(value) : value;
  });
}
