import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBridge } from "./bridge.ts";
import { ConfigSpace } from "./config-space.ts";
import { configSpace } from "./testing/config-builder.ts";

/** A Type 1 header with bytes from 1Ch on (PCIe 6.0 §7.5.1.3). */
function bridge(...patch: [offset: number, bytes: number[]][]) {
  return decodeBridge(configSpace({ bridge: { primary: 0x80, secondary: 0x83, subordinate: 0x84 }, patch }));
}

describe("decodeBridge", () => {
  it("reads bus numbers", () => {
    const { primaryBus, secondaryBus, subordinateBus } = bridge() ?? {};
    assert.deepEqual([primaryBus, secondaryBus, subordinateBus], [0x80, 0x83, 0x84]);
  });

  it("reads a memory window from base to the end of the limit's MiB", () => {
    const memory = bridge([0x20, [0x00, 0xfe, 0x10, 0xfe]])?.windows.memory;
    assert.deepEqual(memory, { base: 0xfe00_0000n, limit: 0xfe1f_ffffn, open: true, wide: false });
  });

  it("reads a prefetchable window above 4 GiB", () => {
    const window = bridge([0x24, [0x01, 0x00, 0xf1, 0xff, 0x80, 0x03, 0, 0, 0x83, 0x03, 0, 0]])?.windows.prefetchable;
    assert.deepEqual(window, { base: 0x380_0000_0000n, limit: 0x383_ffff_ffffn, open: true, wide: true });
  });

  it("leaves the upper halves out where the window is of 32 bits", () => {
    const window = bridge([0x24, [0x00, 0xe0, 0xf0, 0xef, 9, 9, 9, 9, 9, 9, 9, 9]])?.windows.prefetchable;
    assert.deepEqual(window, { base: 0xe000_0000n, limit: 0xefff_ffffn, open: true, wide: false });
  });

  it("reads I/O windows of 16 and of 32 bits", () => {
    assert.deepEqual(bridge([0x1c, [0x10, 0x20]])?.windows.io, {
      base: 0x1000n,
      limit: 0x2fffn,
      open: true,
      wide: false,
    });
    const wide = bridge([0x1c, [0x01, 0xf1]], [0x30, [1, 0, 1, 0]])?.windows.io;
    assert.deepEqual(wide, { base: 0x1_0000n, limit: 0x1_ffffn, open: true, wide: true });
  });

  it("takes a base above the limit for closed", () => {
    assert.equal(bridge([0x20, [0xf0, 0xff, 0x00, 0x00]])?.windows.memory?.open, false);
    // All zeros pass on the first MiB: that is what the registers say.
    assert.deepEqual(bridge()?.windows.memory, { base: 0n, limit: 0xf_ffffn, open: true, wide: false });
  });

  it("gives null for what was not read", () => {
    const { bytes } = configSpace({ bridge: { secondary: 1 }, patch: [[0x24, [1, 0, 1, 0]]] });
    assert.equal(decodeBridge(new ConfigSpace(bytes, [[0, 0x1a]])), null);
    const { windows } = decodeBridge(new ConfigSpace(bytes, [[0, 0x2c]])) ?? {};
    assert.deepEqual([windows?.memory === null, windows?.prefetchable], [false, null]);
  });
});
