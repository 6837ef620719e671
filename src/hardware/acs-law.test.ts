/** A law of Access Control Services: whatever they are set to, nothing takes a way that they forbid. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from "../pci/acs-quirks.ts";
import { ACS } from "../pci/extended/acs.ts";
import { AER } from "../pci/extended/aer.ts";
import type { DeviceDescription } from "./device-description.ts";
import { aer, endpoint } from "./devices/endpoint-capabilities.ts";
import type { Machine } from "./machine.ts";
import type { PciFunction } from "./pci-function.ts";
import { routeCompletion } from "./request-route.ts";
import { assignedMachine, functionNamed } from "./testing/assigned-machine.ts";

/** Of the Status register. */
const RECEIVED_MASTER_ABORT = 0x2000;

const OF_A_DEVICE = PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC | PCI_ACS_DT | (8 << 8);
const SERVICES = [PCI_ACS_SV, PCI_ACS_TB, PCI_ACS_RR, PCI_ACS_CR, PCI_ACS_UF, PCI_ACS_EC, PCI_ACS_DT];
/** From a card up to the root. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  "a.0": ["a.0", "switch port 0", "switch", "root port 0"],
  "a.1": ["a.1", "switch port 0", "switch", "root port 0"],
  b: ["b", "switch port 1", "switch", "root port 0"],
  c: ["c", "root port 1"],
};

function card(functions: number): DeviceDescription {
  const fn = {
    vendorId: 0x1234,
    deviceId: 0x1111,
    classCode: 0xff_00_00,
    bars: [{ index: 0, sizeBytes: 0x1_0000 }],
    capabilities: [endpoint(0x40, { generation: 3, width: 4 })],
    extendedCapabilities: [aer(0x100, 2), { definition: ACS, offset: 0x160, registers: { capability: OF_A_DEVICE } }],
  };
  return { name: "card", functions: Array.from({ length: functions }, () => fn), peerToPeer: true };
}

function entry(name: string, functions: number) {
  return { kind: "device" as const, name, device: card(functions) };
}

interface Settings {
  readonly controls: readonly number[];
  readonly vector: number;
}

const settings = fc.record<Settings>({
  controls: fc.array(
    fc.subarray(SERVICES).map((services) => services.reduce((bits, bit) => bits | bit, 0)),
    { minLength: 8, maxLength: 8 },
  ),
  vector: fc.integer({ min: 0, max: 3 }),
});

function built({ controls, vector }: Settings): Machine {
  const machine = assignedMachine([
    {
      kind: "root port",
      below: { kind: "switch", name: "switch", ports: [{ below: entry("a", 2) }, { below: entry("b", 1) }] },
    },
    { kind: "root port", below: entry("c", 1) },
  ]);
  let next = 0;
  for (const fn of machine.functions.values()) {
    const at = fn.template.offsetOf(ACS, true);
    if (at === undefined) continue;
    fn.writeConfig(at + 6, 2, controls[next++] ?? 0);
    if ((fn.config.read(at + 4, 2) & PCI_ACS_EC) !== 0) fn.writeConfig(at + 8, 4, vector);
  }
  return machine;
}

function controlOf(machine: Machine, name: string): number {
  const fn = functionNamed(machine, name);
  const at = fn.template.offsetOf(ACS, true);
  return at === undefined ? 0 : fn.config.read(at + 6, 2);
}

/** Where the ways of two cards part: who turns towards the other, and the ports before it that the first comes through. */
function turn(from: string, to: string): { turner: string; through: readonly string[]; above: readonly string[] } {
  const way = PATHS[from] ?? [];
  const other = PATHS[to] ?? [];
  const common = way.findIndex((name) => other.includes(name));
  const turner = way[(common === -1 ? way.length : common) - 1] ?? from;
  const at = way.indexOf(turner);
  return { turner, through: way.slice(1, at + 1), above: common === -1 ? [] : way.slice(common) };
}

const isPort = (name: string): boolean => name.includes("port");

const pairs = Object.keys(PATHS).flatMap((from) =>
  Object.keys(PATHS)
    .filter((to) => to !== from)
    .map((to) => [from, to] as const),
);

/** The ports above the turn send back down, which Upstream Forwarding alone allows. */
function forwarded(machine: Machine, above: readonly string[]): boolean {
  return above.filter(isPort).every((name) => (controlOf(machine, name) & PCI_ACS_UF) !== 0);
}

describe("Access Control Services (PCIe 6.0 §6.12)", () => {
  it("keep every request on the ways that they allow", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(settings, fc.boolean(), (chosen, translated) => {
        const machine = built(chosen);
        for (const [from, to] of pairs) {
          const target = functionNamed(machine, to);
          const { kind } = machine.fabric
            .portOf(functionNamed(machine, from))
            .route(target.claims()[0]?.start ?? 0, translated);
          seen.add(kind);
          const { turner, through, above } = turn(from, to);
          const control = controlOf(machine, turner);
          const direct = translated && (control & PCI_ACS_DT) !== 0;
          const stopped = through.some((name) => translated && (controlOf(machine, name) & PCI_ACS_TB) !== 0);
          const forbidden =
            (control & PCI_ACS_EC) !== 0 ? egressBit(machine, turner, to, chosen.vector) : (control & PCI_ACS_RR) !== 0;
          if (kind === "peer") {
            assert.ok(!stopped, `${from} to ${to}: a port blocks translated requests`);
            assert.ok(direct || !forbidden, `${from} to ${to}: ${turner} redirects or blocks`);
          } else if (kind === "root") {
            assert.ok(forwarded(machine, above), `${from} to ${to}: turned back above ${turner}`);
          }
        }
      }),
      { numRuns: 120 },
    );
    assert.deepEqual([...seen].sort(), ["blocked", "peer", "root", "unsupported"]);
  });

  it("keep every completion on the ways that they allow: redirected where it may not overtake", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(settings, fc.boolean(), (chosen, relaxed) => {
        const machine = built(chosen);
        for (const [from, to] of pairs) {
          const requester = functionNamed(machine, to);
          const { kind } = routeCompletion(functionNamed(machine, from), requester.routingId, relaxed);
          seen.add(kind);
          const { turner, above } = turn(from, to);
          const redirected = (controlOf(machine, turner) & PCI_ACS_CR) !== 0 && !relaxed;
          if (kind === "peer") assert.ok(!redirected, `${from} to ${to}: ${turner} redirects`);
          else {
            assert.ok(redirected, `${from} to ${to}: nobody redirects`);
            assert.equal(kind, forwarded(machine, above) ? "root" : "unexpected", `${from} to ${to}`);
          }
        }
      }),
      { numRuns: 120 },
    );
    assert.deepEqual([...seen].sort(), ["peer", "root", "unexpected"]);
  });

  it("let a read of a peer end with its data, or with a timeout where its completion strays", () => {
    const machine = built({ controls: [], vector: 0 });
    const [a, b] = [functionNamed(machine, "a.0"), functionNamed(machine, "b")];
    const read = () => machine.fabric.portOf(a).read(b.claims()[0]?.start ?? 0, new Uint8Array(4), 0, 4);
    assert.equal(read(), true);
    setAcs(machine, "switch port 1", PCI_ACS_CR);
    assert.equal(read(), false);
    assert.equal(uncorrectable(functionNamed(machine, "root port 0")), 1 << 16, "Unexpected Completion");
    assert.equal(uncorrectable(a), 1 << 14, "Completion Timeout");
    assert.equal(a.config.read(0x06, 2) & RECEIVED_MASTER_ABORT, 0, "nobody has answered Unsupported Request");
    setAcs(machine, "root port 0", PCI_ACS_UF);
    assert.equal(read(), true);
  });
});

/** Of the devices here: bit n is for function n. No port has a vector. */
function egressBit(machine: Machine, turner: string, to: string, vector: number): boolean {
  const fn = functionNamed(machine, turner);
  const target = functionNamed(machine, to);
  return !isPort(turner) && fn.devfn !== target.devfn && ((vector >>> target.devfn) & 1) !== 0;
}

function setAcs(machine: Machine, name: string, control: number): void {
  const fn = functionNamed(machine, name);
  fn.writeConfig((fn.template.offsetOf(ACS, true) ?? 0) + 6, 2, control);
}

function uncorrectable(fn: PciFunction): number {
  return fn.config.read((fn.template.offsetOf(AER, true) ?? 0) + AER.table.uncorrectableErrorStatus.offset, 4);
}
