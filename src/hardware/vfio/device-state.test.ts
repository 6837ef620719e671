import assert from "node:assert/strict";
import { test } from "node:test";
import { type MigrationFeatures, nextDeviceState, VFIO_DEVICE_STATES, type VfioDeviceState } from "./device-state.ts";

function way(features: MigrationFeatures, from: VfioDeviceState, to: VfioDeviceState): string {
  const states: string[] = [from];
  for (let at = from; at !== to; ) {
    const next = nextDeviceState(features, at, to);
    if (next === undefined) return "EINVAL";
    assert.ok(states.length < 8, `${states.join(" -> ")} goes in circles`);
    states.push(next);
    at = next;
  }
  return states.join(" -> ");
}

/** The comment over vfio_from_fsm_table: "if all optional features are supported, this means the following ones". */
const WITH_ALL = `
PRE_COPY -> PRE_COPY_P2P -> STOP_COPY
PRE_COPY -> RUNNING -> RUNNING_P2P
PRE_COPY -> RUNNING -> RUNNING_P2P -> STOP
PRE_COPY -> RUNNING -> RUNNING_P2P -> STOP -> RESUMING
PRE_COPY_P2P -> RUNNING_P2P -> RUNNING
PRE_COPY_P2P -> RUNNING_P2P -> STOP
PRE_COPY_P2P -> RUNNING_P2P -> STOP -> RESUMING
RESUMING -> STOP -> RUNNING_P2P
RESUMING -> STOP -> RUNNING_P2P -> PRE_COPY_P2P
RESUMING -> STOP -> RUNNING_P2P -> RUNNING
RESUMING -> STOP -> RUNNING_P2P -> RUNNING -> PRE_COPY
RESUMING -> STOP -> STOP_COPY
RUNNING -> RUNNING_P2P -> PRE_COPY_P2P
RUNNING -> RUNNING_P2P -> STOP
RUNNING -> RUNNING_P2P -> STOP -> RESUMING
RUNNING -> RUNNING_P2P -> STOP -> STOP_COPY
RUNNING_P2P -> RUNNING -> PRE_COPY
RUNNING_P2P -> STOP -> RESUMING
RUNNING_P2P -> STOP -> STOP_COPY
STOP -> RUNNING_P2P -> PRE_COPY_P2P
STOP -> RUNNING_P2P -> RUNNING
STOP -> RUNNING_P2P -> RUNNING -> PRE_COPY
STOP_COPY -> STOP -> RESUMING
STOP_COPY -> STOP -> RUNNING_P2P
STOP_COPY -> STOP -> RUNNING_P2P -> RUNNING
`;

/** Those that a driver must have by itself, of the same comment. */
const ARCS = `
RESUMING -> STOP
STOP -> RESUMING
STOP -> STOP_COPY
STOP_COPY -> STOP
RUNNING -> RUNNING_P2P
RUNNING_P2P -> RUNNING
RUNNING_P2P -> STOP
STOP -> RUNNING_P2P
PRE_COPY -> RUNNING
PRE_COPY -> PRE_COPY_P2P
PRE_COPY_P2P -> PRE_COPY
PRE_COPY_P2P -> RUNNING_P2P
PRE_COPY_P2P -> STOP_COPY
RUNNING -> PRE_COPY
RUNNING_P2P -> PRE_COPY_P2P
`;

test("all ways of a driver with P2P and PRE_COPY are those of vfio_mig_get_next_state's comment, and no others", () => {
  const found: string[] = [];
  for (const from of VFIO_DEVICE_STATES) {
    for (const to of VFIO_DEVICE_STATES) {
      if (from === to || from === "ERROR" || to === "ERROR") continue;
      found.push(way({ p2p: true, preCopy: true }, from, to));
    }
  }
  const written = [...WITH_ALL.trim().split("\n"), ...ARCS.trim().split("\n"), "EINVAL", "EINVAL"];
  assert.deepEqual(found.sort(), written.sort());
});

test("states that the driver lacks are skipped on the way, and refused as its end", () => {
  const none = { p2p: false, preCopy: false };
  assert.equal(way(none, "RUNNING", "STOP_COPY"), "RUNNING -> STOP -> STOP_COPY");
  assert.equal(way(none, "RESUMING", "RUNNING"), "RESUMING -> STOP -> RUNNING");
  assert.equal(way({ p2p: false, preCopy: true }, "PRE_COPY", "STOP_COPY"), "PRE_COPY -> STOP_COPY");
  assert.equal(
    way({ p2p: true, preCopy: false }, "RUNNING", "STOP_COPY"),
    "RUNNING -> RUNNING_P2P -> STOP -> STOP_COPY",
  );
  assert.equal(way(none, "RUNNING", "PRE_COPY"), "EINVAL");
  assert.equal(way({ p2p: true, preCopy: false }, "RUNNING", "PRE_COPY_P2P"), "EINVAL");
});

test("nothing leads out of ERROR, nor, asked for, into it; nor from STOP_COPY back to PRE_COPY", () => {
  const all = { p2p: true, preCopy: true };
  for (const state of VFIO_DEVICE_STATES) {
    assert.equal(nextDeviceState(all, "ERROR", state), undefined);
    assert.equal(nextDeviceState(all, state, "ERROR"), undefined);
  }
  assert.equal(nextDeviceState(all, "STOP_COPY", "PRE_COPY"), undefined);
  assert.equal(nextDeviceState(all, "STOP_COPY", "PRE_COPY_P2P"), undefined);
});
