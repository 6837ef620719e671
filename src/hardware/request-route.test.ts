import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { acsPath } from "../pci/acs-path.ts";
import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from "../pci/acs-quirks.ts";
import { type Bdf, formatBdf, type RoutingId } from "../pci/bdf.ts";
import { decodeFunction } from "../pci/decode.ts";
import { ACS } from "../pci/extended/acs.ts";
import { AER } from "../pci/extended/aer.ts";
import { isolationModel } from "../pci/isolation-model.ts";
import { buildTopology } from "../pci/topology.ts";
import type { DeviceDescription } from "./device-description.ts";
import { aer, ats, endpoint } from "./devices/endpoint-capabilities.ts";
import type { Machine } from "./machine.ts";
import type { MachineDescription } from "./machine-description.ts";
import type { PciFunction } from "./pci-function.ts";
import { assignedMachine, functionNamed } from "./testing/assigned-machine.ts";

const REQUIRED = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
const BAR_BYTES = 0x1_0000;

/** A device with memory behind its BAR; it passes requests on between its functions where it has several. */
function card(functions: number, acs: number | undefined): DeviceDescription {
  const fn = {
    vendorId: 0x1234,
    deviceId: 0x1111,
    classCode: 0xff_00_00,
    bars: [{ index: 0, sizeBytes: BAR_BYTES }],
    capabilities: [endpoint(0x40, { generation: 3, width: 4 })],
    extendedCapabilities: [
      aer(0x100, 2),
      ats(0x150),
      ...(acs === undefined ? [] : [{ definition: ACS, offset: 0x160, registers: { capability: acs } }]),
    ],
  };
  return { name: "card", functions: Array.from({ length: functions }, () => fn), peerToPeer: true };
}

function entry(name: string, functions: number = 1, acs?: number) {
  return { kind: "device" as const, name, device: card(functions, acs) };
}

/** Two cards below one switch, and one below another root port. */
const SWITCH: MachineDescription["root"] = [
  {
    kind: "root port",
    below: { kind: "switch", name: "switch", ports: [{ below: entry("a") }, { below: entry("b") }] },
  },
  { kind: "root port", below: entry("c") },
];

function barOf(fn: PciFunction): number {
  return (fn.config.read(0x10, 4) & ~0xf) >>> 0;
}

function setAcs(fn: PciFunction, control: number): void {
  const at = fn.template.offsetOf(ACS, true);
  if (at !== undefined) fn.writeConfig(at + 6, 2, control);
}

function uncorrectable(fn: PciFunction): number {
  return fn.config.read((fn.template.offsetOf(AER, true) ?? 0) + AER.table.uncorrectableErrorStatus.offset, 4);
}

const ACS_VIOLATION = 1 << 21;

interface Setup {
  readonly machine: Machine;
  readonly a: PciFunction;
  readonly b: PciFunction;
  readonly ports: readonly PciFunction[];
  readonly root: PciFunction;
  kind(from: PciFunction, to: PciFunction, translated?: boolean): string;
}

function behindSwitch(controls: { readonly ports: number; readonly root: number }): Setup {
  const machine = assignedMachine(SWITCH);
  const ports = ["switch port 0", "switch port 1"].map((name) => functionNamed(machine, name));
  const root = functionNamed(machine, "root port 0");
  for (const port of ports) setAcs(port, controls.ports);
  setAcs(root, controls.root);
  const kind = (from: PciFunction, to: PciFunction, translated = false): string =>
    machine.fabric.portOf(from).route(barOf(to), translated).kind;
  return { machine, a: functionNamed(machine, "a"), b: functionNamed(machine, "b"), ports, root, kind };
}

describe("a request for a peer behind the same switch (PCIe 6.0 §6.12)", () => {
  it("goes straight to it without ACS, past the root and its IOMMU", () => {
    const { machine, a, b, kind } = behindSwitch({ ports: 0, root: 0 });
    assert.equal(kind(a, b), "peer");
    const written: number[] = [];
    b.attach({
      readBar: () => 0x5a5a_5a5a,
      writeBar: (_bar, offset, _size, value) => written.push(offset, value),
      reset: () => {},
      save: () => null,
      restore: () => {},
    });
    const port = machine.fabric.portOf(a);
    assert.equal(port.write(barOf(b) + 0x10, Uint8Array.of(1, 2, 3, 4), 0, 4), true);
    assert.deepEqual(written, [0x10, 0x0403_0201]);
    const target = new Uint8Array(4);
    assert.equal(port.read(barOf(b), target, 0, 4), true);
    assert.deepEqual([...target], [0x5a, 0x5a, 0x5a, 0x5a]);
  });

  it("goes up with P2P Request Redirect, and to the root if the port there forwards upwards", () => {
    const forwarding = behindSwitch({ ports: PCI_ACS_RR, root: PCI_ACS_UF });
    assert.equal(forwarding.kind(forwarding.a, forwarding.b), "root");
    const not = behindSwitch({ ports: PCI_ACS_RR, root: 0 });
    assert.equal(not.kind(not.a, not.b), "unsupported");
  });

  it("goes straight with a translated address and Direct Translated P2P, in spite of redirection (§6.12.3)", () => {
    const { a, b, kind } = behindSwitch({ ports: PCI_ACS_RR | PCI_ACS_DT, root: REQUIRED });
    assert.deepEqual([kind(a, b, true), kind(a, b, false)], ["peer", "root"]);
  });

  it("is blocked with a translated address and Translation Blocking, which is logged as an ACS Violation", () => {
    const { machine, a, ports } = behindSwitch({ ports: PCI_ACS_TB, root: 0 });
    a.writeConfig(0x150 + 6, 2, 0x8000);
    assert.equal(machine.fabric.portOf(a).translatedSpan(0x1000, 64, true), undefined);
    assert.equal(uncorrectable(ports[0] as PciFunction), ACS_VIOLATION);
  });
});

describe("ACS Source Validation (PCIe 6.0 §6.12.1.1)", () => {
  it("blocks a Requester ID of another bus, and logs it with the request's header", () => {
    const { machine, a, ports } = behindSwitch({ ports: PCI_ACS_SV, root: 0 });
    const port = ports[0] as PciFunction;
    assert.notEqual(machine.fabric.portOf(a).span(0x1000, 64, true), undefined);
    a.captureBus(0x55);
    assert.equal(machine.fabric.portOf(a).span(0x1000, 64, true), undefined);
    assert.equal(uncorrectable(port), ACS_VIOLATION);
    const aerAt = port.template.offsetOf(AER, true) ?? 0;
    assert.equal(port.config.read(aerAt + 0x18, 4) & 0x1f, 21, "First Error Pointer");
    assert.equal(port.config.read(aerAt + 0x20, 4) >>> 16, 0x5500, "the Requester ID in the Header Log");
    assert.equal(port.config.read(aerAt + 0x24, 4), 0x1000, "the address");
  });

  it("lets the same through where it is not enabled", () => {
    const { machine, a } = behindSwitch({ ports: 0, root: 0 });
    a.captureBus(0x55);
    assert.notEqual(machine.fabric.portOf(a).span(0x1000, 64, true), undefined);
  });
});

describe("ACS P2P Egress Control between the functions of a device (PCIe 6.0 §6.12.3, §7.7.11.4)", () => {
  const capability = PCI_ACS_RR | PCI_ACS_EC | (8 << 8);
  const setup = (control: number, vector: number) => {
    const machine = assignedMachine([{ kind: "root port", below: entry("card", 2, capability) }]);
    const from = functionNamed(machine, "card.0");
    from.writeConfig(0x168, 4, vector);
    setAcs(from, control);
    setAcs(functionNamed(machine, "root port 0"), REQUIRED);
    const to = functionNamed(machine, "card.1");
    return { from, to, port: machine.fabric.portOf(from) };
  };

  it("blocks where the peer's bit is set, redirects with P2P Request Redirect, and lets through where it is clear", () => {
    for (const [control, vector, kind] of [
      [PCI_ACS_EC, 0b10, "blocked"],
      [PCI_ACS_EC | PCI_ACS_RR, 0b10, "root"],
      [PCI_ACS_EC | PCI_ACS_RR, 0b00, "peer"],
      [PCI_ACS_RR, 0b00, "root"],
      [0, 0b10, "peer"],
    ] as const) {
      const { to, port } = setup(control, vector);
      assert.equal(port.route(barOf(to)).kind, kind, `control ${control}, vector ${vector}`);
    }
  });

  it("logs what it blocks at the function that sent it", () => {
    const { from, to, port } = setup(PCI_ACS_EC, 0b10);
    assert.equal(port.write(barOf(to), new Uint8Array(4), 0, 4), false);
    assert.equal(uncorrectable(from), ACS_VIOLATION);
  });
});

/** A machine in which every port on every path has a neighbour that can be a peer. */
const CONTROLS = fc.array(fc.constantFrom(0, PCI_ACS_RR, PCI_ACS_UF, PCI_ACS_SV, REQUIRED, REQUIRED | PCI_ACS_DT), {
  minLength: 6,
  maxLength: 6,
});

describe("peer-to-peer and the verdict of acs-path.ts", () => {
  const topologies = fc.record({
    functions: fc.integer({ min: 1, max: 2 }),
    endpointAcs: fc.option(fc.constant(PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_DT), { nil: undefined }),
    switchAcs: fc.boolean(),
    rootAcs: fc.boolean(),
    controls: CONTROLS,
  });

  it("agree: where a path is isolated no request of the function reaches a peer before the root", () => {
    let isolated = 0;
    fc.assert(
      fc.property(topologies, (topology) => {
        const machine = built(topology);
        const verdicts = verdictsOf(machine);
        for (const from of cards(machine)) {
          const verdict = verdicts(from);
          for (const to of cards(machine)) {
            if (to === from) continue;
            const { kind } = machine.fabric.portOf(from).route(barOf(to));
            if (verdict !== true) continue;
            isolated++;
            assert.equal(kind, "root", `${from.name} to ${to.name}`);
          }
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(isolated > 0, "some path was isolated");
  });

  it("agree: where redirection is missing on the way, there is a peer that a request reaches", () => {
    let open = 0;
    fc.assert(
      fc.property(topologies, (topology) => {
        const machine = built(topology);
        const verdicts = verdictsOf(machine, PCI_ACS_RR);
        for (const from of cards(machine)) {
          if (verdicts(from) !== false) continue;
          open++;
          const routes = cards(machine)
            .filter((to) => to !== from)
            .map((to) => machine.fabric.portOf(from).route(barOf(to)).kind);
          assert.ok(
            routes.some((kind) => kind === "peer"),
            from.name,
          );
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(open > 0, "some path was open");
  });
});

interface Topology {
  readonly functions: number;
  readonly endpointAcs: number | undefined;
  readonly switchAcs: boolean;
  readonly rootAcs: boolean;
  readonly controls: readonly number[];
}

function built({ functions, endpointAcs, switchAcs, rootAcs, controls }: Topology): Machine {
  const machine = assignedMachine([
    {
      kind: "root port",
      acs: rootAcs,
      below: {
        kind: "switch",
        name: "switch",
        ports: [
          { acs: switchAcs, below: entry("a", functions, endpointAcs) },
          { acs: switchAcs, below: entry("b") },
        ],
      },
    },
    { kind: "root port", acs: rootAcs, below: entry("c") },
  ]);
  const withAcs = [...machine.functions.values()].filter((fn) => fn.template.offsetOf(ACS, true) !== undefined);
  for (const [index, fn] of withAcs.entries()) setAcs(fn, controls[index % controls.length] as number);
  return machine;
}

function cards({ functions }: Machine): PciFunction[] {
  return [...functions.values()].filter(({ bars }) => bars.some(({ sizeBytes }) => sizeBytes === BAR_BYTES));
}

/** What src/pci/acs-path.ts says of the machine's own registers. */
function verdictsOf(machine: Machine, flags?: number): (fn: PciFunction) => boolean | null {
  const decoded = [...machine.functions.values()].map((fn) => decodeFunction(bdfOf(fn), fn.config.space));
  const model = isolationModel(buildTopology(decoded), { acs: "asConfigured", ivrs: false });
  return (fn) => {
    const device = model.devices.get(bdfOf(fn));
    if (device === undefined) throw new Error(`${fn.name} is not in the model`);
    return acsPath(model, device, flags).enabled;
  };
}

function bdfOf(fn: PciFunction): Bdf {
  return formatBdf(0, fn.routingId as RoutingId);
}
