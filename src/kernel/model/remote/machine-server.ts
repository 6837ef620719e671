import { createServer, type Server, type Socket } from "node:net";
import { isUnread } from "../../port.ts";
import type { ModelKernel } from "../model-kernel.ts";
import { LineReader } from "./line-reader.ts";
import { machineCalls } from "./machine-calls.ts";
import { decode, encode, type MachineInfo, REQUEST_LIMIT_BYTES, type Reply, type Request } from "./protocol.ts";

/** More than that not yet taken by a client that listens to events, and it is let go. */
const MOST_BACKLOG_BYTES = 64 * 1024 * 1024;

/**
 * Serves a machine to whoever connects. Clients share it as processes share a kernel; one that leaves takes nothing back.
 * @param powerOff called when somebody has asked for that, after the answer
 */
export function serveMachine(kernel: ModelKernel, info: MachineInfo, powerOff: () => void): Server {
  const calls = machineCalls(kernel);
  const movers = new Map<string, Connection>();
  return createServer((socket) => new Connection(socket, kernel, calls, movers, info, powerOff));
}

const MOVE_BEGINS = ["moves.start", "moves.prepare"];
const MOVE_ENDS = ["moves.cancel", "moves.complete", "moves.run", "moves.abort"];

/** A guest by its name, or by its description. */
function guestOf(value: unknown): string {
  return typeof value === "object" && value !== null && "name" in value ? String(value.name) : String(value);
}

class Connection {
  readonly #socket: Socket;
  readonly #kernel: ModelKernel;
  readonly #calls: ReturnType<typeof machineCalls>;
  readonly #info: MachineInfo;
  readonly #powerOff: () => void;
  readonly #streams = new Map<number, AbortController>();
  /** Of each guest on the move the client that moves it: with that one gone, the guest stays where it is. */
  readonly #movers: Map<string, Connection>;

  constructor(
    socket: Socket,
    kernel: ModelKernel,
    calls: ReturnType<typeof machineCalls>,
    movers: Map<string, Connection>,
    info: MachineInfo,
    powerOff: () => void,
  ) {
    this.#socket = socket;
    this.#kernel = kernel;
    this.#calls = calls;
    this.#movers = movers;
    this.#info = info;
    this.#powerOff = powerOff;
    const lines = new LineReader(REQUEST_LIMIT_BYTES);
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const line of lines.add(chunk)) this.#take(line);
      } catch {
        // A line that is too long, or no request: that is no client of ours.
        socket.destroy();
      }
    });
    // Of a client that was killed; "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const stream of this.#streams.values()) stream.abort();
      for (const [name, mover] of movers) if (mover === this) void this.#abandon(name);
    });
  }

  /** @throws SyntaxError, TypeError where the line is no request */
  #take(line: string): void {
    const { id, call, args } = decode(line) as Request;
    if (typeof id !== "number" || typeof call !== "string" || !Array.isArray(args)) throw new TypeError("no request");
    // JSON has no undefined: what was left out comes as null.
    const given = args.map((arg: unknown) => (arg === null ? undefined : arg));
    this.#answer(id, call, given).then(
      (result) => this.#send({ id, result }),
      (error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#send({ id, error: text });
      },
    );
  }

  async #answer(id: number, call: string, args: readonly unknown[]): Promise<unknown> {
    switch (call) {
      case "machine.about":
        return this.#info;
      case "machine.off":
        // When the answer is on its way.
        setImmediate(() => this.#socket.end(this.#powerOff));
        return null;
      case "uevents":
        return this.#listen(id);
      case "cancel":
        this.#streams.get(args[0] as number)?.abort();
        return null;
      default: {
        const wanted = this.#calls.get(call);
        if (wanted === undefined) throw new TypeError(`the machine knows no call ${JSON.stringify(call)}`);
        const answer = await wanted(...(args as never[]));
        this.#keepMover(call, args[0], answer);
        return answer;
      }
    }
  }

  /** Who was refused a move has none: another client may have it. */
  #keepMover(call: string, guest: unknown, answer: unknown): void {
    const isDone = typeof answer === "object" && answer !== null && "done" in answer;
    if (!isDone) return;
    if (MOVE_ENDS.includes(call)) this.#movers.delete(guestOf(guest));
    if (!MOVE_BEGINS.includes(call)) return;
    this.#movers.set(guestOf(guest), this);
    // It has left while it was waiting for the answer.
    if (this.#socket.destroyed) void this.#abandon(guestOf(guest));
  }

  async #abandon(name: string): Promise<void> {
    this.#movers.delete(name);
    const abandon = this.#calls.get("moves.abandon") as ((name: string) => Promise<void>) | undefined;
    try {
      await abandon?.(name);
    } catch (error) {
      this.#kernel.linux.log.print(`guest ${name} could not be left as it is: ${error}`);
    }
  }

  /** Events from now on, as items of the stream `id`; the listening has begun when it is answered. */
  async #listen(id: number): Promise<unknown> {
    const stream = new AbortController();
    const events = await this.#kernel.uevents(stream.signal);
    if (isUnread(events)) return events;
    this.#streams.set(id, stream);
    (async () => {
      for await (const item of events) this.#send({ id, item });
    })().catch(() => this.#socket.destroy());
    return null;
  }

  #send(reply: Reply): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(encode(reply));
    if (this.#socket.writableLength > MOST_BACKLOG_BYTES) this.#socket.destroy();
  }
}
