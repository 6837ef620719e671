import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameHeader } from "./frame-header.ts";
import { RegisterFile } from "./register-file.ts";
import { E1000 } from "./registers-82576.ts";
import { FROM_WIRE, Switch, TO_WIRE } from "./switch.ts";
import { BROADCAST, frame } from "./testing/card-with-guests.ts";

const VFE = 0x4_0000;
const REPLICATE = 0x4000_0000;
const NO_DEFAULT_POOL = 0x2000_0000;
const AUPE = 0x0100_0000;
const ROMPE = 0x0200_0000;
const ROPE = 0x0400_0000;
const BAM = 0x0800_0000;
const MPME = 0x1000_0000;
const LOOPBACK = 0x8000_0000;

/** What a switch is to do, as sets: the specification that registers are written from, and that decisions are held to. */
interface Plan {
  /** Address number → pools. Numbers 0 to 5 are unicast, 6 to 9 groups. */
  readonly addresses: readonly (readonly [number, readonly number[]])[];
  readonly vlans: readonly { readonly vid: number; readonly pools: readonly number[]; readonly local: boolean }[];
  /** VLANs that VFTA has beside those. */
  readonly moreVlans: readonly number[];
  readonly hashedGroups: readonly number[];
  readonly hashedUnicast: readonly number[];
  readonly vmolr: readonly (readonly ("untagged" | "hashed" | "hashedUnicast" | "broadcast" | "all")[])[];
  readonly enabled: readonly number[];
  readonly hearsItself: readonly number[];
  readonly replicates: boolean;
  readonly filtersVlans: boolean;
  readonly loopback: boolean;
  readonly defaultPool: number | null;
}

const FLAGS = { untagged: AUPE, hashed: ROMPE, hashedUnicast: ROPE, broadcast: BAM, all: MPME } as const;
const bits = (pools: readonly number[]) => pools.reduce((mask, pool) => mask | (1 << pool), 0);

/** An address by number: hashes of all differ, as their last bytes do. */
function address(number: number): Uint8Array {
  return Uint8Array.of(number < 6 ? 0x52 : 0x53, 0x54, 0, 0, 0, number * 0x10);
}

function write(plan: Plan): RegisterFile {
  const registers = new RegisterFile();
  const hashBit = (table: number, number: number) => {
    const hash = ((number * 0x10) << 4) & 0xfff;
    const at = table + (hash >> 5) * 4;
    registers.write(at, registers.read(at) | (1 << (hash & 31)));
  };
  plan.addresses.forEach(([number, pools], index) => {
    const bytes = address(number);
    const view = new DataView(bytes.buffer);
    const at = index < 16 ? [E1000.RAL + index * 8, E1000.RAH + index * 8] : [0, 0];
    registers.write(at[0] as number, view.getUint32(0, true));
    registers.write(at[1] as number, (view.getUint16(4, true) | (bits(pools) << 18) | 0x8000_0000) >>> 0);
  });
  const vidBit = (vid: number) => {
    const at = E1000.VFTA + (vid >> 5) * 4;
    registers.write(at, registers.read(at) | (1 << (vid & 31)));
  };
  plan.vlans.forEach(({ vid, pools, local }, index) => {
    registers.write(E1000.VLVF + index * 4, (vid | (bits(pools) << 12) | (local ? 0x10_0000 : 0) | 0x8000_0000) >>> 0);
    vidBit(vid);
  });
  plan.moreVlans.forEach(vidBit);
  for (const group of plan.hashedGroups) hashBit(E1000.MTA, group);
  for (const unicast of plan.hashedUnicast) hashBit(E1000.UTA, unicast);
  plan.vmolr.forEach((flags, pool) => {
    registers.write(
      E1000.VMOLR + pool * 4,
      flags.reduce((value, flag) => value | FLAGS[flag], 0),
    );
  });
  registers.write(E1000.VFRE, bits(plan.enabled));
  registers.write(E1000.DTXSWC, ((bits(plan.hearsItself) << 16) | (plan.loopback ? LOOPBACK : 0)) >>> 0);
  registers.write(E1000.RCTL, plan.filtersVlans ? VFE : 0);
  const defaultPool = plan.defaultPool === null ? NO_DEFAULT_POOL : plan.defaultPool << 7;
  registers.write(E1000.VT_CTL, (plan.replicates ? REPLICATE : 0) | defaultPool);
  return registers;
}

/** The rules of §7.10.3, on sets. `to` is an address's number, or -1 for broadcast; `vid` -1 without a tag. */
function specified(plan: Plan, to: number, vid: number, origin: number): { pools: number[]; wire: boolean } {
  const local = origin !== FROM_WIRE;
  const all = [0, 1, 2, 3, 4, 5, 6, 7];
  if (local && !plan.loopback) return { pools: [], wire: true };
  const known = plan.vlans.some((vlan) => vlan.vid === vid) || plan.moreVlans.includes(vid);
  if (plan.filtersVlans && vid >= 0 && !known) return { pools: [], wire: local };
  const group = to < 0 || to >= 6;
  const has = (flag: keyof typeof FLAGS) => all.filter((pool) => plan.vmolr[pool]?.includes(flag) === true);
  const byDefault = plan.defaultPool === null ? [] : [plan.defaultPool];
  const exact = all.filter((pool) => plan.addresses.some(([number, pools]) => number === to && pools.includes(pool)));
  let pools: number[];
  if (to < 0) pools = plan.replicates ? has("broadcast") : byDefault;
  else if (exact.length > 0) pools = exact;
  else if (group && !plan.replicates) pools = byDefault;
  else if (group) pools = plan.hashedGroups.includes(to) ? has("hashed") : [];
  else pools = plan.hashedUnicast.includes(to) ? has("hashedUnicast") : [];
  if (to >= 6 && plan.replicates) pools = [...pools, ...has("all")];
  if (local && !plan.hearsItself.includes(origin)) pools = pools.filter((pool) => pool !== origin);
  if (plan.filtersVlans) {
    const members =
      vid < 0 ? has("untagged") : plan.vlans.filter((vlan) => vlan.vid === vid).flatMap((vlan) => vlan.pools);
    pools = pools.filter((pool) => members.includes(pool));
  }
  if (!local && !group && pools.length === 0) pools = byDefault;
  pools = all.filter((pool) => pools.includes(pool) && plan.enabled.includes(pool));
  const isLocal = plan.vlans.some((vlan) => vlan.vid === vid && vlan.local);
  return { pools, wire: local && (group || exact.length === 0) && !isLocal };
}

const pool = fc.nat({ max: 7 });
const pools = fc.uniqueArray(pool, { maxLength: 8 });
const vids = [1, 2, 31, 32, 4095];
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  addresses: fc.array(fc.tuple(fc.nat({ max: 9 }), pools), { maxLength: 12 }),
  vlans: fc.uniqueArray(fc.record({ vid: fc.constantFrom(...vids), pools, local: fc.boolean() }), {
    maxLength: 4,
    selector: ({ vid }) => vid,
  }),
  moreVlans: fc.subarray(vids),
  hashedGroups: fc.subarray([6, 7, 8, 9]),
  hashedUnicast: fc.subarray([0, 1, 2, 3, 4, 5]),
  vmolr: fc.array(fc.subarray(["untagged", "hashed", "hashedUnicast", "broadcast", "all"] as const), {
    minLength: 8,
    maxLength: 8,
  }),
  enabled: pools,
  hearsItself: pools,
  replicates: fc.boolean(),
  filtersVlans: fc.boolean(),
  loopback: fc.boolean(),
  defaultPool: fc.option(pool),
});

function decide(cardSwitch: Switch, to: number, vid: number, origin: number): number {
  const bytes = frame(to < 0 ? BROADCAST : address(to), address(0), { vlan: vid });
  const header = new FrameHeader();
  header.readAddresses(new DataView(bytes.buffer), 0, 0x8100);
  return cardSwitch.decide(header, origin);
}

test("every decision is the one that the rules of §7.10.3 give, on sets", () => {
  fc.assert(
    fc.property(anyPlan, (plan) => {
      const cardSwitch = new Switch(write(plan));
      for (const to of [-1, 0, 1, 5, 6, 7, 9]) {
        for (const vid of [-1, 1, 32, 77]) {
          for (const origin of [FROM_WIRE, 0, 3]) {
            const { pools: wanted, wire } = specified(plan, to, vid, origin);
            assert.equal(decide(cardSwitch, to, vid, origin), bits(wanted) | (wire ? TO_WIRE : 0));
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("a change of registers is seen by the next frame", () => {
  const plan: Plan = {
    addresses: [[1, [2]]],
    vlans: [],
    moreVlans: [],
    hashedGroups: [],
    hashedUnicast: [],
    vmolr: Array.from({ length: 8 }, () => []),
    enabled: [0, 1, 2, 3],
    hearsItself: [],
    replicates: true,
    filtersVlans: false,
    loopback: true,
    defaultPool: null,
  };
  const registers = write(plan);
  const cardSwitch = new Switch(registers);
  assert.equal(decide(cardSwitch, 1, -1, 0), 1 << 2);
  registers.write(E1000.RAH, (registers.read(E1000.RAH) & ~0x03fc_0000) | (1 << (18 + 3)));
  assert.equal(decide(cardSwitch, 1, -1, 0), 1 << 3);
  registers.write(E1000.VFRE, 0);
  assert.equal(decide(cardSwitch, 1, -1, 0), 0, "an exact match is not sent to the network, enabled or not");
});

test("mirror rules: what pools get, what comes in, what goes out, a VLAN", () => {
  const base = write({
    addresses: [
      [1, [1]],
      [2, [2]],
    ],
    vlans: [{ vid: 32, pools: [1, 2], local: false }],
    moreVlans: [],
    hashedGroups: [],
    hashedUnicast: [],
    vmolr: Array.from({ length: 8 }, () => ["untagged"] as const),
    enabled: [0, 1, 2, 7],
    hearsItself: [],
    replicates: true,
    filtersVlans: true,
    loopback: true,
    defaultPool: null,
  });
  const decisions = (kind: number, more: readonly (readonly [number, number])[]) => {
    const registers = new RegisterFile();
    registers.restore(base.save());
    registers.write(E1000.VMRCTL + 4, kind | (7 << 8));
    for (const [offset, value] of more) registers.write(offset + 4, value);
    const cardSwitch = new Switch(registers);
    return [
      decide(cardSwitch, 1, -1, 0),
      decide(cardSwitch, 2, 32, 0),
      decide(cardSwitch, 1, -1, FROM_WIRE),
      decide(cardSwitch, 5, -1, 0),
      decide(cardSwitch, 5, -1, FROM_WIRE),
    ].map((decision) => (decision & 0x80) !== 0);
  };
  assert.deepEqual(decisions(1, [[E1000.VMRVM, 1 << 1]]), [true, false, true, false, false]);
  assert.deepEqual(decisions(2, []), [false, false, true, false, false]);
  assert.deepEqual(decisions(4, []), [false, false, false, true, false]);
  assert.deepEqual(decisions(8, [[E1000.VMRVLAN, 1]]), [false, true, false, false, false]);
  assert.deepEqual(decisions(0, [[E1000.VMRVM, 0xff]]), [false, false, false, false, false]);
});

test("RCTL.MO chooses the bits of a group's address that index MTA, as igb_hash_mc_addr's comment has them", () => {
  // The comment's example, 01:AA:00:12:34:56; for MO 2 by the function itself, whose comment says 0x163.
  const bytes = frame(Uint8Array.of(0x01, 0xaa, 0x00, 0x12, 0x34, 0x56), address(0));
  const header = new FrameHeader();
  header.readAddresses(new DataView(bytes.buffer), 0, 0x8100);
  for (const [mo, hash] of [0x563, 0xac6, 0x58d, 0x634].entries()) {
    const registers = new RegisterFile();
    registers.write(E1000.RCTL, mo << 12);
    registers.write(E1000.VT_CTL, REPLICATE | NO_DEFAULT_POOL);
    registers.write(E1000.VMOLR + 4, ROMPE);
    registers.write(E1000.MTA + (hash >> 5) * 4, 1 << (hash & 31));
    assert.equal(new Switch(registers).decide(header, FROM_WIRE), 1 << 1, `MO ${mo}`);
  }
});
