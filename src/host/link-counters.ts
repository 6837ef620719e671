import { isUnread, type Kernel, type Observed, unread } from "../kernel/port.ts";

/** What went through a network interface since it was made. */
export interface LinkCounters {
  readonly rxBytes: number;
  readonly rxPackets: number;
  /** Those that were missed among them. */
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txDropped: number;
}

const PATH = "/proc/net/dev";

/** What was counted of each interface of this network namespace, by name: one file has all of them. */
export async function readLinkCounters(kernel: Kernel): Promise<Observed<ReadonlyMap<string, LinkCounters>>> {
  const bytes = await kernel.read(PATH);
  return isUnread(bytes) ? bytes : parseLinkCounters(new TextDecoder().decode(bytes));
}

/** Of one interface. */
export function countersOf(all: Observed<ReadonlyMap<string, LinkCounters>>, name: string): Observed<LinkCounters> {
  if (isUnread(all)) return all;
  return all.get(name) ?? unread(PATH, "ENODATA", `it has no line of ${name}`);
}

/**
 * `Inter-|   Receive ...`, then a line for each interface: its name, and eight numbers for each direction, of which bytes, packets
 * and drops are the first, second and fourth (`dev_seq_printf_stats`, net/core/net-procfs.c).
 */
function parseLinkCounters(text: string): ReadonlyMap<string, LinkCounters> {
  const lines = text.split("\n").flatMap((line) => {
    const end = line.lastIndexOf(":");
    const numbers = line
      .slice(end + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    if (end < 0 || numbers.length < 12 || numbers.some(Number.isNaN)) return [];
    const [rxBytes = 0, rxPackets = 0, , rxDropped = 0, , , , , txBytes = 0, txPackets = 0, , txDropped = 0] = numbers;
    return [[line.slice(0, end).trim(), { rxBytes, rxPackets, rxDropped, txBytes, txPackets, txDropped }] as const];
  });
  return new Map(lines);
}
