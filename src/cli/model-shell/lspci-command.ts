import { type HostFunction, readInventory } from "../../host/inventory.ts";
import { isUnread, known } from "../../kernel/port.ts";
import { hex } from "../../pci/bdf.ts";
import { pciIds } from "../names.ts";
import { renderHeadline, renderRegisters } from "../render-function.ts";
import { type Answer, good, wrong } from "./answer.ts";
import type { ShellState } from "./shell-state.ts";

const ROW_BYTES = 16;
const HEADER_BYTES = 64;
const CONVENTIONAL_BYTES = 256;

/** `lspci [-D] [-n] [-nn] [-k] [-v] [-x...] [-s SLOT]`: lines as pciutils prints them; with -v the registers, by vfleet's decoder. */
export async function lspci({ machine }: ShellState, args: readonly string[]): Promise<Answer> {
  let slot: string | undefined;
  let letters = "";
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "-s") slot = args[++at];
    else if (/^-s./.test(arg)) slot = arg.slice(2);
    else if (/^-[Dnkvx]+$/.test(arg)) letters += arg.slice(1);
    else return wrong(`lspci: ${arg} is not understood here: -D -n -nn -k -v -x -s SLOT`);
  }
  const matches = slotFilter(slot);
  if (matches === undefined) return wrong(`lspci: -s: Invalid slot number ${slot}`);
  const count = (letter: string) => letters.split(letter).length - 1;
  const { functions } = await readInventory(machine.kernel);
  const shown = [...functions.values()].filter(({ bdf }) => matches(bdf));
  const blocks: string[] = [];
  for (const fn of shown) {
    let text = count("v") > 0 ? verbose(fn, count("v")) : oneLine(fn, count("n"), letters.includes("D"));
    if (count("k") > 0 && count("v") === 0 && known(fn.driver)) text += `\tKernel driver in use: ${known(fn.driver)}\n`;
    if (count("x") > 0) text += await dump(machine.kernel, fn, count("x"));
    blocks.push(text);
  }
  // A block each where there is more than a line.
  const apart = count("v") > 0 || count("x") > 0;
  return good(blocks.map((block) => (apart ? `${block}\n` : block)).join(""));
}

/** `01:00.0 Ethernet controller [0200]: Intel Corporation 82576 … [8086:10c9] (rev 01)` */
function oneLine(fn: HostFunction, numbers: number, domain: boolean): string {
  const { bdf, decoded } = fn;
  const ids = pciIds();
  const vendorId = known(fn.vendorId);
  const deviceId = known(fn.deviceId);
  const classCode = decoded.classCode ?? 0;
  const classDigits = hex(classCode >>> 8, 4);
  const idDigits = `${hex(vendorId ?? 0xffff, 4)}:${hex(deviceId ?? 0xffff, 4)}`;
  const revision = decoded.revisionId ? ` (rev ${hex(decoded.revisionId, 2)})` : "";
  const address = domain ? bdf : bdf.replace(/^0000:/, "");
  if (numbers === 1) return `${address} ${classDigits}: ${idDigits}${revision}\n`;
  const kind = ids.deviceClass(classCode) ?? `Class ${classDigits}`;
  const vendor = (vendorId === undefined ? undefined : ids.vendor(vendorId)) ?? `Vendor ${hex(vendorId ?? 0xffff, 4)}`;
  const device =
    (vendorId === undefined || deviceId === undefined ? undefined : ids.device(vendorId, deviceId)) ??
    `Device ${hex(deviceId ?? 0xffff, 4)}`;
  return numbers > 1
    ? `${address} ${kind} [${classDigits}]: ${vendor} ${device} [${idDigits}]${revision}\n`
    : `${address} ${kind}: ${vendor} ${device}${revision}\n`;
}

function verbose(fn: HostFunction, count: number): string {
  const { node, decoded } = fn;
  const remark = node.vf ? { remark: `VF ${node.vf.index} of ${node.vf.physfn}` } : {};
  const identity = { vendorId: known(fn.vendorId), deviceId: known(fn.deviceId), ...remark };
  const registers = renderRegisters(decoded, identity, count > 1);
  const driver = known(fn.driver);
  return `${renderHeadline(decoded, identity)}\n${registers}${driver ? `  driver    ${driver}\n` : ""}`;
}

/** The bytes as `lspci -x`, -xxx and -xxxx print them: header, conventional, all. */
async function dump(kernel: ShellState["machine"]["kernel"], { bdf }: HostFunction, letters: number): Promise<string> {
  const limit = letters < 3 ? HEADER_BYTES : letters === 3 ? CONVENTIONAL_BYTES : undefined;
  const bytes = await kernel.read(`/sys/bus/pci/devices/${bdf}/config`, limit);
  if (isUnread(bytes)) return `lspci: ${bdf}: ${bytes.reason}\n`;
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = [...bytes.subarray(at, at + ROW_BYTES)].map((byte) => hex(byte, 2)).join(" ");
    rows.push(`${hex(at, 2)}: ${row}\n`);
  }
  return rows.join("");
}

/** `[[DOMAIN:]BUS:][DEVICE][.FUNCTION]`, each of which may be left out or `*`. */
function slotFilter(slot: string | undefined): ((bdf: string) => boolean) | undefined {
  if (slot === undefined) return () => true;
  const parts = /^(?:(?:([0-9a-f]{1,4}|\*):)?([0-9a-f]{1,2}|\*)?:)?([0-9a-f]{1,2}|\*)?(?:\.([0-7]|\*))?$/i.exec(slot);
  if (parts === null) return undefined;
  const wanted = parts
    .slice(1)
    .map((part) => (part === undefined || part === "*" ? undefined : Number.parseInt(part, 16)));
  return (bdf) => {
    const have = bdf.split(/[:.]/).map((part) => Number.parseInt(part, 16));
    return wanted.every((part, index) => part === undefined || part === have[index]);
  };
}
