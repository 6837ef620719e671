/** Tenants of one controller behind an IOMMU: whatever addresses a command names, it is its own domain that it reaches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PageAllocator } from "../iommu/page-allocator.ts";
import { RootTable } from "../iommu/root-table.ts";
import { SecondLevelTables } from "../iommu/second-level-tables.ts";
import { Vtd } from "../iommu/vtd.ts";
import { SERVER_VTD } from "../iommu/vtd-capabilities.ts";
import { DMA_GCMD_SRTP, DMA_GCMD_TE, DMAR_GCMD_REG, DMAR_RTADDR_REG } from "../iommu/vtd-registers.ts";
import type { PhysicalMemory } from "../memory.ts";
import { bringOnline } from "./testing/nvme-lab.ts";
import { bringUp, DRIVER_BYTES, driverAt, nvmeMachine, start } from "./testing/nvme-machine.ts";

const READ = 2;
const WRITE = 1;
const SUCCESS = 0;
const DATA_TRANSFER_ERROR = 0x2004;
const LIST_OUT_OF_REACH = 0x0004;
const TABLES = 3 * DRIVER_BYTES;
/** The guests' physical addresses begin here, away from where RAM is. */
const IOVA = 0x4000_0000;
const PF = 0x0100;

/** The PF and its two VFs, each with a domain of its own: IOVA is the beginning of its part of RAM, and nothing else is. */
function withDomains(memory: PhysicalMemory): Vtd {
  const pages = new PageAllocator(memory, TABLES, DRIVER_BYTES);
  const roots = new RootTable(memory, pages);
  for (let index = 0; index < 3; index++) {
    const tables = new SecondLevelTables(memory, pages, 4);
    tables.map(IOVA, index * DRIVER_BYTES, DRIVER_BYTES, { largestLevel: 1 });
    roots.attach(PF + index, { domainId: index + 1, table: tables.root, levels: 4 });
  }
  const vtd = new Vtd(memory, SERVER_VTD, { sendMessage: () => undefined, invalidateDevice: () => false });
  vtd.write32(DMAR_RTADDR_REG, roots.address);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_SRTP);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_TE);
  return vtd;
}

/** Dwords in and around the domain, and where RAM itself is. */
const addresses = fc.oneof(
  fc.integer({ min: 0, max: TABLES + DRIVER_BYTES - 4 }),
  fc.integer({ min: IOVA - 8192, max: IOVA + DRIVER_BYTES + 8192 }),
);

test("a VF's commands reach nothing but its own domain", () => {
  const machine = nvmeMachine(withDomains);
  const { pf, primary, vfs } = bringUp(machine, IOVA);
  assert.equal(pf.routingId, PF);
  const [first, second] = vfs;
  assert.ok(first && second);
  for (const id of [1, 2]) bringOnline(primary, id);
  const tenant = driverAt(machine, first.fn, first.bar, DRIVER_BYTES, IOVA);
  const other = driverAt(machine, second.fn, second.bar, 2 * DRIVER_BYTES, IOVA);
  start(tenant);
  start(other);
  const [queue] = tenant.ioQueues;
  assert.ok(queue);
  assert.equal(tenant.io(0, WRITE, 1, 0, 8, new Uint8Array(4096).fill(0xee)), SUCCESS);
  const { bytes } = machine.memory;
  const others = () => [bytes.slice(0, DRIVER_BYTES), bytes.slice(2 * DRIVER_BYTES)];
  // The data slots of the queue's last commands: what is read may land there, and not upon queues.
  const slots = { from: queue.dataAt(1), to: queue.dataAt(queue.entries) };
  const ofSlots = (address: number, length: number) => {
    const at = address - IOVA;
    return at >= slots.from && at + length <= slots.to;
  };
  const mine = (address: number, length: number) => address >= IOVA && address + length <= IOVA + DRIVER_BYTES;
  fc.assert(
    fc.property(addresses, fc.integer({ min: 1, max: 8 }), fc.boolean(), (any, blocks, reads) => {
      const address = any & ~3;
      const length = blocks * 512;
      const inFirst = Math.min(length, 4096 - (address % 4096));
      // A read upon the tenant's own queues is its own misfortune, and no subject here.
      if (reads && mine(address, 1) && !ofSlots(address, 4096)) return;
      const before = others();
      const prp2 = IOVA + DRIVER_BYTES + 4096;
      queue.submitAt(0, { opcode: reads ? READ : WRITE, namespaceId: 1, dword12: blocks - 1 }, address, prp2);
      queue.ring();
      assert.ok(queue.next());
      queue.consumed();
      const reachable = mine(address, inFirst) && inFirst === length;
      assert.equal(queue.status, reachable ? SUCCESS : DATA_TRANSFER_ERROR);
      assert.deepEqual(others(), before);
    }),
    { numRuns: 400 },
  );
  // A list that is another's, by its place in RAM.
  queue.submitAt(0, { opcode: READ, namespaceId: 1, dword12: 31 }, IOVA + slots.from, 2 * DRIVER_BYTES);
  queue.ring();
  assert.ok(queue.next());
  queue.consumed();
  assert.equal(queue.status, LIST_OUT_OF_REACH);
  // Both still work.
  assert.equal(other.io(0, READ, 1, 0, 1, new Uint8Array(512)), SUCCESS);
  assert.equal(tenant.io(0, READ, 1, 0, 1, new Uint8Array(512)), SUCCESS);
});
