import type { VirtualFunctionObject } from "../api/objects.ts";

/** What went through a VF, each second; null where it is not counted. */
export interface Rate {
  readonly rxBitsPerS: number | null;
  readonly txBitsPerS: number | null;
  readonly rxFramesPerS: number | null;
  readonly txFramesPerS: number | null;
  readonly rxDropsPerS: number | null;
  readonly txDropsPerS: number | null;
}

/** A look at a VF's counters, and what went through it since the sample before. */
export interface Sample {
  readonly atMs: number;
  /** null of the first one, after counters began anew, and where nothing is counted. */
  readonly rate: Rate | null;
}

/** Counters as far as they are known, and whose they are. */
type Counters = Readonly<Partial<Record<(typeof COUNTED)[number][0], number>>> & { readonly by: string };

interface Seen {
  counters: Counters | null;
  /** The last sample is of a look; of one that was there when the page came, nobody knows how old it was. */
  isOfLook: boolean;
  readonly samples: Sample[];
}

/** A counter, the rate that comes of it, and how many of that one of it is. */
const COUNTED = [
  ["rxBytes", "rxBitsPerS", 8],
  ["txBytes", "txBitsPerS", 8],
  ["rxPackets", "rxFramesPerS", 1],
  ["txPackets", "txFramesPerS", 1],
  ["rxDropped", "rxDropsPerS", 1],
  ["txDropped", "txDropsPerS", 1],
] as const satisfies ReadonlyArray<readonly [string, keyof Rate, number]>;

const KEPT_MS = 5 * 60_000;
/** A look at thousands of VFs takes seconds itself. */
const LEAST_SILENCE_MS = 10_000;
/** What comes of one look does not come at once. */
const MOST_TOGETHER_MS = 1000;

/**
 * What went through VFs lately, from the counters of their objects as they come.
 *
 * An object comes only where something of it has changed, so a VF whose object stays is told apart by its neighbours: where
 * another's counters have changed the host was looked at, and this one's had not. Where no counter changes at all, the host was
 * looked at by the time that two looks are due, and ten seconds have passed.
 */
export class TrafficHistory {
  readonly #intervalMs: number;
  readonly #vfs = new Map<string, Seen>();
  /** When the host is known to have been looked at, oldest first; those of the last minutes. */
  readonly #looks: number[] = [];
  #version = 0;

  /** @param intervalMs between two looks of the server at its host */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Another one whenever there are new samples. */
  get version(): number {
    return this.#version;
  }

  /** A VF as it is known at a time; to be told again and again, also of one that has not changed. */
  add(vf: VirtualFunctionObject, atMs: number): void {
    const { name } = vf.metadata;
    const counters = countersOf(vf);
    const seen = this.#vfs.get(name);
    if (seen === undefined) {
      this.#vfs.set(name, { counters, isOfLook: false, samples: [{ atMs, rate: null }] });
      this.#version++;
      return;
    }
    if (isSame(seen.counters, counters)) {
      this.#isQuiet(seen, atMs);
      return;
    }
    const lookMs = this.#lookAt(atMs);
    const before = this.#looks.findLast((each) => each < lookMs);
    if (before !== undefined) this.#quietUntil(seen, before);
    this.#push(seen, { atMs: lookMs, rate: seen.isOfLook ? rateBetween(seen, counters, lookMs) : null });
    seen.counters = counters;
    seen.isOfLook = true;
  }

  /** Forgets the VFs that are not among these: one that comes again by the same name is another. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#vfs.keys()) if (!names.has(name)) this.#vfs.delete(name);
  }

  /** What goes through a VF now; undefined while it is not known. */
  rateOf(name: string): Rate | undefined {
    return this.#vfs.get(name)?.samples.at(-1)?.rate ?? undefined;
  }

  /** Of the last five minutes, oldest first: each rate is that of the time since the sample before. */
  samplesOf(name: string): readonly Sample[] {
    return this.#vfs.get(name)?.samples ?? [];
  }

  get #togetherMs(): number {
    return Math.min(this.#intervalMs / 5, MOST_TOGETHER_MS);
  }

  /** The time of the look that something came of. */
  #lookAt(atMs: number): number {
    const last = this.#looks.at(-1);
    if (last !== undefined && atMs - last < this.#togetherMs) return last;
    this.#looks.push(atMs);
    while ((this.#looks[0] ?? atMs) < atMs - KEPT_MS) this.#looks.shift();
    return atMs;
  }

  #isQuiet(seen: Seen, atMs: number): void {
    const newest = this.#looks.at(-1) ?? seen.samples.at(-1)?.atMs ?? atMs;
    if (atMs - newest > Math.max(2 * this.#intervalMs, LEAST_SILENCE_MS)) this.#lookAt(atMs);
    // Of a look that is under way more may come.
    const ended = this.#looks.findLast((each) => atMs - each >= this.#togetherMs);
    if (ended !== undefined) this.#quietUntil(seen, ended);
  }

  /** Its counters had not changed at a look. */
  #quietUntil(seen: Seen, lookMs: number): void {
    const { samples, counters } = seen;
    const last = samples.at(-1);
    if (last === undefined || last.atMs >= lookMs) return;
    const rate = rateBetween(seen, counters, lookMs);
    seen.isOfLook = true;
    // A long silence is one sample, which grows.
    if (isSilence(last.rate) && isSilence(samples.at(-2)?.rate ?? null)) samples.pop();
    this.#push(seen, { atMs: lookMs, rate });
  }

  #push({ samples }: Seen, sample: Sample): void {
    if (samples.at(-1)?.atMs === sample.atMs) samples.pop();
    samples.push(sample);
    // One that is older stays as the beginning of the first rate.
    while ((samples[1]?.atMs ?? sample.atMs) < sample.atMs - KEPT_MS) samples.shift();
    this.#version++;
  }
}

/** The sum of rates, as of the VFs of a PF: of each kind of what is counted of at least one of them. */
export function sumOfRates(rates: readonly (Rate | undefined)[]): Rate | undefined {
  const known = rates.filter((rate) => rate !== undefined);
  if (known.length === 0) return undefined;
  const sum = (key: keyof Rate) => {
    const values = known.map((rate) => rate[key]).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  return Object.fromEntries(COUNTED.map(([, key]) => [key, sum(key)])) as unknown as Rate;
}

/** The sum of several VFs' samples, at the time of each of them. */
export function sumOfSamples(vfs: readonly (readonly Sample[])[]): readonly Sample[] {
  const times = [...new Set(vfs.flatMap((samples) => samples.map(({ atMs }) => atMs)))].sort((a, b) => a - b);
  const places = vfs.map(() => 0);
  return times.map((atMs) => {
    const rates = vfs.map((samples, vf) => {
      while ((samples[places[vf] as number]?.atMs ?? Number.POSITIVE_INFINITY) < atMs) (places[vf] as number)++;
      // The sample that comes next has the rate of the time before it.
      return samples[places[vf] as number]?.rate ?? undefined;
    });
    return { atMs, rate: sumOfRates(rates) ?? null };
  });
}

function countersOf({ status }: VirtualFunctionObject): Counters | null {
  const { counters } = status;
  if (counters === null) return null;
  const known = COUNTED.flatMap(([name]) => (counters[name] === null ? [] : [[name, counters[name]] as const]));
  return known.length === 0 ? null : { by: counters.by, ...Object.fromEntries(known) };
}

function isSame(a: Counters | null, b: Counters | null): boolean {
  if (a === null || b === null) return a === b;
  return a.by === b.by && COUNTED.every(([name]) => a[name] === b[name]);
}

/** null where one cannot be told: counters that went down have begun anew, and how often is not known. */
function rateBetween(seen: Seen, counters: Counters | null, atMs: number): Rate | null {
  const { counters: old } = seen;
  const seconds = (atMs - (seen.samples.at(-1)?.atMs ?? atMs)) / 1000;
  // Another has counted other frames.
  if (old === null || old.by !== counters?.by || seconds <= 0) return null;
  if (COUNTED.some(([name]) => (counters[name] ?? 0) < (old[name] ?? 0))) return null;
  const rates = COUNTED.map(([name, key, factor]) => {
    const [from, to] = [old[name], counters[name]];
    return [key, from === undefined || to === undefined ? null : ((to - from) * factor) / seconds];
  });
  return Object.fromEntries(rates) as Rate;
}

function isSilence(rate: Rate | null): boolean {
  return rate !== null && Object.values(rate).every((value) => value === null || value === 0);
}
