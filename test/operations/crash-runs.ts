import assert from "node:assert/strict";
import { foldOperation } from "../../src/host/apply/fold-operation.ts";
import type {
  Operation,
  OperationEvent,
  OperationHeader,
  OperationStore,
  OperationWriter,
  PfLocks,
} from "../../src/host/apply/operation.ts";
import {
  kernelWith,
  type OperationHost,
  operationHost,
  PF,
  pictureOf,
  planningOf,
} from "../../src/host/apply/testing/operation-host.ts";
import type { DesiredPf } from "../../src/host/desired/desired-pf.ts";
import type { ChangeableKernel } from "../../src/kernel/port-change.ts";
import { failed } from "../../src/kernel/port-outcome.ts";
import { bdf } from "../../src/pci/bdf.ts";

/**
 * A process that dies at its `at`th moment: there is one before and one after each record and each change of the kernel's.
 * From then on nothing that it does has an effect, and nothing comes back to it.
 */
class Life {
  readonly died: Promise<"died">;
  #left: number;
  #die: (value: "died") => void = () => {};
  readonly #under: Promise<unknown>[] = [];

  constructor(at: number) {
    this.#left = at;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  async do<T>(what: () => Promise<T>): Promise<T> {
    await this.#moment();
    const doing = what();
    this.#under.push(doing.catch(() => {}));
    const result = await doing;
    await this.#moment();
    return result;
  }

  /** What the kernel had begun it ends, whoever has died. */
  async kernelIsThrough(): Promise<void> {
    await Promise.all(this.#under);
  }

  async #moment(): Promise<void> {
    if (this.#left-- > 0) return;
    this.#die("died");
    await new Promise(() => {});
  }
}

/** Its locks went with it. */
const FREE: PfLocks = { acquire: async () => ({ release() {} }) };

/** A disk: what was appended stays, whoever dies. */
class Disk {
  readonly #files: { header: OperationHeader; events: OperationEvent[] }[] = [];

  storeOf(life: Life): OperationStore {
    const files = this.#files;
    const writer = (file: (typeof files)[number]): OperationWriter => ({
      header: file.header,
      append: (event) =>
        life.do(async () => {
          // As it would be on a disk: no references into the operation.
          file.events.push(JSON.parse(JSON.stringify(event)) as OperationEvent);
        }),
      close: async () => {},
    });
    const folded = (file: (typeof files)[number]): Operation => foldOperation(file.header, [...file.events]);
    return {
      create: (header) =>
        life.do(async () => {
          const number = files.length + 1;
          const file = { header: JSON.parse(JSON.stringify({ format: 1, number, ...header })), events: [] };
          files.push(file);
          return writer(file);
        }),
      resume: async (number) => writer(files[number - 1] as (typeof files)[number]),
      list: async () => files.map(folded),
      read: async (number) => {
        const file = files[number - 1];
        return file && folded(file);
      },
      numbers: async () => files.map((_, index) => index + 1),
    };
  }
}

function mortal(kernel: ChangeableKernel, life: Life): ChangeableKernel {
  return {
    ...kernel,
    write: (...args) => life.do(() => kernel.write(...args)),
    setVfs: (...args) => life.do(() => kernel.setVfs(...args)),
    setLink: (...args) => life.do(() => kernel.setLink(...args)),
    loadModule: (...args) => life.do(() => kernel.loadModule(...args)),
  };
}

const LONG = Number.MAX_SAFE_INTEGER;

function wish(numVfs: number, vfs: DesiredPf["vfs"] = []): DesiredPf[] {
  return [{ pf: PF, wantedBy: ["test"], numVfs, onShrink: "refuse", vfs }];
}

const POOLS = wish(3, [
  { vfIndex: 0, driver: "vfio", network: { mac: "02:00:00:00:00:01", vlan: 100 } },
  { vfIndex: 1, driver: "default", network: { mac: "02:00:00:00:00:02", spoofCheck: false } },
  { vfIndex: 2, driver: "none", network: { mac: "02:00:00:00:00:05" } },
]);

/** What POOLS has is named, since it would stay otherwise. */
const TWO = wish(2, [
  { vfIndex: 0, driver: "default", network: { mac: "02:00:00:00:00:03", vlan: 0 } },
  { vfIndex: 1, driver: "vfio", network: { mac: "02:00:00:00:00:04", spoofCheck: true } },
]);

interface Scenario {
  readonly name: string;
  readonly from: readonly DesiredPf[];
  readonly to: readonly DesiredPf[];
  /** The kernel refuses something, so that the operation goes back by itself. */
  readonly spoil?: (kernel: OperationHost["kernel"]) => ChangeableKernel;
  /** VFs that nobody touches. */
  readonly others?: readonly number[];
  /** Of the lab; igb where left out. */
  readonly machine?: string;
  /** Of the recovery's moments one in as many is tried; 3 where left out. */
  readonly stride?: number;
}

/** Two cards behind a switch. */
const SIDE_BY_SIDE = ["0000:03:00.0", "0000:04:00.0"].map(bdf);

function onBoth([wanted]: readonly DesiredPf[]): DesiredPf[] {
  assert.ok(wanted);
  // Each with addresses of its own: two VFs with one are refused.
  return SIDE_BY_SIDE.map((pf, card) => ({
    ...wanted,
    pf,
    vfs: wanted.vfs.map((vf) => ({ ...vf, network: { ...vf.network, mac: `02:00:00:00:0${card}:0${vf.vfIndex}` } })),
  }));
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "two PFs side by side",
    machine: "switch-acs",
    from: onBoth(wish(0)),
    to: onBoth(wish(1, [{ vfIndex: 0, driver: "none" }])),
    stride: 5,
  },
  { name: "VFs are made and set up", from: wish(0), to: POOLS },
  { name: "VFs are taken away", from: POOLS, to: wish(0) },
  { name: "their number changes", from: POOLS, to: TWO },
  {
    name: "one VF changes",
    from: POOLS,
    to: wish(3, [{ vfIndex: 1, driver: "vfio", network: { vlan: 300, mac: "02:00:00:00:00:12" } }]),
    others: [0, 2],
  },
  {
    name: "a step fails, and it goes back",
    from: TWO,
    to: POOLS,
    spoil: (kernel) =>
      kernelWith(kernel, {
        setVfs: async (netdev, changes, waiting) =>
          changes.some(({ vlan }) => vlan?.id === 100)
            ? [{ vfIndex: 0, setting: "vlan", outcome: failed(`${netdev} vf 0 vlan`, "100", "EINVAL") }]
            : kernel.setVfs(netdev, changes, waiting),
      }),
  },
];

class Crash {
  runs = 0;
  readonly host: OperationHost;
  readonly #scenario: Scenario;
  #disk = new Disk();
  readonly #before: string;
  readonly #wished: string;

  private constructor(host: OperationHost, scenario: Scenario, before: string, wished: string) {
    this.host = host;
    this.#scenario = scenario;
    this.#before = before;
    this.#wished = wished;
  }

  static async of(scenario: Scenario): Promise<Crash> {
    const host = await operationHost(scenario.machine);
    const none = { store: new Disk().storeOf(new Life(LONG)), locks: FREE };
    const apply = async (desired: readonly DesiredPf[]) => {
      const plan = await host.plan(desired);
      if (plan.pfs.every(({ steps }) => steps.length === 0)) return;
      assert.equal((await host.apply(plan, none)).state, "settled");
    };
    await apply(scenario.from);
    await apply(scenario.to);
    const wished = await host.picture();
    await apply(scenario.from);
    return new Crash(host, scenario, await host.picture(), wished);
  }

  /** @returns how many moments the operation had; less than `at` where it was through before */
  async run(at: number, recoveryAt: number): Promise<{ readonly died: boolean; readonly recoveryDied: boolean }> {
    this.runs++;
    this.#disk = new Disk();
    const { host } = this;
    const { from, to, spoil, others = [] } = this.#scenario;
    const objects = others.map((index) => this.#device(index));
    const life = new Life(at);
    const kernel = mortal(spoil?.(host.kernel) ?? host.kernel, life);
    const applying = host.apply(await host.plan(to), {
      kernel,
      planning: planningOf(kernel),
      store: this.#disk.storeOf(life),
      locks: FREE,
    });
    const died = (await Promise.race([applying, life.died])) === "died";
    await life.kernelIsThrough();

    let recoveryDied = false;
    if (died) {
      const second = new Life(recoveryAt);
      const recovering = host.recover({
        kernel: mortal(host.kernel, second),
        planning: planningOf(mortal(host.kernel, second)),
        store: this.#disk.storeOf(second),
        locks: FREE,
      });
      recoveryDied = (await Promise.race([recovering, second.died])) === "died";
      await second.kernelIsThrough();
      if (recoveryDied) await host.recover({ store: this.#disk.storeOf(new Life(LONG)), locks: FREE });
    }
    await this.#check(`died at ${at}, recovery at ${recoveryAt}`);
    for (const [place, index] of others.entries()) assert.equal(this.#device(index), objects[place], "another VF");

    const back = await host.plan(from);
    if (back.pfs.some(({ steps }) => steps.length > 0)) {
      await host.apply(back, { store: new Disk().storeOf(new Life(LONG)), locks: FREE });
    }
    assert.equal(await host.picture(), this.#before, "back for the next run");
    return { died, recoveryDied };
  }

  async #check(when: string): Promise<void> {
    const operations = await this.#disk.storeOf(new Life(LONG)).list();
    const last = operations.at(-1);
    const picture = await pictureOf(this.host.kernel);
    // Nothing was written down yet, so nothing was done.
    const state = last === undefined ? "undone" : last.state;
    assert.ok(state === "settled" || state === "undone", `${when}: ${state} ${JSON.stringify(last?.failure)}`);
    assert.equal(picture, state === "settled" ? this.#wished : this.#before, `${when}: ${state}`);
  }

  #device(index: number): unknown {
    return [...this.host.kernel.linux.devices].filter(([bdf]) => bdf.startsWith("0000:01:1"))[index]?.[1];
  }
}

/** Every moment, and every few of them those of the recovery, too. */
async function runScenario(scenario: Scenario): Promise<{ readonly moments: number; readonly runs: number }> {
  const crash = await Crash.of(scenario);
  try {
    let moments = 0;
    for (let at = 0; (await crash.run(at, LONG)).died; at++) moments++;
    const { stride = 3 } = scenario;
    for (let at = 1; at < moments; at++) {
      for (let second = at % stride; (await crash.run(at, second)).recoveryDied; second += stride);
    }
    return { moments, runs: crash.runs };
  } finally {
    crash.host.close();
  }
}

// As a process of its own: under the test runner each promise costs several times what it does here.
for (const scenario of SCENARIOS) {
  process.stdout.write(`${JSON.stringify({ name: scenario.name, ...(await runScenario(scenario)) })}\n`);
}
