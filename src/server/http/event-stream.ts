import type { ServerResponse } from "node:http";
import type { ObjectCache, ObjectEvent } from "../../fleet/object-cache.ts";

/** So much is written before it is waited until the socket has taken it. */
const PIECE_CHARS = 64 * 1024;
/** Looked at before a piece is written: of a stream about one host most may be about others. */
const MOST_EVENTS = 1000;
/** Whoever takes nothing for so long is let go. */
const MOST_STALL_MS = 2 * 60_000;

/** Which events a stream has. */
export interface StreamScope {
  readonly host: string | undefined;
  readonly kind: string | undefined;
}

/**
 * Events to one who watches, as fast as they are taken. What is not taken yet is a place in the cache, which all share, and not a
 * queue: a burst cuts nobody off who reads, and who does not read costs no more than a piece. Who is behind the last event that the
 * cache has is let go: it comes back, and is told to list anew.
 */
export class EventStream {
  readonly #raw: ServerResponse;
  readonly #cache: ObjectCache;
  readonly #texts: EventTexts;
  readonly #scope: StreamScope;
  #version: string;
  /** Since when the socket has not taken what was written. */
  #stalledAt: number | undefined;

  /** @param from the version after which it begins */
  constructor(raw: ServerResponse, cache: ObjectCache, texts: EventTexts, scope: StreamScope, from: string) {
    this.#raw = raw;
    this.#cache = cache;
    this.#texts = texts;
    this.#scope = scope;
    this.#version = from;
    raw.on("drain", () => {
      this.#stalledAt = undefined;
      this.pump();
    });
    // So that who is cut off before anything has changed knows where to go on.
    this.#write(`: watching\nid: ${from}\n\n`);
  }

  /** Sends what has happened since, until the socket takes no more. */
  pump(): void {
    while (this.#stalledAt === undefined && !this.#isOver) {
      const events = this.#cache.since(this.#version, MOST_EVENTS);
      if (events === undefined) {
        this.#raw.destroy();
        return;
      }
      if (events.length === 0) return;
      let piece = "";
      for (const event of events) {
        if (concerns(event, this.#scope)) piece += this.#texts.of(event);
        this.#version = event.object.metadata.resourceVersion;
        if (piece.length >= PIECE_CHARS) break;
      }
      if (piece !== "") this.#write(piece);
    }
  }

  /** That it is still there; or it is let go, where it has taken nothing for long. */
  beat(nowMs: number): void {
    if (this.#isOver) return;
    if (this.#stalledAt === undefined) this.#write(": alive\n\n");
    else if (nowMs - this.#stalledAt > MOST_STALL_MS) this.#raw.destroy();
  }

  /** Of who takes nothing, an end would be waited for in vain. */
  end(): void {
    if (this.#stalledAt === undefined) this.#raw.end();
    else this.#raw.destroy();
  }

  get #isOver(): boolean {
    return this.#raw.destroyed || this.#raw.writableEnded;
  }

  #write(text: string): void {
    if (!this.#raw.write(text)) this.#stalledAt = performance.now();
  }
}

/** Texts of the last events, made once for all who watch, as long as they are at about the same place. */
export class EventTexts {
  static readonly #mostChars = 16 * 1024 * 1024;
  readonly #texts = new Map<ObjectEvent, string>();
  #chars = 0;

  of(event: ObjectEvent): string {
    const known = this.#texts.get(event);
    if (known !== undefined) return known;
    const { type, object } = event;
    const text = `event: ${type}\nid: ${object.metadata.resourceVersion}\ndata: ${JSON.stringify(object)}\n\n`;
    this.#texts.set(event, text);
    this.#chars += text.length;
    for (const [old, { length }] of this.#texts) {
      if (this.#chars <= EventTexts.#mostChars) break;
      this.#texts.delete(old);
      this.#chars -= length;
    }
    return text;
  }
}

function concerns({ object }: ObjectEvent, { host, kind }: StreamScope): boolean {
  return (host === undefined || object.metadata.host === host) && (kind === undefined || object.kind === kind);
}
