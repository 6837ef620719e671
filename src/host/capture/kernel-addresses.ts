import type { CaptureEntry } from "../../kernel/port-capture.ts";

/**
 * Takes out where the kernel itself lies in memory, which root may read and which would help an attacker of the running
 * host: the last column of /proc/modules, and the kernel's lines in /proc/iomem. Of /proc/meminfo the memory and the
 * huge pages stay.
 */
export function withoutKernelAddresses(entries: readonly CaptureEntry[]): CaptureEntry[] {
  return entries.map((entry) => {
    const change = entry.kind === "file" ? CHANGES[entry.path] : undefined;
    if (entry.kind !== "file" || change === undefined) return entry;
    const lines = new TextDecoder().decode(entry.content).split("\n");
    return { ...entry, content: new TextEncoder().encode(lines.flatMap(change).join("\n")) };
  });
}

const CHANGES: Readonly<Record<string, (line: string) => string | never[]>> = {
  "/proc/modules": (line) => line.replace(/\b0x[0-9a-f]{8,16}\b/, "0x0000000000000000"),
  "/proc/iomem": (line) => (/ : Kernel /.test(line) ? [] : line),
  "/proc/meminfo": (line) =>
    /^(?:MemTotal|HugePages_\w+|Hugepagesize|Hugetlb):/.test(line) || line === "" ? line : [],
};
