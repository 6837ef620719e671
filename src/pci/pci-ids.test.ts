import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PciIds } from "./pci-ids.ts";

const ids = new PciIds(
  [
    "# Version: 2025.01.02",
    "0001  First Vendor",
    "\t8086  A device whose ID is another's vendor",
    "8086  Intel Corporation",
    "\t10c9  82576 Gigabit Network Connection",
    "\t\t8086 a03c  Gigabit ET",
    "# a comment within",
    "\t\t8086 a15d  Gigabit EF",
    "\t10ca  82576 Virtual Function",
    "ffff  Illegal Vendor ID",
    "C 00  Unclassified device",
    "C 01  Mass storage controller",
    "\t08  Non-Volatile memory controller",
    "\t\t02  NVM Express",
    "C 02  Network controller",
    "",
  ].join("\n"),
);

test("PciIds finds names at each level, and none across levels", () => {
  assert.equal(ids.version, "2025.01.02");
  assert.equal(ids.vendor(0x8086), "Intel Corporation");
  assert.equal(ids.device(0x8086, 0x10ca), "82576 Virtual Function");
  assert.equal(ids.subsystem(0x8086, 0x10c9, 0x8086, 0xa15d), "Gigabit EF");
  assert.equal(ids.subsystem(0x8086, 0x10ca, 0x8086, 0xa03c), undefined);
  assert.equal(ids.device(0xffff, 0x10c9), undefined);
  assert.equal(ids.vendor(0x10c9), undefined);
});

test("PciIds names a class by its sub-class, else by its base class", () => {
  assert.equal(ids.deviceClass(0x010802), "Non-Volatile memory controller");
  assert.equal(ids.programmingInterface(0x010802), "NVM Express");
  assert.equal(ids.deviceClass(0x02ff00), "Network controller");
  assert.equal(ids.deviceClass(0xff0000), undefined);
});

test("the bundled pci.ids has the devices that SR-IOV is about", () => {
  const bundled = new PciIds(readFileSync(new URL("../../data/pci.ids", import.meta.url), "latin1"));
  assert.equal(bundled.device(0x8086, 0x10c9), "82576 Gigabit Network Connection");
  assert.equal(bundled.vendor(0x15b3), "Mellanox Technologies");
  assert.equal(bundled.deviceClass(0x020000), "Ethernet controller");
  assert.equal(bundled.subsystem(0x1002, 0x6798, 0x1787, 0x201c), "HD 7970 IceQ X²");
});
