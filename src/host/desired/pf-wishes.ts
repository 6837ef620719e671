import type { Refusal } from "../plan/plan.ts";
import type { PfState } from "../state/host-state.ts";
import type { VfClaim } from "./claim-schema.ts";
import type { DesiredPf, DesiredVf, DesiredVfNetwork } from "./desired-pf.ts";
import { isMacWord } from "./text-schemas.ts";
import { formatVfs } from "./vf-range.ts";
import type { NetworkWish, VfSettings } from "./vf-settings-schema.ts";

type WishValue = string | number | boolean;

/** One field as somebody wants it. */
export interface Wish {
  /** As `policy tenant-net` or `claim web-1`. */
  readonly by: string;
  /** Of a claim, which may be more exact than a policy. */
  readonly ofClaim?: true;
  /** As it is called in YAML, below `spec` or below an entry of `vfs`: `numVfs`, `network.vlan`. */
  readonly field: string;
  readonly value: WishValue;
  /** As it was written, where that is something else. */
  readonly written?: string;
}

/** The settings of a VF one by one. */
export function settingFields(
  settings: VfSettings | PfFields,
): readonly (readonly [field: string, value: WishValue])[] {
  const fields: [string, WishValue][] = [];
  const add = (entries: Readonly<Record<string, Setting>>, prefix: string) => {
    for (const [key, value] of Object.entries(entries)) {
      if (typeof value === "object") add(value, `${prefix}${key}.`);
      else if (value !== undefined) fields.push([`${prefix}${key}`, value]);
    }
  };
  add({ ...settings }, "");
  return fields;
}

type Setting = WishValue | undefined | { readonly [inner: string]: Setting };

interface Contradiction {
  readonly first: Wish;
  readonly second: Wish;
  readonly vfs: number[];
}

/** All that is wanted of one PF, field by field, each with who wants it; and where two want different things. */
export class PfWishes {
  readonly pf: PfState;
  readonly wantedBy = new Set<string>();
  readonly #ofPf = new Map<string, Wish>();
  readonly #ofVfs = new Map<number, Map<string, Wish>>();
  readonly #contradictions = new Map<string, Contradiction>();

  constructor(pf: PfState) {
    this.pf = pf;
  }

  /** @param vfIndex of a VF's field; left out for the PF's own */
  want(wish: Wish, vfIndex?: number): void {
    this.wantedBy.add(wish.by);
    const fields = vfIndex === undefined ? this.#ofPf : this.#fieldsOf(vfIndex);
    const first = fields.get(wish.field);
    if (first === undefined || (first.value !== wish.value && yields(first, wish))) fields.set(wish.field, wish);
    else if (first.value !== wish.value) this.#contradict(first, wish, vfIndex);
  }

  /** The VF is spoken of, though nothing may be wanted of it but to be there. */
  touch(vfIndex: number): void {
    this.#fieldsOf(vfIndex);
  }

  get(field: string, vfIndex?: number): Wish | undefined {
    return (vfIndex === undefined ? this.#ofPf : this.#ofVfs.get(vfIndex))?.get(field);
  }

  /** Whether two want different numbers of VFs. */
  get contradictsNumVfs(): boolean {
    return [...this.#contradictions.values()].some(({ first }) => first.field === "numVfs");
  }

  /** What stands against wishes of a claim: the first of them with another value. */
  objection(vfIndex: number, wishes: readonly Wish[]): Wish | undefined {
    for (const wish of wishes) {
      const first = this.get(wish.field, vfIndex);
      if (first !== undefined && first.value !== wish.value && !yields(first, wish)) return first;
    }
    return undefined;
  }

  /** VFs of which something is wanted, in order. */
  get vfIndexes(): readonly number[] {
    return [...this.#ofVfs.keys()].sort((a, b) => a - b);
  }

  refusals(): readonly Refusal[] {
    this.#contradictRates();
    return [...this.#contradictions.values()].map(({ first, second, vfs }) => {
      const place = vfs.length === 0 ? this.pf.bdf : `${this.pf.bdf} VF ${formatVfs(vfs.sort((a, b) => a - b))}`;
      const [vfIndex] = vfs;
      const what = first.field === second.field ? `different ${first.field}` : `${first.field} above ${second.field}`;
      const who = first.by === second.by ? `${first.by} wants` : `${first.by} and ${second.by} want`;
      return {
        code: "VFL-0201",
        pf: this.pf.bdf,
        ...(vfIndex === undefined || vfs.length > 1 ? {} : { vfIndex }),
        summary: `${place}: ${who} ${what}: ${written(first)} and ${written(second)}`,
        evidence: [first, second].map((wish) => ({ fact: `${wish.by}: ${wish.field}: ${written(wish)}` })),
        remedy: `say ${first.field} in one of the two, or the same in both`,
      };
    });
  }

  /** @param macs of VFs that are to have one; @param claims of VFs that are claimed */
  toDesired(macs: ReadonlyMap<number, string>, claims: ReadonlyMap<number, VfClaim>): DesiredPf {
    const { pf } = this;
    const { numVfs, onShrink, eswitchMode, pf: own = {} } = nested(this.#ofPf) as PfFields;
    const vfs = this.vfIndexes.map((vfIndex) =>
      desiredVf(vfIndex, nested(this.#fieldsOf(vfIndex)) as VfSettings, macs.get(vfIndex), claims.get(vfIndex)),
    );
    return {
      pf: pf.bdf,
      wantedBy: [...this.wantedBy].sort(),
      ...(numVfs === undefined ? {} : { numVfs }),
      onShrink: onShrink ?? "refuse",
      ...(eswitchMode === undefined ? {} : { eswitchMode }),
      ...defined(own),
      vfs,
    };
  }

  #fieldsOf(vfIndex: number): Map<string, Wish> {
    const there = this.#ofVfs.get(vfIndex);
    if (there) return there;
    const fields = new Map<string, Wish>();
    this.#ofVfs.set(vfIndex, fields);
    return fields;
  }

  /** The same contradiction at several VFs is told once. */
  #contradict(first: Wish, second: Wish, vfIndex: number | undefined): void {
    const key = [first.field, second.field, first.by, first.value, second.by, second.value].join("\0");
    const there = this.#contradictions.get(key);
    const vfs = vfIndex === undefined ? [] : [vfIndex];
    if (there === undefined) this.#contradictions.set(key, { first, second, vfs });
    else if (vfIndex !== undefined && !there.vfs.includes(vfIndex)) there.vfs.push(vfIndex);
  }

  /** Each schema sees only its own entry's rates; together they may have the least above the most. */
  #contradictRates(): void {
    for (const [vfIndex, fields] of this.#ofVfs) {
      const min = fields.get("network.minTxRateMbps");
      const max = fields.get("network.maxTxRateMbps");
      if (min && max && Number(max.value) !== 0 && Number(min.value) > Number(max.value)) {
        this.#contradict(min, max, vfIndex);
      }
    }
  }
}

/** A claim may say which address it is that a policy leaves open. */
function yields(first: Wish, second: Wish): boolean {
  const open = first.field === "network.mac" && isMacWord(first.value);
  return open && !first.ofClaim && second.ofClaim === true;
}

function written({ value, written: text }: Wish): string {
  return text ?? String(value);
}

interface PfFields {
  readonly numVfs?: number | undefined;
  readonly onShrink?: "refuse" | "drain" | undefined;
  readonly eswitchMode?: "legacy" | "switchdev" | undefined;
  readonly pf?: { readonly mtu?: number | undefined; readonly up?: boolean | undefined } | undefined;
}

/** Fields under their dotted names as the object that the schema had. */
function nested(fields: ReadonlyMap<string, Wish>): Record<string, unknown> {
  const object: Record<string, WishValue | Record<string, WishValue>> = {};
  for (const [field, { value }] of fields) {
    const [outer = "", inner] = field.split(".");
    if (inner === undefined) object[outer] = value;
    else {
      const there = object[outer];
      if (typeof there === "object") there[inner] = value;
      else object[outer] = { [inner]: value };
    }
  }
  return object;
}

function desiredVf(
  vfIndex: number,
  { pool, driver, network, msixCount, nvme }: VfSettings,
  mac: string | undefined,
  claim: VfClaim | undefined,
): DesiredVf {
  const settings = desiredNetwork(network ?? {}, mac);
  return {
    vfIndex,
    ...defined({ pool, claimedBy: claim?.spec.guest, claim: claim?.metadata.name, driver, msixCount }),
    ...(Object.keys(settings).length > 0 ? { network: settings } : {}),
    ...(nvme ? { nvme: defined(nvme) } : {}),
  };
}

function desiredNetwork({ mac: _wish, protocol, ...same }: NetworkWish, mac: string | undefined): DesiredVfNetwork {
  return defined({ mac, ...same, vlanProtocol: protocol });
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without what is undefined. */
function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
