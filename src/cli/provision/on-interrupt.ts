import { note } from "../output.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Does work that an operator may interrupt: meanwhile a signal does not end the process, but is told to `interrupted`. */
export async function onInterrupt<Result>(interrupted: () => void, work: () => Promise<Result>): Promise<Result> {
  for (const signal of SIGNALS) process.on(signal, interrupted);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}

/** A note about a signal, behind what the terminal shows of the key. */
export function noteInterrupt(text: string): void {
  if (process.stderr.isTTY) note("");
  note(text);
}
