import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NS_PER_MS } from "./clock.ts";
import { injectFault } from "./fault.ts";
import { assignedMachine, below, enableVfs, functionNamed } from "./testing/assigned-machine.ts";

const PF = 0x0100;
const SLOT = { slot: { number: 3, surprise: true } };
const EXPRESS_PORT = 0x54;
const LNKCTL = EXPRESS_PORT + 0x10;
const LNKSTA = EXPRESS_PORT + 0x12;
const SLTCTL = EXPRESS_PORT + 0x18;
const SLTSTA = EXPRESS_PORT + 0x1a;
const SURPRISE_DOWN = 1 << 5;

function withSlot() {
  const machine = assignedMachine([below("82576", {}, SLOT)]);
  const port = functionNamed(machine, "root port 0");
  // Events of the slot so far are none of these tests' business.
  port.writeConfig(SLTSTA, 2, 0xffff);
  const present = () => machine.fabric.configRead(PF, 0, 2) === 0x8086;
  return { machine, port, present };
}

describe("links (PCIe 6.0 §7.5.3.6, §7.5.3.8)", () => {
  it("train to what both ends have, and show it at both", () => {
    const { machine, port } = withSlot();
    const device = functionNamed(machine, "82576");
    assert.equal(port.readConfig(LNKSTA, 2) & 0x23ff, 0x2011, "2.5 GT/s, one lane, active");
    assert.equal(device.readConfig(0xb2, 2) & 0x3ff, 0x011);
  });

  it("go down with Link Disable, without an error, and come back with a device that was reset", () => {
    const { machine, port, present } = withSlot();
    port.writeConfig(LNKCTL, 2, 0x10);
    assert.deepEqual([present(), port.readConfig(LNKSTA, 2) & 0x23ff], [false, 0]);
    assert.equal(port.readConfig(0x104, 4), 0);
    port.writeConfig(LNKCTL, 2, 0);
    machine.clock.advance(100 * NS_PER_MS);
    assert.equal(present(), true);
    assert.equal(machine.fabric.configRead(PF, 0x04, 2), 0);
  });

  it("are reset by Secondary Bus Reset, which leaves the VFs gone and the device 100 ms away (§6.6.1)", () => {
    const { machine, port, present } = withSlot();
    const pf = functionNamed(machine, "82576");
    enableVfs(machine, pf, 0x160, 3);
    port.writeConfig(0x3e, 2, 0x40);
    assert.equal(present(), false);
    port.writeConfig(0x3e, 2, 0);
    assert.equal(machine.fabric.configRead(PF, 0, 2), 0xffff);
    assert.equal(machine.fabric.completion, "request retry status");
    machine.clock.advance(100 * NS_PER_MS);
    assert.deepEqual([present(), pf.vfs?.numVfs], [true, 0]);
  });
});

describe("Request Retry Status (PCIe 6.0 §2.3.2)", () => {
  it("reads as Vendor ID 0001h with RRS Software Visibility", () => {
    const { machine, port } = withSlot();
    port.writeConfig(EXPRESS_PORT + 0x1c, 2, 0x10);
    machine.fabric.configWrite(PF, 0xa8, 2, 0x8000);
    assert.equal(machine.fabric.configRead(PF, 0, 4), 0xffff_0001);
    assert.equal(machine.fabric.configRead(PF, 4, 4), 0xffff_ffff);
  });
});

describe("faults", () => {
  it("link down: nothing answers, Surprise Down is logged; link up: the device is back, reset", () => {
    const { machine, port, present } = withSlot();
    injectFault(machine, { kind: "link down", port: "root port 0" });
    assert.deepEqual([present(), port.readConfig(0x104, 4)], [false, SURPRISE_DOWN]);
    assert.equal(port.readConfig(SLTSTA, 2) & 0x140, 0x140, "the card is still there, the link's state has changed");
    injectFault(machine, { kind: "link up", port: "root port 0" });
    machine.clock.advance(100 * NS_PER_MS);
    assert.equal(present(), true);
  });

  it("removal: the slot is empty, which it tells by an interrupt where that is enabled (§6.7.3.4); insertion: it is not", () => {
    const { machine, port, present } = withSlot();
    let interrupts = 0;
    machine.fabric.interruptSink = () => interrupts++;
    const bar0 = (port.readConfig(0x10, 4) & ~0xf) >>> 0;
    machine.fabric.memoryWrite(bar0, 4, 0xfee0_0000);
    machine.fabric.memoryWrite(bar0 + 12, 4, 0);
    port.writeConfig(0x4a, 2, 0x8000);
    port.writeConfig(SLTCTL, 2, 0x3c0 | 0x28);
    injectFault(machine, { kind: "removal", port: "root port 0" });
    assert.deepEqual([present(), port.readConfig(SLTSTA, 2) & 0x48, interrupts], [false, 0x08, 1]);
    injectFault(machine, { kind: "insertion", port: "root port 0" });
    machine.clock.advance(100 * NS_PER_MS);
    assert.deepEqual([present(), port.readConfig(SLTSTA, 2) & 0x48], [true, 0x48]);
    assert.throws(() => injectFault(machine, { kind: "insertion", port: "root port 0" }), RangeError);
  });

  it("the slot's power: off, nothing is there; on, a new device (§7.5.3.10)", () => {
    const { machine, port, present } = withSlot();
    port.writeConfig(SLTCTL, 2, 0x7c0);
    assert.deepEqual(
      [present(), port.readConfig(SLTSTA, 2) & 0x50],
      [false, 0x50],
      "the card is there, the command done",
    );
    port.writeConfig(SLTCTL, 2, 0x3c0);
    machine.clock.advance(100 * NS_PER_MS);
    assert.equal(present(), true);
  });

  it("hang: completions time out at the root port, until a reset of its bus", () => {
    const { machine, port, present } = withSlot();
    injectFault(machine, { kind: "hang", function: "82576" });
    assert.equal(present(), false);
    assert.equal(machine.fabric.completion, "timeout");
    assert.equal(port.readConfig(0x104, 4), 1 << 14);
    assert.equal(machine.fabric.portOf(functionNamed(machine, "82576")).span(0, 64, false), undefined);
    port.writeConfig(0x3e, 2, 0x40);
    port.writeConfig(0x3e, 2, 0);
    machine.clock.advance(100 * NS_PER_MS);
    assert.equal(present(), true);
  });

  it("hang of a VF leaves the others alone", () => {
    const { machine } = withSlot();
    const pf = functionNamed(machine, "82576");
    enableVfs(machine, pf, 0x160, 3);
    injectFault(machine, { kind: "hang", function: "82576", vf: 1 });
    const completions = [0, 1, 2].map((vf) => pf.vfs?.vf(vf)?.configCompletion);
    assert.deepEqual(completions, ["success", "timeout", "success"]);
  });

  it("poisoned read: the processor gets all ones once, the root port logs it", () => {
    const { machine, port } = withSlot();
    const bar0 = (machine.fabric.configRead(PF, 0x10, 4) & ~0xf) >>> 0;
    injectFault(machine, { kind: "poisoned read", function: "82576" });
    assert.equal(machine.fabric.memoryRead(bar0, 4), 0xffff_ffff);
    assert.equal(machine.fabric.completion, "poisoned");
    assert.equal(port.readConfig(0x104, 4), 1 << 12);
    assert.equal(machine.fabric.memoryRead(bar0, 4), 0);
  });

  it("poisoned DMA: the device's read fails once, and it logs that", () => {
    const { machine } = withSlot();
    const fn = functionNamed(machine, "82576");
    injectFault(machine, { kind: "poisoned dma", function: "82576" });
    const port = machine.fabric.portOf(fn);
    assert.deepEqual([port.span(0, 64, false), fn.readConfig(0x104, 4)], [undefined, 1 << 12]);
    assert.notEqual(port.span(0, 64, false), undefined);
  });

  it("firmware that offers fewer VFs: TotalVFs and InitialVFs say so", () => {
    const { machine } = withSlot();
    injectFault(machine, { kind: "vfs offered", function: "82576", totalVfs: 4 });
    assert.equal(machine.fabric.configRead(PF, 0x16c, 4), 0x0004_0004);
    enableVfs(machine, functionNamed(machine, "82576"), 0x160, 7);
    assert.equal(functionNamed(machine, "82576").vfs?.numVfs, 4);
    const late = { kind: "vfs offered", function: "82576", totalVfs: 8 } as const;
    assert.throws(() => injectFault(machine, late), RangeError);
  });

  it("an error of any kind, and the attention button", () => {
    const { machine, port } = withSlot();
    injectFault(machine, { kind: "error", function: "82576", error: "uncorrectableInternalError" });
    assert.equal(functionNamed(machine, "82576").readConfig(0xaa, 2) & 0x4, 0x4);
    injectFault(machine, { kind: "attention button", port: "root port 0" });
    assert.equal(port.readConfig(SLTSTA, 2) & 1, 1);
  });

  it("name a function or port that there is", () => {
    const { machine } = withSlot();
    assert.throws(() => injectFault(machine, { kind: "hang", function: "nobody" }), /no function is called "nobody"/);
    assert.throws(() => injectFault(machine, { kind: "link down", port: "82576" }), /is no port/);
    assert.throws(() => injectFault(machine, { kind: "hang", function: "82576", vf: 0 }), /no VF 0/);
  });
});
