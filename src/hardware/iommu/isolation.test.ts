import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FaultReason } from "./fault-reason.ts";
import type { Fault } from "./intel-iommu.ts";
import { SecondLevelTables } from "./second-level-tables.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DOMAINS = 4;
/** Of three buses: neighbours, a VF of the next bus, a function that shares its context slot with the first. */
const FUNCTIONS = [0x0100, 0x0101, 0x0107, 0x0210, 0x0500, 0x0900] as const;
const SMALL_IOVA = 0x10_0000_0000;
const LARGE_IOVA = 0x20_0000_0000;

interface Mapping {
  readonly physical: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** Tenant `index` owns 128 small frames in RAM, and a gigabyte above it for superpages. Nothing of it is anyone else's. */
function ownerOf(physical: number): number {
  return physical < 2 * MIB ? Math.floor(physical / (128 * PAGE)) : Math.floor(physical / GIB) - 1;
}

/** What software wants, in the simplest words: this page of this domain is there. */
class Domain {
  readonly pages = new Map<number, Mapping>();
  readonly tables: SecondLevelTables;
  readonly id: number;

  constructor(driver: VtdDriver, levels: 3 | 4, id: number) {
    this.tables = new SecondLevelTables(driver.memory, driver.pages, levels);
    this.id = id;
  }
}

type Access = { address: number; write: boolean };
type Step =
  | {
      do: "map";
      domain: number;
      page: number;
      frame: number;
      count: number;
      large: boolean;
      read: boolean;
      write: boolean;
    }
  | { do: "unmap"; domain: number; page: number; count: number; large: boolean }
  | { do: "attach"; fn: number; domain: number }
  | { do: "detach"; fn: number }
  | { do: "end"; domain: number }
  | { do: "reset" }
  | { do: "migrate" }
  | ({ do: "dma" | "translated" | "probe"; fn: number } & Access);

const small = (max: number) => fc.nat({ max });
/** 3 of 4 times. */
const mostly = small(3).map((number) => number > 0);
const domain = small(DOMAINS - 1);
const fn = small(FUNCTIONS.length - 1);
const address = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(small(11), small(4095)).map(([page, at]) => SMALL_IOVA + page * PAGE + at) },
  {
    weight: 4,
    arbitrary: fc.tuple(small(1), small(2 * MIB - 1)).map(([page, at]) => LARGE_IOVA + page * 2 * MIB + at),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 0xfee0_0010, 2 ** 39, 2 ** 48, 2 ** 52, 4 * GIB) },
);
const access = { address, write: fc.boolean() };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("map" as const),
      domain,
      page: small(11),
      frame: small(110),
      count: fc.integer({ min: 1, max: 16 }),
      large: small(4).map((number) => number === 0),
      read: mostly,
      write: mostly,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("unmap" as const),
      domain,
      page: small(11),
      count: fc.integer({ min: 1, max: 8 }),
      large: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("attach" as const), fn, domain }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("detach" as const), fn }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), domain }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "reset" }, { do: "migrate" }) },
  { weight: 24, arbitrary: fc.record({ do: fc.constant("dma" as const), fn, ...access }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("translated" as const, "probe" as const), fn, ...access }) },
);

/** A machine that is programmed as Linux does it, beside what is to be seen of it. */
class Tenants {
  readonly driver: VtdDriver;
  readonly levels: 3 | 4;
  readonly invalidates: boolean;
  readonly domains: Domain[];
  readonly attached = new Map<number, number>();
  readonly buses = new Set<number>();
  accesses = 0;
  landed = 0;

  constructor(levels: 3 | 4, iotlbEntries: number, invalidates: boolean) {
    this.driver = new VtdDriver({ sizeBytes: 4 * MIB, iotlbEntries, faultRecords: 2, levels: [3, 4] }).start();
    this.levels = levels;
    this.invalidates = invalidates;
    this.domains = Array.from({ length: DOMAINS }, (_, index) => new Domain(this.driver, levels, index + 1));
    FUNCTIONS.slice(1).forEach((rid, index) => {
      this.#attach(rid, index % DOMAINS);
    });
  }

  run(step: Step): void {
    if (step.do === "map") this.#map(step);
    else if (step.do === "unmap") this.#unmap(step);
    else if (step.do === "attach") this.#attach(FUNCTIONS[step.fn] as number, step.domain);
    else if (step.do === "detach") this.#detach(FUNCTIONS[step.fn] as number);
    else if (step.do === "end") this.#end(step.domain);
    else if (step.do === "reset") this.#reset();
    else if (step.do === "migrate") this.driver.vtd.restore(JSON.parse(JSON.stringify(this.driver.vtd.save())));
    else this.#access(step.do, FUNCTIONS[step.fn] as number, step);
  }

  #map({ domain: tenant, page, frame, count, large, read, write }: Step & { do: "map" }): void {
    const { pages, tables } = this.domains[tenant] as Domain;
    const iova = large ? LARGE_IOVA + (page % 2) * 2 * MIB : SMALL_IOVA + page * PAGE;
    const physical = large ? (tenant + 1) * GIB + frame * 2 * MIB : (tenant * 128 + frame) * PAGE;
    if (!(read || write)) return;
    const offsets = Array.from({ length: large ? 512 : count }, (_, index) => index * PAGE);
    if (!large) {
      for (const offset of offsets.filter((each) => !pages.has(iova + each))) {
        tables.map(iova + offset, physical + offset, PAGE, { read, write });
        pages.set(iova + offset, { physical: physical + offset, read, write });
      }
    } else if (!pages.has(iova)) {
      tables.map(iova, physical, 2 * MIB, { read, write });
      for (const offset of offsets) pages.set(iova + offset, { physical: physical + offset, read, write });
    }
  }

  /** As intel_iommu_unmap and intel_iommu_tlb_sync: out of the tables, out of the IOTLB, and then the tables are freed. */
  #unmap(step: Step & { do: "unmap" }): void {
    const { pages, tables, id } = this.domains[step.domain] as Domain;
    const start = step.large ? LARGE_IOVA + (step.page % 2) * 2 * MIB : SMALL_IOVA + step.page * PAGE;
    const count = step.large ? 512 : step.count;
    const removed = tables.unmap(start, count * PAGE);
    if (this.invalidates) {
      // As calculate_psi_aligned_address: the smallest aligned power of two that has all of the range.
      let mask = 0;
      while (Math.floor(start / (PAGE * 2 ** mask)) !== Math.floor((start + (count - 1) * PAGE) / (PAGE * 2 ** mask)))
        mask++;
      this.driver.flushIotlb(id, start - (start % (PAGE * 2 ** mask)), mask);
    }
    for (const page of removed) this.driver.pages.free(page);
    for (let index = 0; index < count; index++) pages.delete(start + index * PAGE);
  }

  #attach(rid: number, tenant: number): void {
    if (this.attached.has(rid)) return;
    const { tables, id } = this.domains[tenant] as Domain;
    this.driver.attach(rid, { domainId: id, table: tables.root, levels: this.levels });
    this.attached.set(rid, tenant);
    this.buses.add(rid >>> 8);
  }

  #detach(rid: number): void {
    const tenant = this.attached.get(rid);
    if (tenant === undefined) return;
    const { id } = this.domains[tenant] as Domain;
    if (this.invalidates) this.driver.detach(rid, id);
    else this.driver.roots.detach(rid);
    this.attached.delete(rid);
  }

  /** A tenant goes, its tables are freed, and its domain id is the next one's. */
  #end(tenant: number): void {
    for (const [rid, of] of [...this.attached]) if (of === tenant) this.#detach(rid);
    const { tables, id } = this.domains[tenant] as Domain;
    for (const table of tables.tables()) this.driver.pages.free(table);
    this.domains[tenant] = new Domain(this.driver, this.levels, id);
  }

  /** The unit loses its state, and is started anew on the tables that are there. */
  #reset(): void {
    this.driver.vtd.reset();
    this.driver.start();
  }

  #access(kind: "dma" | "translated" | "probe", rid: number, { address, write }: Access): void {
    this.accesses++;
    const { vtd } = this.driver;
    const tenant = this.attached.get(rid);
    const reason = this.#expected(kind, rid, address, write);
    if (kind === "probe") {
      // No context here has a device TLB: translation requests are refused, whatever is mapped.
      assert.equal(vtd.translationRequest(rid, address).status, "unsupported-request");
      this.#left(reason, rid, address, false, 1);
      return;
    }
    const to = kind === "dma" ? vtd.translate(rid, address, write) : vtd.translated(rid, address, write);
    if (reason !== "success") {
      assert.equal(to, -1);
      this.#left(reason, rid, address, write, kind === "dma" ? 0 : 2);
      return;
    }
    const at = address % PAGE;
    const page = (this.domains[tenant as number] as Domain).pages.get(address - at) as Mapping;
    assert.equal(to, page.physical + at);
    assert.equal(ownerOf(to), tenant);
    this.landed++;
    // All that the answer holds for is the tenant's, too.
    assert.equal(ownerOf(to + vtd.contiguousBytes(address) - 1), tenant);
    assert.deepEqual(this.driver.takeFaults(), []);
  }

  #expected(
    kind: "dma" | "translated" | "probe",
    rid: number,
    address: number,
    write: boolean,
  ): number | "success" | "nothing" {
    const tenant = this.attached.get(rid);
    const inInterrupts = address >= 0xfee0_0000 && address < 0xfef0_0000;
    if (kind === "dma" && inInterrupts) return "nothing";
    if (tenant === undefined) {
      return this.buses.has(rid >>> 8) ? FaultReason.contextNotPresent : FaultReason.rootNotPresent;
    }
    if (kind !== "dma") return FaultReason.blockedByTranslationType;
    if (address >= (this.levels === 3 ? 2 ** 39 : 2 ** 48)) return FaultReason.beyondAddressWidth;
    const page = (this.domains[tenant] as Domain).pages.get(address - (address % PAGE));
    if (write) return page?.write ? "success" : FaultReason.writeNotPermitted;
    return page?.read ? "success" : FaultReason.readNotPermitted;
  }

  /** Exactly this fault was recorded, or none. */
  #left(
    reason: number | "nothing" | "success",
    rid: number,
    address: number,
    write: boolean,
    addressType: number,
  ): void {
    const kind = write ? ("write" as const) : ("read" as const);
    const info = address - (address % PAGE);
    const expected: Fault[] =
      reason === "nothing" ? [] : [{ reason: reason as number, sourceId: rid, kind, addressType, info }];
    assert.deepEqual(this.driver.takeFaults(), expected);
  }
}

const cases = [
  fc.constantFrom(3 as const, 4 as const),
  fc.constantFrom(8, 256),
  fc.array(step, { minLength: 40, maxLength: 80 }),
] as const;

test("no access lands outside its domain, and each violation leaves its fault record: 3,000 histories", {
  timeout: 600_000,
}, () => {
  let accesses = 0;
  let landed = 0;
  fc.assert(
    fc.property(...cases, (levels, iotlbEntries, steps) => {
      const tenants = new Tenants(levels, iotlbEntries, true);
      for (const each of steps) tenants.run(each);
      accesses += tenants.accesses;
      landed += tenants.landed;
    }),
    { numRuns: 3000 },
  );
  assert.ok(accesses > 80_000 && landed > 8000, `only ${accesses} accesses, of which ${landed} landed`);
});

test("the same histories without invalidations do reach what was taken away: the caches are real", () => {
  const property = fc.property(...cases, (levels, iotlbEntries, steps) => {
    const tenants = new Tenants(levels, iotlbEntries, false);
    for (const each of steps) tenants.run(each);
  });
  assert.equal(fc.check(property, { numRuns: 2000, endOnFailure: true }).failed, true);
});
