import assert from "node:assert/strict";
import { test } from "node:test";
import { accessMask } from "../register.ts";
import { extendedCapability } from "../testing/config-builder.ts";
import { DPC } from "./dpc.ts";

test("DPC decodes capability, control, status and source of a switch port", () => {
  // PCIe 6.0 §7.9.14.2: bits 6, 7, 12 · §7.9.14.3: trigger 2, completion UR, interrupt · status: triggered, reason 1.
  const { values, sizeBytes } = extendedCapability(DPC, [0x000e_10c3, 0x0208_000b]);
  assert.equal(values.dpcInterruptMessageNumber, 3);
  assert.equal(values.rpExtensionsForDpc, false);
  assert.equal(values.poisonedTlpEgressBlockingSupported, true);
  assert.equal(values.dpcSoftwareTriggeringSupported, true);
  assert.equal(values.dlActiveErrCorSignalingSupported, true);
  assert.equal(values.dpcTriggerEnable, "non-fatal or fatal");
  assert.equal(values.dpcCompletionControl, "unsupported request");
  assert.equal(values.dpcInterruptEnable, true);
  assert.equal(values.dpcErrCorEnable, false);
  assert.equal(values.dpcTriggerStatus, true);
  assert.equal(values.dpcTriggerReason, "ERR_NONFATAL received");
  assert.equal(values.dpcInterruptStatus, true);
  assert.equal(values.dpcErrorSourceId, 0x0208);
  assert.equal("memUrCompletionStatus" in values, false);
  assert.equal(sizeBytes, 0x0c);
});

test("DPC has the RP PIO registers with RP Extensions, and logs as large as it says", () => {
  const registers = [0x0004_0000, 0x0007_0707, 0x0001_0000, 0, 0x0000_0001];
  const logs = [0x4a00_0001, 0x0100_0004, 0x0200_0000, 0, 0xdead_beef, 0x1111_1111, 0x2222_2222];
  // RP Extensions, log size 7: header 4, ImpSpec 1, prefixes 2.
  const { values, sizeBytes } = extendedCapability(DPC, [0x0000_0720, 0, ...registers, ...logs]);
  assert.equal(values.memCompletionTimeoutStatus, true);
  assert.equal(values.memUrCompletionStatus, false);
  assert.equal(values.cfgUrCompletionMask, true);
  assert.equal(values.memUrCompletionSeverity, true);
  assert.equal(values.cfgUrCompletionSysError, false);
  assert.equal(values.cfgUrCompletionException, true);
  assert.equal(values.rpPioHeaderLog0, "4a000001");
  assert.equal(values.rpPioImpSpecLog, "deadbeef");
  assert.deepEqual(values.rpPioTlpPrefixLog, [{ tlpPrefix: "11111111" }, { tlpPrefix: "22222222" }]);
  assert.equal(sizeBytes, 0x3c);
});

test("DPC takes no more logs than the size field can say", () => {
  const { values, sizeBytes } = extendedCapability(
    DPC,
    Array.from({ length: 40 }, () => 0xffff_ffff),
  );
  // 15 + 16 DW less four of header and one of ImpSpec.
  assert.equal((values.rpPioTlpPrefixLog as unknown[]).length, 26);
  assert.equal(sizeBytes, 0x34 + 26 * 4);
});

test("DPC Status is cleared by writing ones to trigger, interrupt and SIG_SFW status", () => {
  assert.equal(accessMask(DPC.table.status, ["RW1CS"]), 0x2009);
});
