import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { CATALOGUE } from "../errors/catalogue.ts";

const DEVICES = "/sys/bus/pci/devices";

type Candidates = readonly (readonly [name: string, what: string])[];

/** What an argument may be, by its name; of this host. */
const CANDIDATES: Readonly<Record<string, () => Candidates | Promise<Candidates>>> = {
  bdf: () => addresses("class").map((bdf) => [bdf, ""]),
  pf: () => addresses("sriov_totalvfs").map((bdf) => [bdf, "Physical Function"]),
  vf: () => addresses("physfn").map((bdf) => [bdf, "Virtual Function"]),
  "code-or-field": codesAndFields,
};

/**
 * Adds `vfleet complete SHELL` and what its scripts call back.
 * @param words of the command line: only what can be asked for is gathered
 */
export async function addCompletion(program: Command, words: readonly string[]): Promise<void> {
  const root = tab(program);
  for (const command of root.commands.values()) {
    if (!words.includes(command.value)) continue;
    for (const [name, candidates] of Object.entries(CANDIDATES)) {
      if (!command.arguments.has(name)) continue;
      const found = await candidates();
      command.argument(name, (complete) => found.forEach(([each, what]) => void complete(each, what)));
    }
  }
}

async function codesAndFields(): Promise<Candidates> {
  // With it come the schemas.
  const { allFields } = await import("../host/desired/explain-field.ts");
  return [
    ...Object.entries(CATALOGUE).map(([code, { title }]) => [code, title] as const),
    ...allFields().map(({ field, type }) => [field, type] as const),
  ];
}

/** Functions that have this file in sysfs. */
function addresses(file: string): string[] {
  try {
    return readdirSync(DEVICES).filter((bdf) => existsSync(join(DEVICES, bdf, file)));
  } catch {
    // A host without PCI has nothing to complete.
    return [];
  }
}
