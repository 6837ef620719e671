import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { BootResult } from "../../src/lab/boot.ts";
import { findImage } from "../../src/lab/image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { runScript } from "../../src/lab/run-script.ts";
import { makeGuestScript } from "./guest-script.ts";
import { layOutProgram } from "./published-program.ts";

/**
 * Runs a guest script, by its name in guest/, in a lab machine, with vfleet's program as it is published beside it.
 * @throws AssertionError with all that it wrote where it fails
 */
export async function runInMachine(name: string, machineName: string, timeoutMs: number): Promise<BootResult> {
  const image = findImage();
  const machine = MACHINES.find((each) => each.name === machineName);
  assert.ok(image && machine);
  const script = await makeGuestScript(name);
  let output = "";
  const onOutput = (text: string) => {
    output += text;
  };
  try {
    await layOutProgram(join(dirname(script.path), "vfleet"));
    const { signal } = new AbortController();
    const result = await runScript({ image, machine, script: script.path, timeoutMs, signal, onOutput });
    assert.equal(result.exitCode, 0, output);
    return result;
  } finally {
    script.remove();
  }
}
