import type { Bar } from "../pci/bar.ts";
import { hex } from "../pci/bdf.ts";
import type { Bridge, Window } from "../pci/bridge.ts";
import type { DecodedFunction } from "../pci/decode.ts";
import { COMMON_HEADER } from "../pci/header.ts";
import { fieldsOnDemand } from "../pci/register.ts";
import { pciIds } from "./names.ts";
import { writeCapability, writeFields } from "./render-capability.ts";
import { paint } from "./terminal.ts";
import { TextWriter } from "./text-writer.ts";

const FLAG_FIELDS = {
  command: Object.keys(COMMON_HEADER.command.fields),
  status: Object.keys(COMMON_HEADER.status.fields),
};
/** Lines of flags by what the register reads, which is the same in most functions. */
const flagLines = new Map<string, string>();
const MOST_FLAG_LINES = 256;

/** Names that a host knows better than the registers of the function, as those of a VF. */
export interface Identity {
  readonly vendorId: number | undefined;
  readonly deviceId: number | undefined;
  /** What to say of the function besides, after its name. */
  readonly remark?: string;
}

/** One function for a person: what it is, then each capability with its registers by name. */
export function renderFunction(fn: DecodedFunction, identity: Identity, verbose = false): string {
  return `${renderHeadline(fn, identity)}\n${renderRegisters(fn, identity, verbose)}`;
}

/** All below the headline. */
export function renderRegisters(fn: DecodedFunction, identity: Identity, verbose = false): string {
  const out = new TextWriter();
  const subsystem = subsystemLine(fn, identity);
  if (subsystem) out.line(subsystem);
  for (const register of ["command", "status"] as const) out.text(flagLine(fn, register, verbose));
  if (fn.bridge) for (const line of bridgeLines(fn.bridge)) out.line(line);
  for (const bar of fn.bars ?? []) out.line(`  BAR ${bar.index}     ${barText(bar)}`);
  const header = fieldsOnDemand(fn.space, 0, fn.headerTables.at(-1) ?? COMMON_HEADER) as Readonly<
    Record<string, unknown>
  >;
  const rom = header.expansionRomAddress;
  if (typeof rom === "number" && rom !== 0) {
    out.line(`  ROM       ${hex(rom, 8)}${header.expansionRomEnable === true ? "" : " (disabled)"}`);
  }
  const pin = header.interruptPin;
  if (typeof pin === "number" && pin >= 1 && pin <= 4) {
    out.line(`  interrupt INT${"ABCD"[pin - 1]}, line ${header.interruptLine}`);
  }
  for (const capability of fn.capabilities) writeCapability(out, fn.space, capability, 2, verbose);
  for (const capability of fn.extendedCapabilities) writeCapability(out, fn.space, capability, 3, verbose);
  for (const { kind, message } of fn.problems) out.line(`  ${paint("bad", `! ${kind}`)} ${message}`);
  return out.all;
}

function flagLine(fn: DecodedFunction, register: "command" | "status", verbose: boolean): string {
  const { offset, width } = COMMON_HEADER[register];
  const key = `${register} ${verbose} ${fn.space.read(offset, width)}`;
  let text = flagLines.get(key);
  if (text === undefined) {
    const out = new TextWriter();
    out.begin(`  ${register.padEnd(10)}`);
    writeFields(out, FLAG_FIELDS[register], fn.header, verbose);
    out.end();
    text = out.all;
    if (flagLines.size < MOST_FLAG_LINES) flagLines.set(key, text);
  }
  return text;
}

/** The function's address, class, name and IDs. */
export function renderHeadline(fn: DecodedFunction, { vendorId, deviceId, remark }: Identity): string {
  const ids = pciIds();
  const kind = fn.classCode === null ? "unknown class" : (ids.deviceClass(fn.classCode) ?? "unknown class");
  const classDigits = fn.classCode === null ? "----" : hex(fn.classCode >>> 8, 4);
  const vendor = vendorId === undefined ? undefined : ids.vendor(vendorId);
  const device = vendorId === undefined || deviceId === undefined ? undefined : ids.device(vendorId, deviceId);
  const idText = `${vendorId === undefined ? "----" : hex(vendorId, 4)}:${deviceId === undefined ? "----" : hex(deviceId, 4)}`;
  const revision = fn.revisionId === null ? "" : ` (rev ${hex(fn.revisionId, 2)})`;
  const programming = fn.classCode === null ? undefined : ids.programmingInterface(fn.classCode);
  const name = [vendor, device].filter((part) => part !== undefined).join(" ") || "unknown device";
  return `${paint("strong", fn.bdf)} ${kind} [${classDigits}]: ${name} [${idText}]${revision}${programming ? ` (${programming})` : ""}${remark ? `, ${remark}` : ""}`;
}

function subsystemLine(
  { subsystemVendorId, subsystemId }: DecodedFunction,
  { vendorId, deviceId }: Identity,
): string | undefined {
  if (subsystemVendorId === null || subsystemId === null || (subsystemVendorId === 0 && subsystemId === 0))
    return undefined;
  const ids = pciIds();
  const name =
    vendorId === undefined || deviceId === undefined
      ? undefined
      : ids.subsystem(vendorId, deviceId, subsystemVendorId, subsystemId);
  const vendor = ids.vendor(subsystemVendorId) ?? "unknown vendor";
  return `  subsystem ${vendor}${name ? ` ${name}` : ""} [${hex(subsystemVendorId, 4)}:${hex(subsystemId, 4)}]`;
}

function bridgeLines({ primaryBus, secondaryBus, subordinateBus, windows }: Bridge): string[] {
  const lines = [
    `  buses     primary ${hex(primaryBus, 2)}, secondary ${hex(secondaryBus, 2)}, subordinate ${hex(subordinateBus, 2)}`,
  ];
  const names = { io: "I/O", memory: "memory", prefetchable: "prefetchable memory" };
  for (const kind of ["io", "memory", "prefetchable"] as const) {
    lines.push(`  window    ${names[kind]} ${windowText(windows[kind], kind === "io" ? 4 : 8)}`);
  }
  return lines;
}

function windowText(window: Window | null, digits: number): string {
  if (window === null) return paint("unsure", "not read");
  if (!window.open) return "closed";
  return `${hex(window.base, digits)}-${hex(window.limit, digits)}`;
}

function barText({ kind, address, is64, prefetchable }: Bar): string {
  if (kind === "io") return `I/O at ${hex(address, 4)}`;
  return `memory at ${hex(address, 8)} (${is64 ? "64" : "32"}-bit, ${prefetchable ? "" : "non-"}prefetchable)`;
}
