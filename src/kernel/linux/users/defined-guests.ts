import { closeSync, openSync, readdirSync } from "node:fs";
import { type Bdf, parseBdf } from "../../../pci/bdf.ts";
import type { DefinedGuest, UseGap } from "../../port-use-facts.ts";
import { readFile } from "../../read-file.ts";

/** Where libvirt's QEMU driver keeps the domains that are defined, running or not. */
const FOLDER = "/etc/libvirt/qemu";
const FILE_LIMIT_BYTES = 1024 * 1024;

/**
 * The domains that libvirt has defined, with the functions that they name: what `virsh dumpxml --inactive` gives, without
 * starting libvirt, which is not there where its files are mounted into a container. One that takes any VF of a network
 * names none until it runs; then a process has it open.
 */
export async function readDefinedGuests(
  prefix: string,
): Promise<{ readonly guests: readonly DefinedGuest[]; readonly gaps: readonly UseGap[] }> {
  const guests: DefinedGuest[] = [];
  const gaps: UseGap[] = [];

  function failed(path: string, error: unknown): void {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    const reason = `domains of libvirt cannot be looked at: ${code} for ${path}`;
    gaps.push({ way: "definedGuests", errno: code, reason });
  }

  let names: string[] = [];
  try {
    names = readdirSync(prefix + FOLDER).filter((name) => name.endsWith(".xml"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") failed(FOLDER, error);
  }
  for (const name of names) {
    const path = `${FOLDER}/${name}`;
    try {
      const guest = await parseDomain(textOf(prefix + path));
      if (typeof guest === "string") {
        gaps.push({ way: "definedGuests", errno: "EINVAL", reason: `${path} is not understood: ${guest}` });
      } else guests.push({ ...guest, path });
    } catch (error) {
      // It was undefined meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") failed(path, error);
    }
  }
  return { guests, gaps };
}

function textOf(path: string): string {
  const fd = openSync(path, "r");
  try {
    return Buffer.from(readFile(fd, FILE_LIMIT_BYTES)).toString("utf8");
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a domain's names and the addresses of its PCI devices: `<address>` in the `<source>` of a `<hostdev>` or of an
 * `<interface>` (libvirt's formatdomain).
 * @returns what is wrong with the XML, where something is.
 */
export async function parseDomain(xml: string): Promise<Omit<DefinedGuest, "path"> | string> {
  // Few hosts have a domain to read, and every start would load it.
  const { SaxesParser } = await import("saxes");
  const parser = new SaxesParser({ xmlns: false });
  const open: string[] = [];
  const functions: Bdf[] = [];
  let problem: string | undefined;
  let name: string | undefined;
  let uuid: string | undefined;
  parser.on("error", (error) => {
    problem ??= error.message;
  });
  parser.on("opentag", ({ name: tag, attributes }) => {
    const where = open.slice(-3).join("/");
    open.push(tag);
    if (tag !== "address" || !/^devices\/(?:hostdev|interface)\/source$/.test(where)) return;
    const address = addressOf(attributes);
    if (address !== undefined) functions.push(address);
  });
  parser.on("text", (text) => {
    const path = open.join("/");
    if (path === "domain/name") name = text.trim();
    if (path === "domain/uuid") uuid = text.trim();
  });
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(xml).close();
  if (problem !== undefined) return problem;
  if (name === undefined) return "it names no domain";
  return { name, uuid, functions };
}

/** Numbers as `0x0a` or decimal; a mediated device has a UUID instead, and a device of another bus other numbers. */
function addressOf({ domain = "0", bus, slot, function: fn }: Readonly<Record<string, string>>): Bdf | undefined {
  if (bus === undefined || slot === undefined || fn === undefined) return undefined;
  const [d, b, s, f] = [domain, bus, slot, fn].map((text) => Number(text).toString(16));
  return parseBdf(`${d}:${b}:${s}.${f}`);
}
