/** What a network port is plugged into. */
export interface Wire {
  /** Takes a frame without its check sequence. The bytes are the sender's, and good only during the call. */
  transmit(from: WireEnd, bytes: Uint8Array, at: number, length: number): void;
}

/** A network port, as the wire sees it. */
export interface WireEnd {
  receive(bytes: Uint8Array, at: number, length: number): void;
}

/** A segment of Ethernet that joins any number of ports: each frame reaches all but its sender. */
export class NetworkSegment implements Wire {
  readonly #ends: WireEnd[] = [];

  join(end: WireEnd): void {
    this.#ends.push(end);
  }

  transmit(from: WireEnd, bytes: Uint8Array, at: number, length: number): void {
    for (const end of this.#ends) if (end !== from) end.receive(bytes, at, length);
  }
}
