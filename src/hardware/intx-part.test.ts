import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeviceDescription } from "./device-description.ts";
import { endpoint, msi } from "./devices/endpoint-capabilities.ts";
import { injectFault } from "./fault.ts";
import { buildMachine, type Machine } from "./machine.ts";
import type { MachineDescription } from "./machine-description.ts";
import { restoreMachine, saveMachine } from "./machine-state.ts";
import { bringUp, nvmeMachine } from "./nvme/testing/nvme-machine.ts";
import type { PciFunction } from "./pci-function.ts";
import { assignedMachine, functionNamed } from "./testing/assigned-machine.ts";

const COMMAND = 4;
const INTX_DISABLE = 0x400;
const MASTER = 4;
const INTERRUPT_STATUS = 0x8;
const MSI = 0x60;
const NVME_MSIX_CONTROL = 0x42;
const INTMS = 0x0c;
const INTMC = 0x10;
const NO_COMMAND = { opcode: 0xff };

/** A device of so many functions, with INTA, INTB, ... and MSI. */
function card(functions: number): DeviceDescription {
  const each = (index: number) => ({
    vendorId: 0x1234,
    deviceId: 0x1111,
    classCode: 0xff_00_00,
    interruptPin: index + 1,
    capabilities: [endpoint(0x40, { generation: 3, width: 4 }), msi(MSI + 0x20)],
  });
  return { name: "card", functions: Array.from({ length: functions }, (_, index) => each(index)), peerToPeer: false };
}

function entry(name: string, functions: number) {
  return { kind: "device" as const, name, device: card(functions) };
}

/** Below ports 0 and 1 of a switch at 00:01.0, and below a root port at 00:02.0. */
const ROOT: MachineDescription["root"] = [
  {
    kind: "root port",
    below: { kind: "switch", name: "switch", ports: [{ below: entry("a", 2) }, { below: entry("b", 1) }] },
  },
  { kind: "root port", slot: { number: 1 }, below: entry("c", 1) },
];

function heard(machine: Machine): string[] {
  const events: string[] = [];
  machine.fabric.intxSink = (input, asserted) => events.push(`${asserted ? "+" : "-"}${input}`);
  return events;
}

function pending(fn: PciFunction, is = true): void {
  assert.ok(fn.intx);
  fn.intx.setPending(is);
}

describe("INTx (PCIe 6.0 §2.2.8.1, §6.1.2)", () => {
  it("is turned by each bridge with the device number that it comes from, and by the chipset at the root", () => {
    const machine = assignedMachine(ROOT);
    const events = heard(machine);
    // At the root is device 1; of the switch's ports device 0 leaves the pin, device 1 turns it by one.
    for (const [name, input] of [
      ["a.0", 21],
      ["a.1", 22],
      ["b", 22],
      ["c", 22],
    ] as const) {
      const fn = functionNamed(machine, name);
      pending(fn);
      pending(fn, false);
      assert.deepEqual(events.splice(0), [`+${input}`, `-${input}`], name);
    }
    for (const name of ["a.1", "b", "c"]) pending(functionNamed(machine, name));
    assert.deepEqual(events.splice(0), ["+22"]);
    // Three share one input: it is asserted until the last has been served.
    for (const name of ["a.1", "b"]) pending(functionNamed(machine, name), false);
    assert.deepEqual(events, []);
    pending(functionNamed(machine, "c"), false);
    assert.deepEqual(events, ["-22"]);
  });

  it("is not sent with Interrupt Disable, which leaves Interrupt Status; Bus Master Enable is none of its business", () => {
    const machine = assignedMachine(ROOT);
    const events = heard(machine);
    const fn = functionNamed(machine, "c");
    fn.writeConfig(COMMAND, 2, INTX_DISABLE | MASTER);
    pending(fn);
    assert.deepEqual(events, []);
    assert.equal(fn.readConfig(6, 2) & INTERRUPT_STATUS, INTERRUPT_STATUS);
    fn.writeConfig(COMMAND, 2, 0);
    fn.writeConfig(COMMAND, 2, INTX_DISABLE);
    assert.deepEqual(events, ["+22", "-22"]);
    pending(fn, false);
    assert.equal(fn.readConfig(6, 2) & INTERRUPT_STATUS, 0);
  });

  it("ends where MSI is enabled, with a reset, and with the link", () => {
    const machine = assignedMachine(ROOT);
    const events = heard(machine);
    const fn = functionNamed(machine, "c");
    pending(fn);
    fn.writeConfig(MSI + 0x22, 2, 1);
    assert.equal(fn.readConfig(6, 2) & INTERRUPT_STATUS, 0);
    fn.writeConfig(MSI + 0x22, 2, 0);
    assert.deepEqual(events.splice(0), ["+22", "-22", "+22"]);
    fn.reset("flr");
    assert.deepEqual(events.splice(0), ["-22"]);
    pending(fn);
    // The port's own slot tells of the link by the same wire only where that is enabled, and it is not.
    injectFault(machine, { kind: "removal", port: "root port 1" });
    assert.deepEqual(events.splice(0), ["+22", "-22"]);
    assert.deepEqual([...machine.fabric.intxInputs], []);
  });

  it("goes with a saved machine", () => {
    const machine = assignedMachine(ROOT);
    pending(functionNamed(machine, "a.0"));
    const other = buildMachine(machine.description);
    const events = heard(other);
    restoreMachine(other, JSON.parse(JSON.stringify(saveMachine(machine))));
    assert.deepEqual([...other.fabric.intxInputs], [21]);
    assert.deepEqual(events, ["+21"]);
  });

  it("of a port with a slot tells of events that are enabled, until they are cleared", () => {
    const machine = assignedMachine(ROOT);
    const port = functionNamed(machine, "root port 1");
    const events = heard(machine);
    const control = port.express(0x18) ?? 0;
    // Presence Detect Changed and Hot-Plug Interrupt Enable, power on.
    port.writeConfig(control, 2, (port.readConfig(control, 2) & ~0x400) | 0x28);
    port.writeConfig(control + 2, 2, 0x11f);
    events.length = 0;
    injectFault(machine, { kind: "removal", port: "root port 1" });
    assert.deepEqual(events, ["+22"]);
    port.writeConfig(control + 2, 2, 0x11f);
    assert.deepEqual(events, ["+22", "-22"]);
  });
});

describe("INTx of an NVMe controller", () => {
  it("is there while a completion waits that INTMS does not mask; its VFs have none", () => {
    const machine = nvmeMachine();
    const events = heard(machine);
    const { pf, primary, vfs } = bringUp(machine);
    assert.deepEqual(events, [], "MSI-X is in use");
    machine.fabric.configWrite(pf.routingId, NVME_MSIX_CONTROL, 2, 0);
    assert.equal(primary.admin(NO_COMMAND).status & 0x7ff, 1, "invalid opcode");
    assert.deepEqual(events.splice(0), ["+21", "-21"], "asserted by the completion, deasserted by the head doorbell");
    const bar = pf.claims()[0]?.start ?? 0;
    machine.fabric.memoryWrite(bar + INTMS, 4, 1);
    primary.admin(NO_COMMAND);
    assert.deepEqual(events, []);
    machine.fabric.memoryWrite(bar + INTMC, 4, 1);
    assert.deepEqual(events, []);
    for (const { fn } of vfs) {
      assert.equal(fn.readConfig(0x3d, 1), 0);
      assert.equal(fn.intx, undefined);
    }
  });
});
