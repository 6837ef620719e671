import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenBy, chosenTitle } from "./chosen.ts";
import { type Fact, guestFacts, pfFacts, vfFacts } from "./facts.ts";
import { capturedObjects, first } from "./testing/captured-objects.ts";

const HOST = "igb-vfs";

function valueIn(facts: readonly Fact[], label: string): string | null | undefined {
  return facts.find((fact) => fact.label === label)?.value;
}

test("pfFacts tell what was read, and of what was not read why", async () => {
  const facts = pfFacts(first(await capturedObjects(HOST, "PhysicalFunction")));
  assert.equal(valueIn(facts, "Driver"), "igb");
  assert.equal(valueIn(facts, "IDs"), "8086:10c9");
  assert.match(valueIn(facts, "VFs") ?? "", /^\d of at most 7 \(the hardware has 8\)$/);
  assert.match(valueIn(facts, "Interface") ?? "", /^\w+: ([0-9a-f]{2}:){5}[0-9a-f]{2}, MTU 1500, /);
  const eswitch = facts.find(({ label }) => label === "eSwitch");
  assert.equal(eswitch?.value, null, "no capture has what devlink shows");
  assert.notEqual(eswitch?.note ?? "", "");
});

test("vfFacts tell a driver that is not bound from one that was not read", async () => {
  const vf = first(await capturedObjects(HOST, "VirtualFunction"));
  const withDriver = (driver: string | null, unknown: Record<string, string>) =>
    vfFacts({ ...vf, status: { ...vf.status, driver, unknown } }).find(({ label }) => label === "Driver");
  assert.deepEqual(withDriver(null, {}), { label: "Driver", value: "none is bound" });
  assert.deepEqual(withDriver(null, { driver: "EIO" }), { label: "Driver", value: null, note: "EIO" });
  assert.equal(withDriver("vfio-pci", {})?.value, "vfio-pci");
});

test("guestFacts say why no VF can be given", () => {
  const status = {
    address: "qemu:web",
    uuid: null,
    pid: 7,
    running: true,
    devices: [],
    unreachable: "its monitor is taken",
  };
  const metadata = { name: "qemu:web", host: HOST, resourceVersion: "1" };
  const facts = guestFacts({ apiVersion: "vfleet.dev/v1alpha1", kind: "Guest", metadata, status });
  assert.equal(valueIn(facts, "VFs can be given to it"), "no: its monitor is taken");
});

test("chosenBy finds objects by their names, VFs by their addresses too, and any other function", async () => {
  const [pfs, vfs] = await Promise.all([
    capturedObjects(HOST, "PhysicalFunction"),
    capturedObjects(HOST, "VirtualFunction"),
  ]);
  const [pf, vf] = [first(pfs), first(vfs)];
  const chosen = (name: string) => chosenBy(name, pfs, vfs, []);
  const ofPf = chosen(pf.metadata.name);
  assert.ok(ofPf.kind === "pf" && ofPf.vfs.length === pf.status.numVfs);
  for (const name of [vf.metadata.name, vf.status.bdf ?? ""]) {
    const ofVf = chosen(name);
    assert.ok(ofVf.kind === "vf" && ofVf.vf === vf && ofVf.pf === pf);
    assert.equal(chosenTitle(ofVf, name), `VF 0 of ${pf.metadata.name}`);
  }
  assert.deepEqual(chosen("0000:00:1c.4"), { kind: "function", bdf: "0000:00:1c.4" });
  assert.deepEqual(chosen(`${pf.metadata.name}-vf99`), { kind: "none" });
});
