import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "../qmp/read-lines.ts";
import { Waiters } from "../qmp/waiters.ts";

/** What a guest sees of its hardware. */
export interface InnerStatus {
  readonly uptimeSeconds: number;
  readonly pciDevices: readonly {
    readonly bdf: string;
    /** Vendor and device, as the kernel writes them: `8086:10CA`. */
    readonly id: string;
    /** The class code in hexadecimal, without leading zeros. */
    readonly class: string;
    readonly driver: string | null;
  }[];
  readonly netDevices: readonly {
    readonly name: string;
    /** Of the PCI device below it, where there is one. */
    readonly bdf: string | null;
    readonly mac: string;
    readonly operstate: string;
    /** null where the kernel knows none, as of a device that is down. */
    readonly carrier: boolean | null;
  }[];
}

export interface CommandResult {
  readonly exitCode: number;
  /** What it wrote to either output: the first 256 KiB. */
  readonly output: string;
}

type Answer =
  | ({ readonly kind: "status" } & InnerStatus)
  | { readonly kind: "result"; readonly exitCode: number; readonly outputBase64: string };

export const ANSWER_MS = 120_000;
const POLL_MS = 200;

/** This side of the channel that lab/guest/inner-init.sh serves. */
export class GuestChannel {
  readonly #socket: Duplex;
  readonly #waiters = new Waiters<Answer>();
  readonly #failed: (why: string) => VfleetError;
  /** The guest answers one line after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param failed makes the error of what the channel comes to fail by. */
  constructor(socket: Duplex, failed: (why: string) => VfleetError) {
    this.#socket = socket;
    this.#failed = failed;
    socket.on("error", () => socket.destroy());
    void readLines(socket, (line) => this.#onLine(line));
  }

  /** What the guest sees now. */
  status(timeoutMs = ANSWER_MS): Promise<InnerStatus> {
    return this.#ask("", "status", timeoutMs);
  }

  /**
   * Asks for the status until `holds` is true of it.
   * @param otherwise what the guest did not do, for the error.
   */
  async awaitStatus(
    holds: (status: InnerStatus) => boolean,
    otherwise: string,
    timeoutMs = ANSWER_MS,
  ): Promise<InnerStatus> {
    const giveUp = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      if (holds(status)) return status;
      if (performance.now() > giveUp) throw this.#failed(`it ${otherwise} in ${timeoutMs / 1000} s`);
      await sleep(POLL_MS);
    }
  }

  /** Runs one line of shell. After one that does not end in time the guest answers no more. */
  async run(command: string, timeoutMs = ANSWER_MS): Promise<CommandResult> {
    if (!/^[^\n\0]+$/.test(command)) throw new TypeError(`not one line of shell: ${JSON.stringify(command)}`);
    const { exitCode, outputBase64 } = await this.#ask(command, "result", timeoutMs);
    return { exitCode, output: Buffer.from(outputBase64, "base64").toString() };
  }

  #ask<K extends Answer["kind"]>(line: string, kind: K, timeoutMs: number): Promise<Extract<Answer, { kind: K }>> {
    const answer = this.#turn.then(() => {
      const waiting = this.#waiters.wait(
        (answer) => (answer.kind === kind ? (answer as Extract<Answer, { kind: K }>) : undefined),
        timeoutMs,
        () => {
          const error = this.#failed(`"${line || "status"}" has no answer in ${timeoutMs / 1000} s`);
          // Its answer, should it come, would be taken for the next one's.
          this.end(error);
          return error;
        },
      );
      this.#socket.write(`${line}\n`);
      return waiting;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** Nothing will come any more. */
  end(error: Error): void {
    this.#waiters.end(error);
  }

  #onLine(line: string): void {
    try {
      this.#waiters.offer(JSON.parse(line) as Answer);
    } catch {
      this.end(this.#failed(`it said what is no record: ${line.slice(0, 200)}`));
    }
  }
}
