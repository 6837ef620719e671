import { connect, type Socket } from "node:net";
import { LineReader } from "./line-reader.ts";
import { decode, encode, REPLY_LIMIT_BYTES, type Reply } from "./protocol.ts";
import { socketPath } from "./state-folder.ts";

interface Waiter {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The machine's process ended, or was never there. */
export class MachineGone extends Error {}

/** A connection to a machine's process. It keeps this process alive only while somebody waits for an answer. */
export class MachineConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiter>();
  readonly #streams = new Map<number, (item: unknown) => void>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #holds = 0;
  #gone = false;

  /** @throws the connection's error, as ENOENT or ECONNREFUSED where no process listens */
  static async open(folder: string): Promise<MachineConnection> {
    const socket = connect(socketPath(folder));
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new MachineConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.unref();
    const lines = new LineReader(REPLY_LIMIT_BYTES);
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const line of lines.add(chunk)) this.#take(decode(line) as Reply);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on("error", () => {});
    this.#ended = new Promise((resolve) => {
      socket.on("close", () => {
        this.#gone = true;
        for (const { reject } of this.#waiting.values())
          reject(new MachineGone("the modelled machine was powered off"));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** @throws MachineGone; Error where the machine's own code failed */
  request(call: string, args: readonly unknown[]): Promise<unknown> {
    return this.#request(++this.#lastId, call, args);
  }

  /** As `request`, and this process stays until it is answered. */
  ask(call: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.held(this.request(call, args));
  }

  /** Keeps this process alive until `promise` is settled. */
  async held<T>(promise: Promise<T>): Promise<T> {
    if (++this.#holds === 1) this.#keepAlive(true);
    try {
      return await promise;
    } finally {
      if (--this.#holds === 0) this.#keepAlive(false);
    }
  }

  /** Opens a stream of which `onItem` gets all items, until it is cancelled. @returns its answer, and how to end it */
  async stream(
    call: string,
    onItem: (item: unknown) => void,
  ): Promise<{ readonly answer: unknown; readonly ended: Promise<void>; cancel(): void }> {
    const id = ++this.#lastId;
    this.#streams.set(id, onItem);
    const answer = await this.held(this.#request(id, call, []));
    const cancel = () => {
      this.#streams.delete(id);
      this.request("cancel", [id]).catch(() => {});
    };
    return { answer, ended: this.#ended, cancel };
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A socket that is closed keeps nothing alive, and would wait to be connected with each of these calls. */
  #keepAlive(wanted: boolean): void {
    if (this.#socket.destroyed) return;
    if (wanted) this.#socket.ref();
    else this.#socket.unref();
  }

  #request(id: number, call: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone) return Promise.reject(new MachineGone("the modelled machine was powered off"));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(encode({ id, call, args }));
    });
  }

  #take(reply: Reply): void {
    if ("item" in reply) {
      this.#streams.get(reply.id)?.(reply.item);
      return;
    }
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiter?.reject(new Error(`the modelled machine failed: ${reply.error}`));
    else waiter?.resolve(reply.result);
  }
}
