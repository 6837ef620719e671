import { readdirSync } from "node:fs";
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

const DEVICES = "/sys/bus/pci/devices";

/** Adds `vfleet complete SHELL` and what its scripts call back; addresses are completed from this host's. */
export function addCompletion(program: Command): void {
  const root = tab(program);
  for (const command of root.commands.values()) {
    if (command.arguments.has("bdf"))
      command.argument("bdf", (complete) => addresses().forEach((bdf) => void complete(bdf, "")));
  }
}

function addresses(): string[] {
  try {
    return readdirSync(DEVICES);
  } catch {
    // A host without PCI has nothing to complete.
    return [];
  }
}
