import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  identityRecord,
  MOST_STATE_BYTES,
  type StateIdentity,
  StateReader,
  type StateRefusal,
  StateRefused,
  stateRecord,
} from "./state-stream.ts";

const OWN: StateIdentity = { kind: "82576 VF", version: 1, vendorId: 0x8086, deviceId: 0x10ca };
const STATE = { device: { queues: [1, 2, 0xffff_ffff] }, pf: [[2, 5]] };

function stream(identity = OWN): Uint8Array {
  return Uint8Array.from([...identityRecord(identity), ...stateRecord(STATE)]);
}

function read(bytes: Uint8Array, pieces: readonly number[] = [], own = OWN): unknown {
  const reader = new StateReader(own);
  let at = 0;
  for (const length of [...pieces, bytes.length]) {
    reader.write(bytes.subarray(at, at + length));
    at += length;
  }
  return reader.finish();
}

function reasonOf(run: () => unknown): StateRefusal | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StateRefused, String(error));
    return error.reason;
  }
}

test("a stream comes through in pieces of any size", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 30 })), (pieces) => assert.deepEqual(read(stream(), pieces), STATE)));
});

test("a stream with any bit the other way, cut anywhere, or with more after it, is refused", () => {
  const whole = stream();
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const damaged = whole.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.notEqual(
      reasonOf(() => read(damaged)),
      undefined,
      `bit ${bit}`,
    );
  }
  for (let length = 0; length < whole.length; length++) {
    assert.equal(
      reasonOf(() => read(whole.subarray(0, length))),
      "cut off",
    );
  }
  assert.notEqual(
    reasonOf(() => read(Uint8Array.from([...whole, 0]))),
    undefined,
  );
  assert.notEqual(
    reasonOf(() => read(Uint8Array.from([...whole, ...stateRecord(STATE)]))),
    undefined,
  );
});

test("another device's state, or another version's, is known as soon as its first record is there", () => {
  const cases: readonly (readonly [Partial<StateIdentity>, StateRefusal])[] = [
    [{ kind: "NVMe controller" }, "another device"],
    [{ vendorId: 0x15b3 }, "another device"],
    [{ deviceId: 0x10ed }, "another device"],
    [{ version: 2 }, "another version"],
  ];
  for (const [change, reason] of cases) {
    const reader = new StateReader(OWN);
    assert.equal(
      reasonOf(() => reader.write(identityRecord({ ...OWN, ...change }))),
      reason,
    );
  }
});

test("no stream takes more than its share of memory", () => {
  const reader = new StateReader(OWN);
  reader.write(identityRecord(OWN));
  const head = stateRecord(STATE).slice(0, 8);
  new DataView(head.buffer).setUint32(4, MOST_STATE_BYTES + 1, true);
  assert.equal(
    reasonOf(() => reader.write(head)),
    "too long",
  );
  assert.equal(
    reasonOf(() => new StateReader(OWN).write(new Uint8Array(2 * MOST_STATE_BYTES))),
    "too long",
  );
  assert.equal(
    reasonOf(() => read(crypto.getRandomValues(new Uint8Array(100)))),
    "not a state",
  );
});
