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
  return createServer((socket) => new Connection(socket, kernel, calls, info, powerOff));
}

const MOVES = ["moves.start", "moves.prepare"];

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
  /** Guests that this client moves: with whoever moved them gone, they stay where they are. */
  readonly #moved = new Set<string>();

  constructor(
    socket: Socket,
    kernel: ModelKernel,
    calls: ReturnType<typeof machineCalls>,
    info: MachineInfo,
    powerOff: () => void,
  ) {
    this.#socket = socket;
    this.#kernel = kernel;
    this.#calls = calls;
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
      for (const name of this.#moved) void this.#abandon(name);
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
        if (MOVES.includes(call)) this.#moved.add(guestOf(args[0]));
        return wanted(...(args as never[]));
      }
    }
  }

  async #abandon(name: string): Promise<void> {
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
