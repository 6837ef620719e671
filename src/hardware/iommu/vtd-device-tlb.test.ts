import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultReason } from "./fault-reason.ts";
import { attached, RID } from "./testing/attached-function.ts";

const MIB = 2 ** 20;

describe("ATS (VT-d §4.1, PCIe 6.0 §10.2)", () => {
  const none = { address: 0, sizeBytes: 4096, read: false, write: false };

  function withDeviceTlb() {
    const all = attached();
    all.driver.attach(RID, { domainId: 5, table: all.tables.root, levels: 4, translation: "device-tlb" });
    return all;
  }

  test("a translation request tells address, size and permissions; none is an answer, not a fault", () => {
    const { tables, vtd, driver } = withDeviceTlb();
    tables.map(4 * MIB, 6 * MIB, 2 * MIB, { write: false });
    assert.deepEqual(vtd.translationRequest(RID, 4 * MIB + 0x5000), {
      status: "success",
      address: 6 * MIB + 0x5000,
      sizeBytes: 2 * MIB,
      read: true,
      write: false,
    });
    assert.deepEqual(vtd.translationRequest(RID, 0x1000), { ...none, status: "success" });
    assert.deepEqual(vtd.translationRequest(RID, 2 ** 50), { ...none, status: "success" });
    assert.deepEqual(driver.takeFaults(), []);
  });

  test("an error in the tables is a fault, and a status", () => {
    const { tables, vtd, driver } = withDeviceTlb();
    tables.map(0x1000, 0xfee0_0000, 4096);
    assert.equal(vtd.translationRequest(RID, 0x1000).status, "completer-abort");
    assert.equal(vtd.translationRequest(RID + 1, 0x1000).status, "unsupported-request");
    const faults = driver.takeFaults();
    assert.deepEqual(
      faults.map(({ reason }) => reason),
      [FaultReason.outputInInterruptRange, FaultReason.contextNotPresent],
    );
    assert.deepEqual(
      faults.map(({ addressType }) => addressType),
      [1, 1],
    );
  });

  test("D: requests with a device TLB's address types are blocked where the context does not have it", () => {
    const { vtd, driver, tables } = attached();
    tables.map(0x1000, 0x8000, 4096);
    for (const translation of ["multi-level", "pass-through"] as const) {
      driver.attach(RID, { domainId: 5, table: tables.root, levels: 4, translation });
      driver.flushContexts();
      assert.equal(vtd.translationRequest(RID, 0x1000).status, "unsupported-request");
      assert.equal(vtd.translated(RID, 0x8000, true), -1);
      const faults = driver.takeFaults();
      assert.deepEqual(
        faults.map(({ reason }) => reason),
        [0xd, 0xd],
      );
      assert.deepEqual(
        faults.map(({ addressType, kind }) => [addressType, kind]),
        [
          [1, "read"],
          [2, "write"],
        ],
      );
    }
  });

  test("a translated request goes where it says, but not to the interrupt address range nor beyond the host's width", () => {
    const { vtd, driver } = withDeviceTlb();
    assert.equal(vtd.translated(RID, 0x12_3456_7890, true), 0x12_3456_7890);
    assert.equal(vtd.translated(RID, 0xfee0_1000, true), -1);
    assert.equal(vtd.translated(RID, 2 ** 46, true), -1);
    assert.equal(driver.takeFaults().length, 2);
  });
});
