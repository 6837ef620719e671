import { fileURLToPath } from "node:url";
import { findImage } from "../src/lab/image.ts";
import { MACHINES } from "../src/lab/machines.ts";
import { runScript } from "../src/lab/run-script.ts";
import { figure, median } from "./figure.ts";

const GUEST_SCRIPT = fileURLToPath(new URL("guest/vf-settings.ts", import.meta.url));

interface Timing {
  readonly what: string;
  readonly portMs: readonly number[];
  readonly scriptMs: readonly number[];
}

/** What needs a real kernel: a boot's time, and the port's cost beside a shell script's. */
export async function labFigures(): Promise<void> {
  const image = findImage();
  const machine = MACHINES.find(({ name }) => name === "igb");
  if (image === undefined || machine === undefined) {
    console.error("no figures of the lab: its image is not built (npm run lab -- build)");
    return;
  }
  const signal = new AbortController().signal;
  const onOutput = (text: string) => process.stderr.write(text);
  const result = await runScript({ image, machine, script: GUEST_SCRIPT, timeoutMs: 300_000, signal, onOutput });
  if (result.exitCode !== 0) throw new Error(`the lab's script ended with ${result.exitCode}`);
  figure("lab boot to first command", result.startedSeconds, "s", { wanted: "about 10" });
  for (const record of result.records) {
    const { what, portMs, scriptMs } = record as unknown as Timing;
    figure(`${what} set by the port`, median(portMs), "ms");
    figure(`${what} set by a shell script`, median(scriptMs), "ms");
    const ratios = portMs.map((ms, index) => ms / (scriptMs[index] ?? Number.NaN));
    figure(`${what}, port / shell script`, median(ratios), "ratio", { wanted: "<= 1.1" });
  }
}
