import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemPrograms } from "../../kernel/linux/program.ts";
import { type Observed, unread } from "../../kernel/port.ts";
import { afterwards, failed, isPending, type Outcome, type Within } from "../../kernel/port-outcome.ts";

const READ_MS = 20_000;

type Answer = { readonly output: string } | { readonly errno: string; readonly words: string };

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
    const answer = await this.#begin(target, words, READ_MS);
    if (isPending(answer)) return unread(target, "ETIMEDOUT", `virsh has not answered in ${READ_MS / 1000} s`);
    if ("output" in answer) return answer.output;
    return unread(target, answer.errno, answer.words);
  }

  /**
   * A command that changes a domain by an XML document: attach-device, detach-device. The document is in a file of its own, since
   * virsh opens what it reads by name, and a child's input is a socket, which has none (ENXIO).
   */
  async change(
    target: string,
    document: string,
    limitMs: number,
    [command, domain, ...flags]: readonly [string, string, ...string[]],
  ): Promise<Within<Outcome>> {
    const began = performance.now();
    const folder = await mkdtemp(join(tmpdir(), "vfleet-virsh-"));
    try {
      const file = join(folder, "device.xml");
      await writeFile(file, document, { mode: 0o600 });
      const begun = await this.#begin(target, [command, domain, file, ...flags], limitMs);
      return await afterwards(begun, async (answer): Promise<Outcome> => {
        if ("output" in answer) return { kind: "done", tookMs: Math.round(performance.now() - began) };
        return failed(target, [command, domain, ...flags].join(" "), answer.errno, answer.words);
      });
    } finally {
      // virsh reads it first of all.
      await rm(folder, { recursive: true, force: true });
    }
  }

  #begin(target: string, words: readonly string[], deadlineMs: number): Promise<Within<Answer>> {
    const command = ["virsh", ...this.#connection, "--quiet", ...words] as const;
    return this.#programs.change(target, command, "", { deadlineMs }, (end): Answer => {
      if ("notStarted" in end) return { errno: end.notStarted, words: end.reason };
      if (end.exitCode === 0) return { output: end.stdout.toString("utf8") };
      return { errno: "EIO", words: errorWords(end.stderr) };
    });
  }
}

/** The last of its lines says why; those before, of what. */
function errorWords(stderr: string): string {
  const lines = stderr.split("\n").flatMap((line) => line.replace(/^error: /, "").trim() || []);
  return lines.at(-1) ?? "virsh failed without a word";
}
