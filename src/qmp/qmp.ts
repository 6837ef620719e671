import type { Duplex } from "node:stream";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "./read-lines.ts";
import { Waiters } from "./waiters.ts";

/** What QEMU tells without being asked. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Arguments;
}

type Arguments = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Arguments;
}

const TIMEOUT_MS = 120_000;

/** A QEMU's monitor over a socket: one speaker of QMP (docs/interop/qmp-spec.rst of QEMU's sources). */
export class Qmp {
  readonly #socket: Duplex;
  readonly #waiters = new Waiters<Message>();
  #lastId = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    void readLines(socket, (line) => this.#onLine(line)).then(() => this.#waiters.end(failed("QEMU has ended")));
  }

  /** What is asked first of a new monitor; until then it refuses all else. */
  async negotiate(timeoutMs?: number): Promise<void> {
    await this.execute("qmp_capabilities", {}, timeoutMs);
  }

  /**
   * @returns what QEMU answers
   * @throws VfleetError VFL-0033 where it refuses, ends, or says nothing in time.
   */
  async execute(command: string, args: Arguments = {}, timeoutMs = TIMEOUT_MS): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = this.#waiters.wait(
      (message) => (message.id === id ? message : undefined),
      timeoutMs,
      () => failed(`${command}: no answer in ${timeoutMs / 1000} s`, "ETIMEDOUT"),
    );
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    const { error, return: value } = await answer;
    if (error) throw failed(`${command}: ${error.desc}`);
    return value;
  }

  /**
   * The next event that matches. It is waited for from before the command that causes it:
   *
   *     await Promise.all([qmp.event(({ event }) => event === "RESUME"), qmp.execute("cont")]);
   */
  event(matches: (event: QmpEvent) => boolean, timeoutMs = TIMEOUT_MS): Promise<QmpEvent> {
    return this.#waiters.wait(
      ({ event, data = {} }) => (event !== undefined && matches({ event, data }) ? { event, data } : undefined),
      timeoutMs,
      () => failed(`an event did not come in ${timeoutMs / 1000} s`),
    );
  }

  #onLine(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch (cause) {
      this.#waiters.end(new VfleetError("VFL-0033", { message: `no QMP: ${line.slice(0, 200)}`, cause }));
      this.#socket.destroy();
      return;
    }
    this.#waiters.offer(message);
  }
}

function failed(message: string, errno?: string): VfleetError {
  return new VfleetError("VFL-0033", { message, ...(errno && { details: { errno } }) });
}
