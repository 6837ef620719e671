import assert from "node:assert/strict";
import { SecondLevelTables } from "../second-level-tables.ts";
import type { VtdCapabilities } from "../vtd-capabilities.ts";
import { VtdDriver } from "./vtd-driver.ts";

export const RID = 0x0110;

/** A function in domain 5, with tables of so many levels. */
export function attached(levels: 3 | 4 | 5 = 4, options: Partial<VtdCapabilities> = {}) {
  const driver = new VtdDriver(options).start();
  const tables = new SecondLevelTables(driver.memory, driver.pages, levels);
  driver.attach(RID, { domainId: 5, table: tables.root, levels });
  const blocked = (address: number, write: boolean) => {
    assert.equal(driver.vtd.translate(RID, address, write), -1);
    const faults = driver.takeFaults();
    assert.equal(faults.length, 1);
    const [fault] = faults;
    assert.equal(fault?.sourceId, RID);
    assert.equal(fault?.kind, write ? "write" : "read");
    assert.equal(fault?.info, address - (address % 4096));
    assert.equal(fault?.addressType, 0);
    return fault?.reason;
  };
  return { driver, tables, vtd: driver.vtd, memory: driver.memory, blocked };
}

/** Where the entry of a level is that maps an address. */
export function entryAt({ memory }: VtdDriver, tables: SecondLevelTables, iova: number, level: number): number {
  let table = tables.root;
  for (let at: number = tables.levels; ; at--) {
    const entry = table + (Math.floor(iova / (4096 * 512 ** (at - 1))) % 512) * 8;
    if (at === level) return entry;
    table = memory.read64(entry) - (memory.read32(entry) & 0xfff);
  }
}
