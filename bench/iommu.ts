import { PageAllocator } from "../src/hardware/iommu/page-allocator.ts";
import { RootTable } from "../src/hardware/iommu/root-table.ts";
import { SecondLevelTables } from "../src/hardware/iommu/second-level-tables.ts";
import { Vtd } from "../src/hardware/iommu/vtd.ts";
import { SERVER_VTD } from "../src/hardware/iommu/vtd-capabilities.ts";
import { DMA_GCMD_SRTP, DMA_GCMD_TE, DMAR_GCMD_REG, DMAR_RTADDR_REG } from "../src/hardware/iommu/vtd-registers.ts";
import { PhysicalMemory } from "../src/hardware/memory.ts";
import { median } from "./figure.ts";

const MIB = 2 ** 20;
const RAM = 256 * MIB;
const TABLES = 16 * MIB;
const PAGE = 4096;
const DEVICES = 16;
/** Above 4 GiB, as IOVAs of Linux are not, but guests' addresses are. */
const IOVA = 0x12_3400_0000;
const REQUESTS = 1 << 20;
const ROUNDS = 9;
const MICROSECONDS = 1e6;

/** A unit whose 16 functions each have a domain of 4 KiB pages over all of RAM, by tables of 4 levels. */
function machine(): Vtd {
  const memory = new PhysicalMemory(RAM);
  const pages = new PageAllocator(memory, RAM - TABLES, TABLES);
  const roots = new RootTable(memory, pages);
  for (let device = 0; device < DEVICES; device++) {
    const tables = new SecondLevelTables(memory, pages, 4);
    tables.map(IOVA, 0, RAM - TABLES, { largestLevel: 1 });
    roots.attach(0x0110 + device, { domainId: device + 1, table: tables.root, levels: 4 });
  }
  const vtd = new Vtd(memory, SERVER_VTD, { sendMessage: () => undefined, invalidateDevice: () => false });
  vtd.write32(DMAR_RTADDR_REG, roots.address);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_SRTP);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_TE);
  return vtd;
}

/** Requests of the functions in turn, at random pages below `pagesEach`. */
function requests(pagesEach: number): { requesters: Uint16Array; addresses: Float64Array } {
  const requesters = new Uint16Array(REQUESTS);
  const addresses = new Float64Array(REQUESTS);
  let random = 1;
  for (let index = 0; index < REQUESTS; index++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    requesters[index] = 0x0110 + (index % DEVICES);
    addresses[index] = IOVA + ((random >>> 8) % pagesEach) * PAGE + (random & 0xfc0);
  }
  return { requesters, addresses };
}

/**
 * Translations in a second of one core's time, whatever else the machine does meanwhile: with all pages in the IOTLB, and at random pages of a footprint so much larger than it
 * that all but a few of them take a walk of 4 levels. Each translation is checked, and the walks are counted.
 */
export function translationsPerSecond(): { hits: number; walks: number; walksEach: number } {
  const vtd = machine();
  // 16 functions with 64 pages each: a quarter of the IOTLB.
  const near = rate(vtd, 64);
  const far = rate(vtd, (RAM - TABLES) / PAGE);
  if (near.walksEach > 0.001) throw new Error(`${near.walksEach} walks for each translation that was to hit`);
  return { hits: near.perSecond, walks: far.perSecond * far.walksEach, walksEach: far.walksEach };
}

function rate(vtd: Vtd, pagesEach: number): { perSecond: number; walksEach: number } {
  const { requesters, addresses } = requests(pagesEach);
  pass(vtd, requesters, addresses);
  pass(vtd, requesters, addresses);
  const walksBefore = vtd.walks;
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    pass(vtd, requesters, addresses);
    const { user, system } = process.cpuUsage(before);
    seconds.push((user + system) / MICROSECONDS);
  }
  return { perSecond: REQUESTS / median(seconds), walksEach: (vtd.walks - walksBefore) / (ROUNDS * REQUESTS) };
}

/** Each function's IOVA is its physical address and a constant more. */
function pass(vtd: Vtd, requesters: Uint16Array, addresses: Float64Array): void {
  let wrong = 0;
  for (let index = 0; index < REQUESTS; index++) {
    const address = addresses[index] as number;
    if (vtd.translate(requesters[index] as number, address, (index & 1) === 0) !== address - IOVA) wrong++;
  }
  if (wrong > 0) throw new Error(`${wrong} wrong translations`);
}
