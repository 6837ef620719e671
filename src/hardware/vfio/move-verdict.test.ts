import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeVfMove, type VfEnd } from "./move-verdict.ts";

const IDENTITY = { kind: "82576 VF", version: 1, vendorId: 0x8086, deviceId: 0x10ca } as const;
const SETTINGS = {
  mac: "02:00:00:00:00:01",
  macIsSet: false,
  vlan: 0,
  spoofChecked: true,
  trusted: false,
  maxTxRateMbps: 0,
};
const END: VfEnd = {
  identity: IDENTITY,
  driver: "igbvf_vfio_pci",
  features: { p2p: true, preCopy: true },
  settings: SETTINGS,
  subsystem: null,
  memoryBytes: 2 ** 29,
};
const NVME = { ...IDENTITY, kind: "NVMe controller", vendorId: 0x1b36, deviceId: 0x10 } as const;

interface Case {
  readonly what: string;
  readonly source?: Partial<VfEnd>;
  readonly destination?: Partial<VfEnd>;
  readonly devices?: number;
  readonly obstacle?: RegExp;
  readonly note?: RegExp;
}

const CASES: readonly Case[] = [
  { what: "two alike" },
  {
    what: "plain vfio-pci at the source",
    source: { driver: "vfio-pci", features: null },
    obstacle: /vfio-pci does not move the state of the VF; a failover pair/,
  },
  {
    what: "plain vfio-pci at the destination",
    destination: { driver: "vfio-pci", features: null },
    obstacle: /vfio-pci does not move the state of the destination's VF/,
  },
  { what: "no state", source: { identity: null }, obstacle: /no state that can be moved/ },
  { what: "other devices", destination: { identity: NVME }, obstacle: /82576 VF 8086:10ca here and NVMe controller/ },
  {
    what: "other versions",
    destination: { identity: { ...IDENTITY, version: 2 } },
    obstacle: /version 1 here and 2 there/,
  },
  {
    what: "an NVMe VF of another subsystem",
    source: { identity: NVME, settings: null, subsystem: "nqn.a" },
    destination: { identity: NVME, settings: null, subsystem: "nqn.b" },
    obstacle: /same NVM subsystem/,
  },
  {
    what: "an NVMe VF of the same subsystem",
    source: { identity: NVME, settings: null, subsystem: "nqn.a" },
    destination: { identity: NVME, settings: null, subsystem: "nqn.a" },
  },
  {
    what: "another VLAN",
    destination: { settings: { ...SETTINGS, vlan: 7 } },
    obstacle: /VLAN none here and in 7 there/,
  },
  {
    what: "another MAC address that is set there",
    destination: { settings: { ...SETTINGS, mac: "02:00:00:00:00:02", macIsSet: true } },
    obstacle: /its address is 02:00:00:00:00:01, and the PF there has set 02:00:00:00:00:02/,
  },
  { what: "the same MAC address, set there", destination: { settings: { ...SETTINGS, macIsSet: true } } },
  { what: "another MAC address of a VF there", destination: { settings: { ...SETTINGS, mac: "00:00:00:00:00:00" } } },
  {
    what: "two devices, one without P2P",
    destination: { features: { p2p: false, preCopy: true } },
    devices: 2,
    obstacle: /RUNNING_P2P/,
  },
  { what: "one device without P2P", destination: { features: { p2p: false, preCopy: true } } },
  { what: "too little memory", destination: { memoryBytes: 4096 }, obstacle: /there are 4096/ },
  { what: "no PRE_COPY", source: { features: { p2p: true, preCopy: false } }, note: /without PRE_COPY/ },
  { what: "no trust there", source: { settings: { ...SETTINGS, trusted: true } }, note: /not trusted there/ },
  {
    what: "no spoof check here",
    source: { settings: { ...SETTINGS, spoofChecked: false } },
    note: /checked for spoofing/,
  },
  { what: "a rate there", destination: { settings: { ...SETTINGS, maxTxRateMbps: 50 } }, note: /sends 50 Mb\/s there/ },
];

for (const { what, source, destination, devices = 1, obstacle, note } of CASES) {
  test(`${what}: ${obstacle === undefined ? "can be moved" : "cannot be moved"}`, () => {
    const verdict = judgeVfMove({ ...END, ...source }, { ...END, ...destination }, devices);
    assert.equal(verdict.possible, obstacle === undefined, verdict.obstacles.join("; "));
    assert.equal(verdict.obstacles.length, obstacle === undefined ? 0 : 1);
    if (obstacle !== undefined) assert.match(verdict.obstacles[0] ?? "", obstacle);
    assert.equal(verdict.notes.length, note === undefined ? 0 : 1);
    if (note !== undefined) assert.match(verdict.notes[0] ?? "", note);
  });
}
