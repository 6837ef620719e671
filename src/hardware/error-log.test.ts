import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AER } from "../pci/extended/aer.ts";
import { logError } from "./error-log.ts";
import type { Machine } from "./machine.ts";
import type { PciFunction } from "./pci-function.ts";
import { assignedMachine, below, functionNamed } from "./testing/assigned-machine.ts";

const PF = 0x0100;
const AER_PF = 0x100;
const DEVCTL = 0xa8;
const DEVSTA = 0xaa;
const UNSUPPORTED_REQUEST = 1 << 20;
const ADVISORY = 0x2000;
const ROOT_STATUS = 0x130;
const ROOT_SOURCE = 0x134;

interface Setup {
  readonly machine: Machine;
  readonly fn: PciFunction;
  readonly root: PciFunction;
  aer(register: { readonly offset: number }): number;
}

function setup(device: string = "82576"): Setup {
  const machine = assignedMachine([below(device)]);
  const fn = functionNamed(machine, device);
  const root = functionNamed(machine, "root port 0");
  for (const each of [fn, root]) clearErrors(each);
  // Bridge Control: SERR# Enable.
  root.writeConfig(0x3e, 2, 0x2);
  return { machine, fn, root, aer: ({ offset }) => fn.config.read(AER_PF + offset, 4) };
}

/** As software does after it has looked for functions: absent ones made Unsupported Requests. */
function clearErrors(fn: PciFunction): void {
  const status = fn.express(0x0a);
  if (status !== undefined) fn.writeConfig(status, 2, 0xffff);
  const at = fn.template.offsetOf(AER, true);
  for (const register of [0x04, 0x10, 0x30]) if (at !== undefined) fn.writeConfig(at + register, 4, 0xffff_ffff);
}

describe("an uncorrectable error (PCIe 6.0 §6.2.5)", () => {
  it("is logged with its header and First Error Pointer, which stand until it is cleared (§6.2.4.2)", () => {
    const { fn, aer } = setup();
    logError(fn, "completerAbort", { header: [1, 2, 3, 4] });
    logError(fn, "poisonedTlpReceived", { header: [5, 6, 7, 8] });
    assert.equal(aer(AER.table.uncorrectableErrorStatus), (1 << 15) | (1 << 12));
    assert.equal(aer(AER.table.capabilitiesAndControl) & 0x1f, 15);
    assert.equal(aer(AER.table.headerLog3), 4);
    fn.writeConfig(AER_PF + 4, 4, 1 << 15);
    logError(fn, "acsViolation", { header: [9, 9, 9, 9] });
    assert.equal(aer(AER.table.capabilitiesAndControl) & 0x1f, 21);
    assert.equal(aer(AER.table.headerLog0), 9);
  });

  it("is neither in the Header Log nor reported while it is masked, yet in the status", () => {
    const { fn, root, aer } = setup();
    fn.writeConfig(DEVCTL, 2, 0xf);
    fn.writeConfig(AER_PF + 8, 4, 1 << 15);
    logError(fn, "completerAbort", { header: [1, 2, 3, 4] });
    assert.deepEqual([aer(AER.table.uncorrectableErrorStatus), aer(AER.table.headerLog0)], [1 << 15, 0]);
    assert.equal(root.readConfig(ROOT_STATUS, 4), 0);
  });

  it("reaches the root port with its source, fatal or not by its severity (§7.8.4.10)", () => {
    const { fn, root } = setup();
    fn.writeConfig(DEVCTL, 2, 0xf);
    logError(fn, "completerAbort");
    assert.equal(root.readConfig(ROOT_STATUS, 4), 0x24, "first uncorrectable, non-fatal");
    assert.equal(root.readConfig(ROOT_SOURCE + 2, 2), PF);
    logError(fn, "malformedTlp");
    assert.equal(root.readConfig(ROOT_STATUS, 4), 0x6c, "multiple, and a fatal one among them");
    assert.equal(fn.readConfig(DEVSTA, 2) & 0x6, 0x6);
  });

  it("goes no further than a port without SERR# Enable in Bridge Control (§7.5.1.3.13)", () => {
    const { fn, root } = setup();
    fn.writeConfig(DEVCTL, 2, 0xf);
    root.writeConfig(0x3e, 2, 0);
    logError(fn, "completerAbort");
    assert.equal(root.readConfig(ROOT_STATUS, 4), 0);
  });

  it("interrupts by the root port where Root Error Command says so (§7.8.4.9)", () => {
    const { machine, fn, root } = setup();
    const vectors: number[] = [];
    machine.fabric.interruptSink = ({ vector, requesterId }) => vectors.push(requesterId, vector);
    const bar0 = (root.readConfig(0x10, 4) & ~0xf) >>> 0;
    machine.fabric.memoryWrite(bar0, 4, 0xfee0_0000);
    machine.fabric.memoryWrite(bar0 + 8, 4, 0x61);
    machine.fabric.memoryWrite(bar0 + 12, 4, 0);
    root.writeConfig(0x4a, 2, 0x8000);
    root.writeConfig(0x12c, 4, 0x7);
    fn.writeConfig(DEVCTL, 2, 0xf);
    logError(fn, "completerAbort");
    assert.deepEqual(vectors, [root.routingId, 0x61]);
  });
});

describe("an Unsupported Request (PCIe 6.0 §2.3.1, §6.2.3.2.4)", () => {
  it("of a read is advisory: a correctable error, and masked at first no more than that", () => {
    const { machine, fn, aer } = setup();
    // Function 1 is not there.
    assert.equal(machine.fabric.configRead(PF + 1, 0, 4), 0xffff_ffff);
    assert.equal(fn.readConfig(DEVSTA, 2), 0x9, "Correctable Error Detected, Unsupported Request Detected");
    assert.equal(aer(AER.table.correctableErrorStatus), ADVISORY);
    assert.equal(aer(AER.table.uncorrectableErrorStatus), 0);
    fn.writeConfig(AER_PF + 0x14, 4, 0);
    machine.fabric.configRead(PF + 1, 0, 4);
    assert.equal(aer(AER.table.uncorrectableErrorStatus), UNSUPPORTED_REQUEST);
  });

  it("of a posted write is an error of its own", () => {
    const { machine, fn, aer } = setup();
    const bar0 = (fn.readConfig(0x10, 4) & ~0xf) >>> 0;
    fn.writeConfig(0x44, 2, 3);
    machine.fabric.memoryWrite(bar0, 4, 1);
    assert.equal(machine.fabric.completion, "success", "the processor does not learn of it");
    assert.equal(fn.readConfig(DEVSTA, 2), 0xa);
    assert.equal(aer(AER.table.uncorrectableErrorStatus), UNSUPPORTED_REQUEST);
  });

  it("of a VF is logged in the VF, by the PF's mask and severity (§9.4.2)", () => {
    const { machine, fn } = setup();
    fn.writeConfig(0x170, 2, 1);
    fn.writeConfig(0x168, 2, 0x9);
    machine.clock.advance(1e9);
    const vf = fn.vfs?.vf(0);
    assert.ok(vf);
    logError(vf, "completerAbort");
    assert.equal(vf.readConfig(0x104, 4), 1 << 15);
    assert.equal(fn.readConfig(0x104, 4), 0);
  });
});
