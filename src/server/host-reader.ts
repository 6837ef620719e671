import { gatherHost } from "../host/capture/gather-host.ts";
import type { DeviceNames } from "../host/device-names.ts";
import { readFunctionDetails } from "../host/function-details.ts";
import { functionDetailsToJson } from "../host/function-json.ts";
import {
  functionAt,
  type HostFunction,
  type Inventory,
  pfAt,
  physicalFunctions,
  readAnew,
  readInventory,
} from "../host/inventory.ts";
import { readHostFacts } from "../host/preflight/facts.ts";
import { preflight, preflightToJson } from "../host/preflight/preflight.ts";
import { readTopology } from "../host/topology.ts";
import { isUnread, type Kernel } from "../kernel/port.ts";
import { archiveOf } from "../kernel/write-capture.ts";
import type { Bdf } from "../pci/bdf.ts";
import { SharedRead } from "./shared-read.ts";

/** Who looks at one function after the other does not wait for all of them each time. */
const PLACES_MS = 10_000;

/**
 * Reads of a host that are made when they are asked for, beside the looks that are made anyway. However many ask, the host is asked
 * by few: what is the same for all is read once for them, and what is not comes one after the other.
 */
export class HostReader {
  readonly #names: DeviceNames;
  readonly #inventory: SharedRead<Inventory>;
  readonly #topology: SharedRead<Awaited<ReturnType<typeof readTopology>>>;
  readonly #captures: Record<"whole" | "anonymised", SharedRead<Buffer>>;
  /** What was read last of all functions. */
  #recent: { readonly inventory: Inventory; readonly atMs: number } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kernel: Kernel, names: DeviceNames, version: string) {
    this.#names = names;
    this.#inventory = new SharedRead(async () => {
      const inventory = await readInventory(kernel);
      this.#recent = { inventory, atMs: performance.now() };
      return inventory;
    });
    this.#topology = new SharedRead(async () => readTopology(await this.#inventory.now(), names));
    const capture = (anonymise: boolean) =>
      new SharedRead(() => archiveOf(gatherHost(kernel, { vfleetVersion: version, time: new Date(), anonymise })));
    this.#captures = { whole: capture(false), anonymised: capture(true) };
  }

  topology() {
    return this.#topology.now();
  }

  /**
   * One function as it is now. Its place among the others, for which all of them are read, may be from a little earlier.
   * @throws VfleetError VFL-0013 where there is none
   */
  async function(bdf: Bdf) {
    const recent =
      this.#recent && performance.now() - this.#recent.atMs < PLACES_MS ? this.#recent.inventory : undefined;
    const place = recent?.functions.get(bdf);
    const again = recent && place && (await this.#alone(() => readAnew(recent, place)));
    // One that has come or gone meanwhile has another place, or none.
    const isThere = again && !isUnread(again.config);
    const inventory = recent && isThere ? recent : await this.#inventory.now();
    return this.#alone(async () => {
      const fn = isThere ? again : await readAnew(inventory, functionAt(inventory, bdf));
      return functionDetailsToJson(fn, await readFunctionDetails(inventory, fn), this.#names);
    });
  }

  /**
   * @param pf left out: all
   * @param vfs how many are wanted; left out: as many as there can be
   * @throws VfleetError VFL-0013, VFL-0014 where it is no PF
   */
  async preflights(pf: Bdf | undefined, vfs: number | undefined) {
    const inventory = await this.#inventory.now();
    const pfs: readonly HostFunction[] = pf === undefined ? physicalFunctions(inventory) : [pfAt(inventory, pf)];
    return this.#alone(async () => {
      const hostFacts = await readHostFacts(inventory.kernel);
      const results: ReturnType<typeof preflightToJson>[] = [];
      for (const each of pfs) results.push(preflightToJson(await preflight(inventory, each, { vfs, hostFacts })));
      return results;
    });
  }

  /** What `vfleet capture` writes. */
  capture(anonymise: boolean): Promise<Buffer> {
    return this.#captures[anonymise ? "anonymised" : "whole"].now();
  }

  /** After what was asked for before, however that ended. */
  #alone<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#last.then(read);
    this.#last = reading.catch(() => {});
    return reading;
  }
}
