import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { print } from "../output.ts";

export interface AskOptions {
  /** It is so already. */
  readonly yes?: boolean;
  /** Standard output is for a program. */
  readonly json?: boolean;
}

/**
 * Asks on the terminal whether to go on.
 * @throws VfleetError VFL-0231 where nobody can be asked, or the answer is no
 */
export async function confirm(question: string, { yes, json }: AskOptions): Promise<void> {
  if (yes) return;
  if (json) throw new VfleetError("VFL-0231", { message: "with --json nobody is asked" });
  if (!(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new VfleetError("VFL-0231", { message: "there is no terminal to ask on" });
  }
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D are answers, too.
  const closed = once(reader, "close").then(() => undefined);
  const asked = reader.question(`${question} [y/N] `).catch(() => undefined);
  const answer = await Promise.race([asked, closed]);
  reader.close();
  if (answer === undefined) print("\n");
  else if (/^y(?:es)?$/i.test(answer.trim())) return;
  throw new VfleetError("VFL-0231", { message: "not confirmed; nothing was changed" });
}
