import { connect, type Socket } from "node:net";
import { LineReader } from "./line-reader.ts";
import { decode, encode, type MachineInfo, PROTOCOL_VERSION, REPLY_LIMIT_BYTES, type Reply } from "./protocol.ts";
import { socketPath } from "./state-folder.ts";

interface Waiter {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The machine's process ended, or was never there. */
export class MachineGone extends Error {}

const POWERED_OFF = "the modelled machine was powered off";
const CLOSED = "the connection to the modelled machine was closed";

/** Of connect(2) where nobody listens: no folder, no socket, one that a killed process left, or one whose process ended as we came. */
const NOBODY: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR", "ECONNRESET"]);

/** Whether an error of `MachineConnection.open` says that the machine is off. */
export function saysNobody(error: unknown): boolean {
  return NOBODY.has((error as NodeJS.ErrnoException).code ?? "");
}

/**
 * A connection to a machine's process. It keeps this process alive only while somebody waits for an answer. With the machine off each
 * request is told so; once it runs again the next one reaches it, as a host that was rebooted is reached.
 */
export class MachineConnection {
  readonly #folder: string;
  #line: Line;
  #again: Promise<Line> | undefined;
  #isClosed = false;
  #holds = 0;

  /** @throws the connection's error, as ENOENT or ECONNREFUSED where no process listens */
  static async open(folder: string): Promise<MachineConnection> {
    return new MachineConnection(folder, await Line.open(folder));
  }

  private constructor(folder: string, line: Line) {
    this.#folder = folder;
    this.#line = line;
  }

  /** @throws MachineGone; Error where the machine's own code failed */
  async request(call: string, args: readonly unknown[]): Promise<unknown> {
    return (this.#line.isGone ? await this.#reached() : this.#line).request(call, args);
  }

  /** As `request`, and this process stays until it is answered. */
  ask(call: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.held(this.request(call, args));
  }

  /** Keeps this process alive until `promise` is settled. */
  async held<T>(promise: Promise<T>): Promise<T> {
    if (++this.#holds === 1) this.#line.keepAlive(true);
    try {
      return await promise;
    } finally {
      if (--this.#holds === 0) this.#line.keepAlive(false);
    }
  }

  /** Opens a stream of which `onItem` gets all items, until it is cancelled. @returns its answer, and how to end it */
  async stream(
    call: string,
    onItem: (item: unknown) => void,
  ): Promise<{ readonly answer: unknown; readonly ended: Promise<void>; cancel(): void }> {
    const line = this.#line.isGone ? await this.held(this.#reached()) : this.#line;
    const { id, answer } = line.stream(call, onItem);
    const cancel = () => line.cancel(id);
    return { answer: await this.held(answer), ended: line.ended, cancel };
  }

  close(): void {
    this.#isClosed = true;
    this.#line.close();
  }

  /** All who ask while it is reached anew wait for the same. @throws MachineGone */
  #reached(): Promise<Line> {
    if (this.#isClosed) return Promise.reject(new MachineGone(CLOSED));
    this.#again ??= this.#reach().finally(() => {
      this.#again = undefined;
    });
    return this.#again;
  }

  async #reach(): Promise<Line> {
    const line = await Line.open(this.#folder).catch((error: unknown) => {
      throw saysNobody(error) ? new MachineGone(POWERED_OFF, { cause: error }) : error;
    });
    line.keepAlive(true);
    const { protocol, pid } = (await line.request("machine.about", [])) as MachineInfo;
    if (protocol !== PROTOCOL_VERSION || this.#isClosed) {
      line.close();
      if (this.#isClosed) throw new MachineGone(CLOSED);
      throw new MachineGone(`${POWERED_OFF}; its process ${pid} now is of another version of vfleet`);
    }
    this.#line = line;
    line.keepAlive(this.#holds > 0);
    return line;
  }
}

/** A socket, to one process for good. */
class Line {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiter>();
  readonly #streams = new Map<number, (item: unknown) => void>();
  readonly ended: Promise<void>;
  #lastId = 0;
  #gone = false;

  static async open(folder: string): Promise<Line> {
    const { path, close } = socketPath(folder);
    try {
      const socket = connect(path);
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      });
      return new Line(socket);
    } finally {
      close();
    }
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
    this.ended = new Promise((resolve) => {
      socket.on("close", () => {
        this.#gone = true;
        for (const { reject } of this.#waiting.values()) reject(new MachineGone(POWERED_OFF));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  request(call: string, args: readonly unknown[]): Promise<unknown> {
    return this.#request(++this.#lastId, call, args);
  }

  stream(call: string, onItem: (item: unknown) => void): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = ++this.#lastId;
    this.#streams.set(id, onItem);
    return { id, answer: this.#request(id, call, []) };
  }

  cancel(id: number): void {
    this.#streams.delete(id);
    this.request("cancel", [id]).catch(() => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A socket that is closed keeps nothing alive, and would wait to be connected with each of these calls. */
  keepAlive(wanted: boolean): void {
    if (this.#socket.destroyed) return;
    if (wanted) this.#socket.ref();
    else this.#socket.unref();
  }

  #request(id: number, call: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone) return Promise.reject(new MachineGone(POWERED_OFF));
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
