import { hex } from "./bdf.ts";

/** Keys of what was looked up: vendors are below all of these. */
const DEVICES = 2 ** 32;
const CLASSES = 2 ** 33;
const INTERFACES = 2 ** 34;

/**
 * Names from the text of pci.ids (pci-ids.ucw.cz). The text is searched as it is, once for each name that is asked for:
 * building an index would take longer than all look-ups of a host.
 */
export class PciIds {
  /** The version that the file's head states, as 2025.06.09. */
  readonly version: string | undefined;
  readonly #vendors: string;
  /** The list of classes, which follows that of vendors. */
  readonly #classes: string;
  readonly #names = new Map<number | string, string | undefined>();
  /** Where each vendor's and class's lines are. */
  readonly #blocks = new Map<string, string | undefined>();

  /**
   * @param text the whole file, newlines as `\n`, a character for each byte (`latin1`): names are decoded as they are asked
   * for, since decoding all of them takes longer than all look-ups.
   */
  constructor(text: string) {
    const classes = text.lastIndexOf("\nC 00  ");
    this.#vendors = classes === -1 ? text : text.slice(0, classes + 1);
    this.#classes = classes === -1 ? "" : text.slice(classes);
    this.version = /^#\s*Version:\s*(\S+)/m.exec(text.slice(0, 1024))?.[1];
  }

  vendor(vendorId: number): string | undefined {
    return this.#name(vendorId, () => this.#find(hex(vendorId, 4), []));
  }

  device(vendorId: number, deviceId: number): string | undefined {
    const key = DEVICES + vendorId * 0x1_0000 + deviceId;
    return this.#name(key, () => this.#find(hex(vendorId, 4), [hex(deviceId, 4)]));
  }

  /** The name of a board by its subsystem IDs, under the device that it carries. */
  subsystem(vendorId: number, deviceId: number, subsystemVendorId: number, subsystemId: number): string | undefined {
    const key = `${vendorId} ${deviceId} ${subsystemVendorId} ${subsystemId}`;
    const board = () => `${hex(subsystemVendorId, 4)} ${hex(subsystemId, 4)}`;
    return this.#name(key, () => this.#find(hex(vendorId, 4), [hex(deviceId, 4), board()]));
  }

  /** The most exact name of a class code (24 bits) down to its sub-class, as "Ethernet controller". */
  deviceClass(classCode: number): string | undefined {
    return this.#name(CLASSES + (classCode >>> 8), () => {
      const base = `C ${hex(classCode >>> 16, 2)}`;
      return this.#find(base, [hex((classCode >>> 8) & 0xff, 2)]) ?? this.#find(base, []);
    });
  }

  /** The programming interface's name, as "NVM Express". */
  programmingInterface(classCode: number): string | undefined {
    const below = () => [hex((classCode >>> 8) & 0xff, 2), hex(classCode & 0xff, 2)];
    return this.#name(INTERFACES + classCode, () => this.#find(`C ${hex(classCode >>> 16, 2)}`, below()));
  }

  #name(key: number | string, find: () => string | undefined): string | undefined {
    const known = this.#names.get(key);
    if (known !== undefined || this.#names.has(key)) return known;
    const name = find();
    this.#names.set(key, name);
    return name;
  }

  #find(top: string, below: readonly string[]): string | undefined {
    let block = this.#block(top);
    let label = top;
    for (const [depth, id] of below.entries()) {
      label = `${"\t".repeat(depth + 1)}${id}`;
      block = block === undefined ? undefined : blockOf(block, label, depth + 1);
    }
    return block && fromUtf8(block.slice(label.length + 2, block.indexOf("\n")));
  }

  #block(top: string): string | undefined {
    if (!this.#blocks.has(top)) {
      this.#blocks.set(top, blockOf(top.startsWith("C ") ? this.#classes : this.#vendors, top, 0));
    }
    return this.#blocks.get(top);
  }
}

/** Where a line begins that is indented by no more tabs than the index says, and is no comment. */
const LINE_AT_DEPTH = [
  /\n(?=[^\t#\n])/g,
  /\n(?=\t?[^\t#\n])/g,
  /\n(?=\t{0,2}[^\t#\n])/g,
  /\n(?=\t{0,3}[^\t#\n])/g,
] as const;

/** The line that begins with `label`, two blanks and its name, with the deeper lines that follow it. */
function blockOf(text: string, label: string, depth: number): string | undefined {
  const found = text.indexOf(`\n${label}  `);
  if (found === -1) return undefined;
  const next = LINE_AT_DEPTH[depth];
  if (!next) return undefined;
  next.lastIndex = found + 1;
  const end = next.exec(text)?.index ?? text.length - 1;
  // A slice shares the text's memory, and bounds every search in it.
  return text.slice(found + 1, end + 1);
}

/** Of a character for each byte. */
function fromUtf8(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}
