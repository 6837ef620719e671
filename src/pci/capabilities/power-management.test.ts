import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { POWER_MANAGEMENT } from "./power-management.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

test("Power Management of a network card reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-pcie-2.txt", "01:00.0", POWER_MANAGEMENT, 0x40), {
    pmVersion: 3,
    pmeClock: false,
    immediateReadinessOnReturnToD0: false,
    deviceSpecificInitialization: true,
    auxCurrentMa: 0,
    d1Support: false,
    d2Support: false,
    pmeFromD0: true,
    pmeFromD1: false,
    pmeFromD2: false,
    pmeFromD3Hot: true,
    pmeFromD3Cold: true,
    powerState: "D0",
    noSoftReset: false,
    pmeEnable: false,
    dataSelect: 0,
    dataScale: 1,
    pmeStatus: false,
    b2B3Support: false,
    busPowerClockControlEnable: false,
    pmData: 0x1a,
  });
});

test("Power Management gives the auxiliary current in mA, and the sleeping state by name", () => {
  // PMC C9C2h: version 2, auxiliary current code 7, PME from D0, D3hot and D3cold. PMCSR 9F03h.
  assert.partialDeepStrictEqual(decodeBytes(POWER_MANAGEMENT, "c2c9 039f c0 55").values, {
    pmVersion: 2,
    auxCurrentMa: 375,
    powerState: "D3hot",
    pmeEnable: true,
    dataSelect: 15,
    dataScale: 0,
    pmeStatus: true,
    b2B3Support: true,
    busPowerClockControlEnable: true,
    pmData: 0x55,
  });
});
