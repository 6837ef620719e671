import { systemPrograms } from "../../kernel/linux/program.ts";
import { type Observed, unread } from "../../kernel/port.ts";
import { failed, isPending, type Outcome } from "../../kernel/port-outcome.ts";

const READ_MS = 20_000;

/** virsh(1) at one connection. */
export class Virsh {
  readonly #connection: readonly string[];
  readonly #programs = systemPrograms();

  /** @param uri of libvirt; what virsh takes of itself where left out */
  constructor(uri?: string) {
    this.#connection = uri === undefined ? [] : ["--connect", uri];
  }

  /** What a command prints; unread with virsh's own words where it fails. */
  async read(...words: readonly string[]): Promise<Observed<string>> {
    const target = `virsh ${words.join(" ")}`;
    const answer = await this.#run(words, "", READ_MS);
    if ("output" in answer) return answer.output;
    return unread(target, answer.errno, answer.words);
  }

  /** A command that changes something. @param input an XML document, which the command names as /dev/stdin */
  async change(target: string, input: string, limitMs: number, ...words: readonly string[]): Promise<Outcome> {
    const began = performance.now();
    const answer = await this.#run(words, input, limitMs);
    if ("output" in answer) return { kind: "done", tookMs: Math.round(performance.now() - began) };
    return failed(target, words.join(" "), answer.errno, answer.words);
  }

  async #run(
    words: readonly string[],
    input: string,
    deadlineMs: number,
  ): Promise<{ readonly output: string } | { readonly errno: string; readonly words: string }> {
    const command = ["virsh", ...this.#connection, "--quiet", ...words] as const;
    const answer = await this.#programs.change("virsh", command, input, { deadlineMs }, (end) => {
      if ("notStarted" in end) return { errno: end.notStarted, words: end.reason };
      if (end.exitCode === 0) return { output: end.stdout.toString("utf8") };
      return { errno: "EIO", words: errorWords(end.stderr) };
    });
    return isPending(answer)
      ? { errno: "ETIMEDOUT", words: `virsh has not answered in ${deadlineMs / 1000} s` }
      : answer;
  }
}

/** The last of its lines says why; those before, of what. */
function errorWords(stderr: string): string {
  const lines = stderr.split("\n").flatMap((line) => line.replace(/^error: /, "").trim() || []);
  return lines.at(-1) ?? "virsh failed without a word";
}
