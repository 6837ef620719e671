import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS } from "../clock.ts";
import { vfioDeviceOf } from "../guests/card-host-guest.ts";
import { TenantMachine } from "../guests/testing/tenant-machine.ts";
import { frame } from "../nic/testing/card-with-guests.ts";
import type { MigrationFeatures } from "./device-state.ts";
import { VfioDevice, VfioRefused } from "./vfio-device.ts";

const ALL: MigrationFeatures = { p2p: true, preCopy: true };

function lab() {
  const tenants = new TenantMachine({ numVfs: 2, guestBytes: 2 ** 18, descriptors: 16 });
  const [moving, other] = [tenants.guest(0), tenants.guest(1)];
  return {
    tenants,
    moving,
    device: vfioDeviceOf(moving),
    /** Whether a frame of its neighbour reaches it. */
    send: () => other.driver.send(frame(moving.driver.address, other.driver.address)),
    pass: () => tenants.machine.clock.advance(NS_PER_MS),
    received: () => tenants.received[0]?.length,
    model: () => tenants.host.function(moving.rid).model,
  };
}

function readAll(device: VfioDevice): Uint8Array {
  const bytes: number[] = [];
  for (let piece = device.read(100); piece.length > 0; piece = device.read(100)) bytes.push(...piece);
  return Uint8Array.from(bytes);
}

test("in RUNNING_P2P a VF does no DMA and answers its registers; what it was about to tell is in its state", () => {
  const { device, moving, send, pass, received, model } = lab();
  send();
  send();
  assert.equal(received(), 1, "the second waits for its interval");
  device.setState("RUNNING_P2P");
  const memory = moving.memory.memory.bytes.slice();
  send();
  pass();
  assert.equal(received(), 1);
  assert.equal(Buffer.compare(moving.memory.memory.bytes, memory), 0);
  assert.equal(moving.mmio.read32(0x1524), 7, "EIMS");
  const saved = model()?.save();
  assert.ok(JSON.stringify(saved).includes('"due":2'), "of the vector for what is received");
  device.setState("STOP");
  assert.equal(moving.mmio.read32(0x1524), 0xffff_ffff);
  device.setState("RUNNING");
  pass();
  assert.equal(received(), 2);
});

test("data is what the device is in PRE_COPY, all of it in STOP_COPY, and none elsewhere", () => {
  const { device } = lab();
  assert.equal(device.remainingBytes, 0);
  device.setState("PRE_COPY");
  const identity = readAll(device);
  assert.equal(identity.length, 20);
  device.setState("STOP_COPY");
  const rest = readAll(device);
  assert.ok(rest.length > 300);
  device.setState("RUNNING");
  assert.equal(device.remainingBytes, 0);
  device.setState("STOP_COPY");
  assert.deepEqual([...readAll(device)], [...identity, ...rest], "without PRE_COPY before, in one");
});

test("a way that is refused changes nothing; one that fails ends in ERROR, from which a reset leads", () => {
  const { device, tenants, moving, model, send, pass, received } = lab();
  device.setState("STOP_COPY");
  assert.throws(() => device.setState("PRE_COPY"), /no way leads from STOP_COPY to PRE_COPY/);
  assert.equal(device.state, "STOP_COPY");
  assert.throws(() => device.write(new Uint8Array(1)), /nothing is taken in STOP_COPY/);
  device.setState("RESUMING");
  const before = JSON.stringify(model()?.save());
  assert.throws(() => device.setState("RUNNING"), /ends after 0 bytes/);
  assert.equal(device.state, "ERROR");
  assert.equal(JSON.stringify(model()?.save()), before);
  assert.throws(() => device.setState("RUNNING"), /no way leads from ERROR/);
  moving.detach();
  moving.attach(0);
  device.resetDone();
  assert.equal(device.state, "RUNNING");
  pass();
  send();
  assert.equal(received(), 1);
  tenants.host.function(moving.rid).faults.hung = true;
  assert.throws(
    () => device.setState("STOP_COPY"),
    (error) => error instanceof VfioRefused && error.errno === "EIO",
  );
  assert.equal(device.state, "ERROR");
});

test("a state of other shape is refused though its checks are right, and the VF stays as it was", () => {
  const { device, tenants, moving } = lab();
  const other = vfioDeviceOf(tenants.guest(1));
  other.setState("RESUMING");
  const model = tenants.host.function(tenants.guest(1).rid).model;
  const before = JSON.stringify(model?.save());
  const wrong = new VfioDevice({
    fabric: tenants.machine.fabric,
    rid: moving.rid,
    features: ALL,
    pfSide: { save: () => [["x"]], restore: () => undefined },
  });
  wrong.setState("STOP_COPY");
  other.write(readAll(wrong));
  assert.throws(() => other.setState("STOP"), /no requests of a VF/);
  assert.equal(JSON.stringify(model?.save()), before);
  wrong.setState("RUNNING");
  assert.equal(device.state, "RUNNING");
});

test("what the device writes is logged by its own addresses, and told once (VFIO_DEVICE_FEATURE_DMA_LOGGING)", () => {
  const { device, moving, send } = lab();
  assert.throws(() => device.reportLogged(), /nothing is logged/);
  assert.throws(() => device.startLogging(0, 100), /whole pages/);
  device.startLogging(0, moving.sizeBytes);
  assert.throws(() => device.startLogging(0, moving.sizeBytes), /already/);
  send();
  const pages = device.reportLogged();
  assert.equal(pages.length, 2, "a descriptor, and a buffer");
  assert.deepEqual(device.reportLogged(), []);
  device.stopLogging();
  send();
  assert.throws(() => device.reportLogged(), /nothing is logged/);
});

test("a function without a state of its own is none for VFIO migration", () => {
  const { tenants } = lab();
  const { fabric } = tenants.machine;
  assert.throws(
    () => new VfioDevice({ fabric, rid: tenants.host.pfRid, features: ALL }),
    (error) => error instanceof VfioRefused && error.errno === "ENODEV",
  );
  assert.throws(() => new VfioDevice({ fabric, rid: 0xff00, features: ALL }), /the VF is gone/);
});
