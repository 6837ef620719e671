import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { note } from "../output.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** Of signal(7): the first bit in /proc/PID/status. */
const SIGHUP = 1n;

/**
 * Does work that an operator may interrupt: meanwhile a signal does not end the process, but is told to `interrupted`. A terminal that
 * goes (SIGHUP) is the first one at the most: it comes from the kernel and from the shell, and nobody has asked twice.
 * @param interrupted is told whether it was told before
 */
export async function onInterrupt<Result>(
  interrupted: (isAgain: boolean) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  let isTold = false;
  const asked = () => {
    const isAgain = isTold;
    isTold = true;
    interrupted(isAgain);
  };
  const survives = ignoresHangup();
  const hangup = () => {
    if (!isTold && !survives) asked();
  };
  for (const signal of SIGNALS) process.on(signal, asked);
  process.on("SIGHUP", hangup);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, asked);
    process.off("SIGHUP", hangup);
  }
}

/**
 * Whether it was started to outlive its terminal. Node sets all signals as they are by default when it starts, so that nohup is seen by what
 * it leaves behind: the shell's name of what it has run ($_, bash(1)), or a shell that ignores the signal as it would be inherited.
 */
function ignoresHangup(): boolean {
  if (basename(process.env._ ?? "") === "nohup") return true;
  try {
    const [, ignored = "0"] =
      /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, "utf8")) ?? [];
    return (BigInt(`0x${ignored}`) & SIGHUP) !== 0n;
  } catch {
    // It is not to be seen.
    return false;
  }
}

/** A note about a signal, behind what the terminal shows of the key. */
export function noteInterrupt(text: string): void {
  if (process.stderr.isTTY) note("");
  note(text);
}
