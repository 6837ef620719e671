import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BootResult } from "../src/lab/boot.ts";
import { findImage } from "../src/lab/image.ts";
import { MACHINES } from "../src/lab/machines.ts";
import { runScript } from "../src/lab/run-script.ts";
import { makeGuestScript } from "../test/lab/guest-script.ts";
import { layOutProgram } from "../test/lab/published-program.ts";
import { figure, median } from "./figure.ts";

const SETTINGS_SCRIPT = fileURLToPath(new URL("guest/vf-settings.ts", import.meta.url));
const TRAFFIC_SCRIPT = fileURLToPath(new URL("guest/vf-traffic.ts", import.meta.url));

interface Timing {
  readonly what: string;
  readonly portMs: readonly number[];
  readonly scriptMs: readonly number[];
}

interface Traffic {
  readonly received: number;
  readonly seconds: number;
}

/**
 * What needs a real kernel: a boot's time, the port's cost beside a shell script's, and what QEMU's card carries.
 * @param guestFrames of 64 bytes that the model carries in a second from guest to guest, measured in the same run
 */
export async function labFigures(guestFrames: number): Promise<void> {
  const image = findImage();
  const machine = MACHINES.find(({ name }) => name === "igb");
  if (image === undefined || machine === undefined) {
    console.error("no figures of the lab: its image is not built (npm run lab -- build)");
    return;
  }
  const run = async (script: string) => {
    const signal = new AbortController().signal;
    const onOutput = (text: string) => process.stderr.write(text);
    const result = await runScript({ image, machine, script, timeoutMs: 300_000, signal, onOutput });
    if (result.exitCode !== 0) throw new Error(`${script} ended with ${result.exitCode} in the lab`);
    return result;
  };
  const { startedSeconds, records } = await run(SETTINGS_SCRIPT);
  figure("lab boot to first command", startedSeconds, "s", { wanted: "about 10" });
  for (const record of records) {
    const { what, portMs, scriptMs } = record as unknown as Timing;
    figure(`${what} set by the port`, median(portMs), "ms");
    figure(`${what} set by a shell script`, median(scriptMs), "ms");
    const ratios = portMs.map((ms, index) => ms / (scriptMs[index] ?? Number.NaN));
    figure(`${what}, port / shell script`, median(ratios), "ratio", { wanted: "<= 1.1" });
  }
  await compareApply(run);
  for (const record of (await run(TRAFFIC_SCRIPT)).records) {
    const { received, seconds } = record as unknown as Traffic;
    const carried = received / seconds;
    // By the clock on the wall, with the emulated guest's own work for each frame: its sockets, IP and drivers.
    figure("frames between two VFs of QEMU's igb, 64 bytes", carried, "frames/s");
    figure("frames of 64 bytes, model / QEMU's igb", guestFrames / carried, "ratio", { wanted: ">= 10" });
  }
}

/** A whole `vfleet apply` of seven VFs beside a shell script. The program is laid out as it is published. */
async function compareApply(run: (script: string) => Promise<BootResult>): Promise<void> {
  const script = await makeGuestScript("apply.ts", fileURLToPath(new URL("guest", import.meta.url)));
  try {
    await layOutProgram(join(dirname(script.path), "vfleet"));
    for (const record of (await run(script.path)).records) {
      const { vfleetMs, scriptMs } = record as unknown as { vfleetMs: readonly number[]; scriptMs: readonly number[] };
      figure("7 igb VFs by vfleet apply, process", median(vfleetMs), "ms");
      figure("7 igb VFs by a shell script", median(scriptMs), "ms");
      const ratios = vfleetMs.map((ms, index) => ms / (scriptMs[index] ?? Number.NaN));
      figure("7 igb VFs, vfleet apply / shell script", median(ratios), "ratio", { wanted: "<= 1.1" });
    }
  } finally {
    script.remove();
  }
}
