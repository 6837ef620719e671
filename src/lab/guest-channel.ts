import type { Duplex } from "node:stream";
import type { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "./read-lines.ts";
import { Waiters } from "./waiters.ts";

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

type Message =
  | ({ readonly kind: "status" } & InnerStatus)
  | { readonly kind: "result"; readonly exitCode: number; readonly outputBase64: string };

export const ANSWER_MS = 120_000;

/** This side of the channel that lab/guest/inner-init.sh serves. */
export class GuestChannel {
  readonly #socket: Duplex;
  readonly #waiters = new Waiters<Message>();
  readonly #failed: (why: string) => VfleetError;
  /** The guest runs one command at a time. */
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
    const answer = this.awaitStatus(() => true, "did not tell its status", timeoutMs);
    this.#socket.write("\n");
    return answer;
  }

  /**
   * The next status of which `holds` is true. The guest tells one when something changes, so this is asked before that.
   * @param otherwise what the guest did not do, for the error.
   */
  awaitStatus(holds: (status: InnerStatus) => boolean, otherwise: string, timeoutMs = ANSWER_MS): Promise<InnerStatus> {
    return this.#waiters.wait(
      (message) => (message.kind === "status" && holds(message) ? message : undefined),
      timeoutMs,
      () => this.#failed(`it ${otherwise} in ${timeoutMs / 1000} s`),
    );
  }

  /** Runs one line of shell. After one that does not end in time the guest answers no more. */
  run(command: string, timeoutMs = ANSWER_MS): Promise<CommandResult> {
    if (!/^[^\n\0]+$/.test(command)) throw new TypeError(`not one line of shell: ${JSON.stringify(command)}`);
    const result = this.#turn.then(async () => {
      const answer = this.#waiters.wait(
        (message) => (message.kind === "result" ? message : undefined),
        timeoutMs,
        () => {
          const error = this.#failed(`"${command}" has not ended in ${timeoutMs / 1000} s`);
          // Its answer, should it come, would be taken for the next one's.
          this.end(error);
          return error;
        },
      );
      this.#socket.write(`${command}\n`);
      const { exitCode, outputBase64 } = await answer;
      return { exitCode, output: Buffer.from(outputBase64, "base64").toString() };
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Nothing will come any more. */
  end(error: Error): void {
    this.#waiters.end(error);
  }

  #onLine(line: string): void {
    try {
      this.#waiters.offer(JSON.parse(line) as Message);
    } catch {
      this.end(this.#failed(`it said what is no record: ${line.slice(0, 200)}`));
    }
  }
}
