import { execFileSync } from "node:child_process";
import { findTool } from "../require-tool.ts";

const LSPCI = findTool("lspci") ?? "lspci";

/** The arguments that show everything: domains, numbers instead of names, all registers. */
const SHOW_ALL = ["-D", "-n", "-vvv"];
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

/** What pciutils makes of a dump. Its complaints go nowhere: lspci warns of a missing libkmod in every container. */
export function runLspci(file: string): string {
  return run([...SHOW_ALL, "-F", file]);
}

/** What pciutils makes of a tree as /sys/bus/pci. */
export function runLspciOnTree(tree: string, options: readonly string[]): string {
  return run([...options, "-A", "linux-sysfs", "-O", `sysfs.path=${tree}`]);
}

function run(args: readonly string[]): string {
  return execFileSync(LSPCI, args, {
    encoding: "utf8",
    maxBuffer: OUTPUT_LIMIT_BYTES,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** As "3.9.0". */
export function lspciVersion(): string {
  const text = execFileSync(LSPCI, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? "unknown";
}
