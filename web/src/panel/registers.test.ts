import assert from "node:assert/strict";
import { test } from "node:test";
import { configSpace } from "../../../src/pci/testing/config-builder.ts";
import { changedFields, filterGroups, functionRegisters, type RegisterGroup } from "./registers.ts";

const PF = {
  portType: 0,
  sriov: { totalVfs: 8, firstVfOffset: 0x80, vfStride: 2, numVfs: 7, vfEnable: true },
  // Of an ID that no table has.
  extended: [{ id: 0xfff, dwords: [0x04030201] }],
  patch: [[0x10, [0x04, 0, 0x10, 0xc0]]] as const,
};

function registers(options: Parameters<typeof configSpace>[0], size = 4096) {
  const space = configSpace(options);
  return functionRegisters("0000:01:00.0", space.hexDump(0, size));
}

function fieldOf(groups: readonly RegisterGroup[], register: string, field: string) {
  const found = groups.flatMap((group) => group.registers).find(({ name }) => name === register);
  return { register: found, field: found?.fields.find(({ name }) => name === field) };
}

test("functionRegisters has each field by its name in the standard, with its place, value and meaning", () => {
  const { groups, problems } = registers(PF);
  assert.deepEqual(problems, []);
  const { register, field } = fieldOf(groups, "PCI_SRIOV_NUM_VF", "numVfs");
  assert.deepEqual([register?.offset, register?.raw, register?.spec], ["110h", "0007", "PCIe 6.0 §9.3.3.7"]);
  assert.deepEqual(field, {
    name: "numVfs",
    bits: "all",
    access: "RW",
    raw: "0007",
    value: "7",
    doc: "VFs asked for; fixed while VF Enable is set",
  });
  const enable = fieldOf(groups, "PCI_SRIOV_CTRL", "vfEnable").field;
  assert.deepEqual([enable?.bits, enable?.raw, enable?.value], ["0", "1", "yes"]);
});

test("functionRegisters shows BARs, and the bytes of a capability without a definition", () => {
  const { groups } = registers(PF);
  assert.deepEqual(groups[0]?.derived, [{ name: "BAR 0", value: "memory at 0xc0100000 (64-bit, non-prefetchable)" }]);
  const unknown = groups.find(({ title }) => title.startsWith("Capability without a definition, ID fffh"));
  assert.match(unknown?.derived[0]?.value ?? "", /^ff 0f 01 00 01 02 03 04/);
});

test("functionRegisters has registers of tables, each entry by its number", () => {
  // Enhanced Allocation-like tables are of few devices; Virtual Channels have a register set for each of them.
  const virtualChannels = { id: 0x02, dwords: [1, 0, 0, 0, 0x80000001, 0, 0, 0, 0] };
  const { groups } = registers({ portType: 0, extended: [virtualChannels] });
  const names = groups.flatMap((group) => group.registers).map(({ name }) => name);
  assert.ok(names.some((name) => / 0: /.test(name)) && names.some((name) => / 1: /.test(name)), names.join());
  const keys = groups.flatMap((group) => group.registers.map(({ key }) => `${group.key} ${key}`));
  assert.equal(new Set(keys).size, keys.length, "no two have one key");
});

test("functionRegisters says of what was not read that it is unknown", () => {
  const all = configSpace(PF).hexDump(0, 4096).split(" ");
  const { groups, problems } = functionRegisters(
    "0000:01:00.0",
    all.map((byte, at) => (at === 0x04 ? "--" : byte)).join(" "),
  );
  const { register, field } = fieldOf(groups, "PCI_COMMAND", "busMasterEnable");
  assert.deepEqual([register?.raw, field?.raw, field?.value], [null, null, "unknown: not read"]);
  assert.match(problems[0] ?? "", /nothing is known at 4h/);
});

test("filterGroups finds fields by name and meaning, registers by name, and groups as a whole", () => {
  const { groups } = registers(PF);
  const found = filterGroups(groups, " NumVFs ");
  assert.deepEqual(
    found.flatMap((group) => group.registers).flatMap((register) => register.fields.map(({ name }) => name)),
    // What comes second depends on it, says its meaning.
    ["numVfs", "firstVfOffset"],
  );
  const [sriov] = filterGroups(groups, "single root");
  assert.ok((sriov?.registers.length ?? 0) > 10);
  assert.equal(filterGroups(groups, "PCI_SRIOV_CTRL")[0]?.registers[0]?.fields.length, 6);
  assert.deepEqual(filterGroups(groups, "no such word"), []);
  assert.equal(filterGroups(groups, ""), groups);
});

test("changedFields names what reads otherwise, and not what was not read", () => {
  const before = registers(PF).groups;
  const now = registers({ ...PF, sriov: { ...PF.sriov, numVfs: 0, vfEnable: false } }).groups;
  assert.deepEqual([...changedFields(before, now)].map((key) => key.split(" ").at(-1)).sort(), [
    "numVfs",
    "vfEnable",
    "vfMse",
  ]);
  assert.equal(changedFields([], now).size, 0, "at first nothing has changed");
  const unread = registers(PF, 0x108).groups;
  assert.equal(changedFields(before, unread).size + changedFields(unread, before).size, 0);
});
