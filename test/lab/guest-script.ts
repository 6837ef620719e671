import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "rolldown";
import type { BootResult } from "../../src/lab/boot.ts";
import { runScript, type ScriptOptions } from "../../src/lab/run-script.ts";

/** A script for a lab machine, on this side. */
export interface GuestScript {
  /** In a folder of its own, which the machine sees as /script. */
  readonly path: string;
  remove(): void;
}

/**
 * Makes one file of a guest script and all that it imports: in an emulated machine, reading and stripping a hundred modules
 * takes longer than to boot.
 */
export async function makeGuestScript(
  name: string,
  from: string = join(import.meta.dirname, "guest"),
): Promise<GuestScript> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-guest-"));
  const path = join(folder, `${basename(name, ".ts")}.mjs`);
  await build({
    input: join(from, name),
    platform: "node",
    output: { file: path, format: "esm", codeSplitting: false },
    logLevel: "warn",
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs a guest script, by its name in guest/, in a lab machine. */
export async function runGuestScript(name: string, options: Omit<ScriptOptions, "script">): Promise<BootResult> {
  const script = await makeGuestScript(name);
  try {
    return await runScript({ ...options, script: script.path });
  } finally {
    script.remove();
  }
}
