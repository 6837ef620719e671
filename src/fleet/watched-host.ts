import type { Clock } from "../host/apply/clock.ts";
import type { DeviceNames } from "../host/device-names.ts";
import type { HostState } from "../host/state/host-state.ts";
import { isUnread, type Observed } from "../kernel/port.ts";
import type { Uevent } from "../kernel/port-uevent.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { HostObject, Observation } from "./objects.ts";
import { type HostWatch, observedObjects, unreachableHost } from "./observe-objects.ts";

/** One look. */
export interface HostView {
  readonly state: HostState;
  readonly desired: HostObject["status"]["desired"];
  readonly operations: readonly Observation[];
}

export interface WatchedHostOptions {
  readonly name: string;
  /** As `--source` has it. */
  readonly source: string;
  readonly observe: () => Promise<HostView>;
  readonly cache: ObjectCache;
  readonly names: DeviceNames;
  readonly clock: Clock;
  /** Between two looks at a host where nothing is known to have happened. */
  readonly intervalMs: number;
  /** What the kernel tells of its devices: a look follows soon. Left out where it tells nothing. */
  readonly events?: (signal: AbortSignal) => Promise<Observed<AsyncIterable<Observed<Uevent>>>>;
  /** Told once where the kernel tells nothing any more, so that what happens is seen later. */
  readonly onDeaf: (reason: unknown) => void;
}

/** Whose events may be about what is seen of a host. */
const SUBSYSTEMS: ReadonlySet<string> = new Set(["pci", "net", "vfio", "vfio-dev", "nvme", "infiniband", "module"]);
/** Many VFs come one after the other: one look serves all. */
const SETTLE_MS = 100;
/** A host that cannot be read is asked less and less often, up to this. */
const LONGEST_WAIT_MS = 60_000;

/** Looks at a host again and again, and keeps the cache as it is. */
export class WatchedHost {
  readonly #options: WatchedHostOptions;
  readonly #end = new AbortController();
  #wake = new AbortController();
  /** It can be read again: it may tell of its devices again, too. */
  #back = new AbortController();
  #since: string;
  #reachable: boolean | undefined;
  #failures = 0;
  #look: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  /** When it was read last, in the clock's milliseconds. */
  #readAtMs: number | undefined;
  #tookMs = 0;
  /** Since when it differs from what is desired. */
  #differsAtMs: number | undefined;
  #lagWithout: 0 | undefined;

  constructor(options: WatchedHostOptions) {
    this.#options = options;
    this.#since = options.clock.now().toISOString();
    const { cache, name } = options;
    cache.put(name, unreachableHost(undefined, this.#watch, "it was not looked at yet"));
  }

  /** How long ago it was read; undefined where it never was. */
  get ageMs(): number | undefined {
    return this.#readAtMs === undefined ? undefined : this.#options.clock.elapsedMs() - this.#readAtMs;
  }

  /** How long it has differed from what is desired; 0 where it does not, undefined where that is not known. */
  get lagMs(): number | undefined {
    return this.#differsAtMs === undefined ? this.#lagWithout : this.#options.clock.elapsedMs() - this.#differsAtMs;
  }

  /** Of the last look. */
  get tookMs(): number {
    return this.#tookMs;
  }

  /** Whether it was looked at, with whatever came of it. */
  get wasAsked(): boolean {
    return this.#reachable !== undefined;
  }

  get isReachable(): boolean {
    return this.#reachable === true;
  }

  start(): void {
    this.#running ??= Promise.all([this.#run(), this.#follow()]).then(() => {});
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#wake.abort();
    await this.#running;
  }

  /** Looks now: something was done to it. Ends when it was seen. */
  async lookNow(): Promise<void> {
    // A look that is under way may have read before what was done.
    await this.#look;
    await this.#lookOnce();
  }

  get #watch(): HostWatch {
    const { source, intervalMs } = this.#options;
    return { source, since: this.#since, intervalMs };
  }

  async #run(): Promise<void> {
    const { clock, intervalMs } = this.#options;
    while (!this.#end.signal.aborted) {
      await this.#lookOnce();
      if (!this.#end.signal.aborted) await clock.sleep(longerWait(intervalMs, this.#failures), this.#wake.signal);
      this.#wake = new AbortController();
    }
  }

  /**
   * Looks where the kernel says that something has happened. Where it says nothing any more, the interval is what is left, until it does
   * again, as a modelled host that was reset.
   */
  async #follow(): Promise<void> {
    const { events, clock, intervalMs, onDeaf } = this.#options;
    const { signal } = this.#end;
    if (events === undefined) return;
    let isTold = false;
    for (let failures = 0; !signal.aborted; failures++) {
      const began = clock.elapsedMs();
      const reason = await this.#listen(events, () => {
        // What has happened meanwhile was told to nobody.
        if (isTold) this.#wake.abort();
        isTold = false;
      });
      if (signal.aborted) return;
      if (!isTold) onDeaf(reason);
      isTold = true;
      if (clock.elapsedMs() - began > LONGEST_WAIT_MS) failures = 0;
      this.#back = new AbortController();
      await clock.sleep(longerWait(intervalMs, failures), AbortSignal.any([signal, this.#back.signal]));
    }
  }

  /** @param onHeard called once it is listened to @returns why it tells nothing any more */
  async #listen(events: NonNullable<WatchedHostOptions["events"]>, onHeard: () => void): Promise<unknown> {
    const { clock } = this.#options;
    const { signal } = this.#end;
    try {
      const told = await events(signal);
      if (isUnread(told)) return told.reason;
      onHeard();
      let isDue = false;
      for await (const event of told) {
        if (isUnread(event)) return event.reason;
        if (isDue || !SUBSYSTEMS.has(event.subsystem)) continue;
        isDue = true;
        void clock.sleep(SETTLE_MS, signal).then(() => {
          isDue = false;
          this.#wake.abort();
        });
      }
      return "its events have ended";
    } catch (error) {
      return error;
    }
  }

  #lookOnce(): Promise<void> {
    this.#look ??= this.#observe().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  async #observe(): Promise<void> {
    const { name, observe, cache, names, clock } = this.#options;
    const began = clock.elapsedMs();
    try {
      const { state, desired, operations } = await observe();
      if (this.#reachable !== true) this.#since = clock.now().toISOString();
      if (this.#reachable === false) this.#back.abort();
      this.#reachable = true;
      this.#failures = 0;
      cache.replace(name, [...observedObjects(state, this.#watch, desired, names), ...operations]);
      this.#readAtMs = clock.elapsedMs();
      const differs = desired === "differs" || desired === "refused" || desired === "invalid";
      this.#differsAtMs = differs ? (this.#differsAtMs ?? this.#readAtMs) : undefined;
      this.#lagWithout = desired === null ? undefined : 0;
    } catch (error) {
      // Whatever it is: one host that cannot be read is no reason to stop looking at the others.
      const problem = error instanceof Error ? error.message : String(error);
      if (this.#reachable !== false) this.#since = clock.now().toISOString();
      this.#reachable = false;
      this.#failures++;
      const last = cache.get("Host", name, "");
      cache.put(name, unreachableHost(last, this.#watch, problem));
    } finally {
      this.#tookMs = clock.elapsedMs() - began;
    }
  }
}

function longerWait(intervalMs: number, failures: number): number {
  return Math.min(intervalMs * 2 ** Math.min(failures, 10), Math.max(LONGEST_WAIT_MS, intervalMs));
}
