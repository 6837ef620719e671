import type { DeviceState, MigratableModel } from "../device-model.ts";
import { frameCheckSequence } from "../nic/checksum.ts";

/** What a stream is of; only a device of the very same takes it. */
export interface StateIdentity {
  readonly kind: MigratableModel["stateKind"];
  readonly version: number;
  readonly vendorId: number;
  readonly deviceId: number;
}

const KINDS: readonly StateIdentity["kind"][] = ["82576 VF", "NVMe controller"];

/** "VFM" and the record's type. */
const MAGIC = 0x4d46_5600;
const IDENTITY = 1;
const STATE = 2;
const HEAD_BYTES = 8;
const CHECK_BYTES = 4;
const IDENTITY_BYTES = 8;
/** A device's state is of registers and lists of them; memory is not in it. */
export const MOST_STATE_BYTES = 1 << 20;

export type StateRefusal = "not a state" | "another device" | "another version" | "damaged" | "cut off" | "too long";

/** A stream that a device does not take. */
export class StateRefused extends Error {
  readonly reason: StateRefusal;

  constructor(text: string, options: ErrorOptions & { readonly reason: StateRefusal }) {
    super(text, options);
    this.name = "StateRefused";
    this.reason = options.reason;
  }
}

/** The first record of a stream, by which a destination sees in PRE_COPY already whether the rest is for it. */
export function identityRecord({ kind, version, vendorId, deviceId }: StateIdentity): Uint8Array {
  const payload = new Uint8Array(IDENTITY_BYTES);
  const view = new DataView(payload.buffer);
  [KINDS.indexOf(kind), version, vendorId, deviceId].forEach((word, index) => {
    view.setUint16(index * 2, word, true);
  });
  return record(IDENTITY, payload);
}

/** The second record, and the last. */
export function stateRecord(state: DeviceState): Uint8Array {
  return record(STATE, new TextEncoder().encode(JSON.stringify(state)));
}

/** Type and length, what it holds, and a check over all of it (CRC-32): a stream has been on a network. */
function record(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length + CHECK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC | type, true);
  view.setUint32(4, payload.length, true);
  bytes.set(payload, HEAD_BYTES);
  view.setUint32(bytes.length - CHECK_BYTES, frameCheckSequence(bytes, 0, bytes.length - CHECK_BYTES), true);
  return bytes;
}

/** Takes a stream in pieces of any size. */
export class StateReader {
  readonly #own: StateIdentity;
  readonly #bytes = new Uint8Array(MOST_STATE_BYTES + IDENTITY_BYTES + 2 * (HEAD_BYTES + CHECK_BYTES));
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Where the record begins that is not whole yet. */
  #at = 0;
  #expected = IDENTITY;
  #state: { readonly state: DeviceState } | undefined;

  /** @param own what the device is that the stream is for */
  constructor(own: StateIdentity) {
    this.#own = own;
  }

  /** @throws StateRefused as soon as it is seen that the stream is not for this device, or not whole */
  write(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#bytes.length) {
      throw new StateRefused(`a device's state has no more than ${MOST_STATE_BYTES} bytes`, { reason: "too long" });
    }
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
    while (this.#takeRecord());
  }

  /** @throws StateRefused where the stream has not come to its end */
  finish(): DeviceState {
    if (this.#state === undefined || this.#at !== this.#length) {
      throw new StateRefused(`the stream ends after ${this.#length} bytes, amid a record`, { reason: "cut off" });
    }
    return this.#state.state;
  }

  #takeRecord(): boolean {
    const available = this.#length - this.#at;
    if (available < HEAD_BYTES) return false;
    if (this.#view.getUint32(this.#at, true) !== (MAGIC | this.#expected)) {
      throw new StateRefused(`no record of a device's state begins at byte ${this.#at}`, { reason: "not a state" });
    }
    const length = this.#view.getUint32(this.#at + 4, true);
    if (length > (this.#expected === IDENTITY ? IDENTITY_BYTES : MOST_STATE_BYTES)) {
      throw new StateRefused(`a record of ${length} bytes`, { reason: "too long" });
    }
    const whole = HEAD_BYTES + length + CHECK_BYTES;
    if (available < whole) return false;
    const check = this.#view.getUint32(this.#at + HEAD_BYTES + length, true);
    if (check !== frameCheckSequence(this.#bytes, this.#at, HEAD_BYTES + length)) {
      throw new StateRefused(`the record at byte ${this.#at} was changed on its way`, { reason: "damaged" });
    }
    this.#takePayload(this.#at + HEAD_BYTES, length);
    this.#at += whole;
    return true;
  }

  #takePayload(at: number, length: number): void {
    if (this.#expected === IDENTITY) {
      this.#checkIdentity(at);
      this.#expected = STATE;
      return;
    }
    // Nothing comes after it.
    this.#expected = 0;
    try {
      this.#state = { state: JSON.parse(new TextDecoder().decode(this.#bytes.subarray(at, at + length))) };
    } catch (error) {
      throw new StateRefused(`the record at byte ${this.#at} holds none`, { reason: "not a state", cause: error });
    }
  }

  #checkIdentity(at: number): void {
    const [kind, version, vendorId, deviceId] = [0, 2, 4, 6].map((word) => this.#view.getUint16(at + word, true));
    const own = this.#own;
    if (KINDS[kind as number] !== own.kind || vendorId !== own.vendorId || deviceId !== own.deviceId) {
      const given = `${KINDS[kind as number] ?? "unknown device"} ${id(vendorId)}:${id(deviceId)}`;
      throw new StateRefused(`the state is of ${given}, not of ${nameOf(own)}`, { reason: "another device" });
    }
    if (version !== own.version) {
      throw new StateRefused(`the state is written as version ${version}, read is ${own.version}`, {
        reason: "another version",
      });
    }
  }
}

/** As messages call it. */
export function nameOf({ kind, vendorId, deviceId }: StateIdentity): string {
  return `${kind} ${id(vendorId)}:${id(deviceId)}`;
}

function id(value: number | undefined): string {
  return (value ?? 0).toString(16).padStart(4, "0");
}
