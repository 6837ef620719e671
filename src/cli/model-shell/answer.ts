import { textOfErrno } from "../../kernel/linux/errno-text.ts";
import type { Failed } from "../../kernel/port-outcome.ts";

/** What a command of the shell gives. */
export interface Answer {
  readonly ok: boolean;
  /** The errno's name where a system call refused; null of a command that was not understood, too. */
  readonly errno: string | null;
  /** All that is printed, errors as Linux's programs word them included; each line with its end. */
  readonly output: string;
}

export const NOTHING: Answer = { ok: true, errno: null, output: "" };

export function good(output: string): Answer {
  return { ok: true, errno: null, output };
}

/** What a program prints, a line each. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** What a program says of a refused system call: `cat: vendor: No such file or directory`. */
export function refused(what: string, errno: string): Answer {
  return { ok: false, errno, output: `${what}: ${textOfErrno(errno)}\n` };
}

/** What a program says of its own: bad usage, no such object. */
export function wrong(text: string, errno: string | null = null): Answer {
  return { ok: false, errno, output: `${text}\n` };
}

/** A change that failed, by a program that says what the kernel answered. */
export function notDone(who: string, { errno, reason }: Failed): Answer {
  return errno === null ? wrong(`${who}: ${reason}`) : refused(who, errno);
}

/** Several, one after another; the first errno counts. */
export function together(answers: readonly Answer[]): Answer {
  const first = answers.find(({ ok }) => !ok);
  return {
    ok: first === undefined,
    errno: first?.errno ?? null,
    output: answers.map(({ output }) => output).join(""),
  };
}
