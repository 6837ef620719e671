import { type AerCount, readAerCounts, readPortsAbove, readReceived } from "../host/aer-counts.ts";
import { atOnce, READS_AT_ONCE } from "../host/at-once.ts";
import { isSimulated } from "../host/pf-address.ts";
import type { HostState } from "../host/state/host-state.ts";
import type { Kernel } from "../kernel/port.ts";
import type { Bdf } from "../pci/bdf.ts";

/** Of VFs there are thousands, and errors are few. */
const VFS_MS = 60_000;

/**
 * What AER has counted of a host's PFs, the ports above them, and VFs. PFs and ports are read with each look; VFs as soon as one
 * of those has counted something, as the root port does with each message from below, and once a minute: where firmware gets
 * errors first, Linux hears of them by no port.
 */
export class AerWatch {
  readonly #kernel: Kernel;
  readonly #nowMs: () => number;
  #counts: ReadonlyMap<Bdf, readonly AerCount[]> = new Map();
  #messages = 0;
  #vfsReadAtMs = Number.NEGATIVE_INFINITY;

  constructor(kernel: Kernel, nowMs: () => number) {
    this.#kernel = kernel;
    this.#nowMs = nowMs;
  }

  /** Of functions that have AER. */
  get counts(): ReadonlyMap<Bdf, readonly AerCount[]> {
    return this.#counts;
  }

  async look({ pfs }: Pick<HostState, "pfs">): Promise<void> {
    const kernel = this.#kernel;
    const own = pfs.flatMap(({ bdf }) => (isSimulated(bdf) ? [] : [bdf]));
    const ports = new Set((await Promise.all(own.map((pf) => readPortsAbove(kernel, pf)))).flat());
    const vfs = pfs.flatMap((pf) => pf.vfs.flatMap(({ bdf }) => bdf ?? []));
    const counts = await this.#read([...ports, ...own]);
    let messages = 0;
    for (const port of ports) messages += await readReceived(kernel, port);
    for (const count of [...counts.values()].flat()) messages += count.messages;
    const isDue = messages !== this.#messages || this.#nowMs() - this.#vfsReadAtMs >= VFS_MS;
    const before = this.#counts;
    const read = await this.#read(isDue ? vfs : vfs.filter((vf) => !before.has(vf)));
    for (const vf of vfs) counts.set(vf, read.get(vf) ?? before.get(vf) ?? []);
    if (isDue) this.#vfsReadAtMs = this.#nowMs();
    this.#messages = messages;
    this.#counts = counts;
  }

  async #read(functions: readonly Bdf[]): Promise<Map<Bdf, readonly AerCount[]>> {
    return new Map(
      await atOnce(functions, READS_AT_ONCE, async (bdf) => [bdf, await readAerCounts(this.#kernel, bdf)] as const),
    );
  }
}
