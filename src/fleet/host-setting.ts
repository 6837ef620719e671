import { basename, dirname, join } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { OperationSetting } from "../host/apply/apply-plan.ts";
import { systemClock } from "../host/apply/clock.ts";
import type { Planning } from "../host/apply/planning.ts";
import type { Allocation } from "../host/desired/allocation.ts";
import { desiredOf } from "../host/desired/desired-of.ts";
import type { Guests } from "../host/guest-port.ts";
import type { Inventory } from "../host/inventory.ts";
import { planHost } from "../host/plan/plan-host.ts";
import { runPreflights } from "../host/plan/run-preflights.ts";
import { withClaims } from "../host/state/claim-users.ts";
import type { HostState } from "../host/state/host-state.ts";
import { observeWithInventory } from "../host/state/observe-host.ts";
import type { MachineFlows } from "../kernel/model/remote/model-flows.ts";
import { machineFolder, modelFile, modelsFolder, realFile } from "../kernel/model/remote/state-folder.ts";
import { openSource } from "../kernel/open-source.ts";
import type { Kernel } from "../kernel/port.ts";
import type { ChangeableKernel } from "../kernel/port-change.ts";
import { readAllocations } from "../state/desired-folder.ts";
import { openOperationStore } from "../state/operation-store.ts";
import { openLocks } from "../state/pf-locks.ts";
import { openFlows } from "./open-flows.ts";
import { openGuests } from "./open-guests.ts";

/** Options that all commands of provisioning take. */
export interface HostOptions {
  readonly source: string;
  /** Where operations are written down. */
  readonly state?: string;
  /** Where what is desired is kept. */
  readonly config?: string;
  readonly json?: boolean;
}

/** A host to work at, and where what is known of it is kept. */
export interface HostSetting {
  readonly kernel: Kernel | ChangeableKernel;
  /** Undefined of a picture of a host. */
  readonly guests: Guests | undefined;
  /** Which VFs claims have. */
  readonly claims: readonly Allocation[];
  readonly planning: HostPlanning;
  readonly folders: HostFolders;
  /** Of a modelled machine. */
  readonly flows?: MachineFlows | undefined;
}

interface HostFolders {
  readonly state: string;
  readonly config: string;
  /** Of the host whatever `--state` says: two vfleets meet there. */
  readonly locks: string;
}

export async function openHost(options: HostOptions): Promise<HostSetting> {
  const kernel = await openSource(options.source);
  return settingOf({
    kernel,
    guests: await openGuests(kernel),
    folders: foldersOf(options),
    flows: openFlows(kernel),
  });
}

/** A host that is open, with its claims as they are kept now. */
export async function settingOf(
  host: Pick<HostSetting, "kernel" | "guests" | "folders" | "flows">,
): Promise<HostSetting> {
  const { kernel, guests, folders, flows } = host;
  const sight = { kernel, guests, claims: await readAllocations(folders.state) };
  return { ...sight, folders, flows, planning: planningOf(sight) };
}

/** What a host is seen with. */
interface Sight {
  readonly kernel: Kernel | ChangeableKernel;
  readonly guests: Guests | undefined;
  /** Whose VFs are in use. */
  readonly claims: readonly Allocation[];
}

/** What was read of a host at one time; claims are not among the users of its VFs. */
export interface SeenHost {
  readonly state: HostState;
  readonly inventory: Inventory;
}

export interface HostPlanning extends Planning {
  /** What plans are made from, of what was read already. */
  stateOf(seen: SeenHost): HostState;
}

/** How a host is seen by a claim that is no use of its own VFs by another. */
export function claimedApart(host: HostSetting, isOwn: (claim: Allocation) => boolean): HostPlanning {
  return planningOf({ ...host, claims: host.claims.filter((each) => !isOwn(each)) });
}

function planningOf({ kernel, guests, claims }: Sight): HostPlanning {
  // Registers are slow to read: what was read for a state serves its plan, too.
  const inventories = new WeakMap<HostState, Inventory>();
  const stateOf = ({ state: seen, inventory }: SeenHost): HostState => {
    const state = withClaims(seen, claims);
    inventories.set(state, inventory);
    return state;
  };
  return {
    stateOf,
    observe: async () => stateOf(await observeAll({ kernel, guests })),
    async plan(state, desired) {
      const preflights = await runPreflights(kernel, state, desired, inventories.get(state));
      return planHost({ state, desired, preflights });
    },
    desiredOf,
  };
}

/** A host with its guests. */
export async function observeAll({ kernel, guests }: Pick<Sight, "kernel" | "guests">): Promise<SeenHost> {
  const { state, inventory } = await observeWithInventory(kernel);
  return { state: guests ? { ...state, guests: await guests.look() } : state, inventory };
}

/** What an operation works with. @throws VfleetError VFL-0011 where the source takes no changes */
export function operationSetting({ kernel, guests, planning, folders }: HostSetting): OperationSetting {
  if (!("write" in kernel)) {
    throw new VfleetError("VFL-0011", {
      message: `${kernel.source.name} is a picture of a host, and takes no changes`,
      remedy: "use linux (this host) or model:FILE",
      details: { source: kernel.source.name },
    });
  }
  return {
    kernel,
    ...(guests ? { guests } : {}),
    planning,
    store: openOperationStore(join(folders.state, "operations")),
    locks: openLocks(folders.locks),
    clock: systemClock,
    pid: process.pid,
  };
}

/**
 * Root's folders where root works at its own host; else folders of the user's own. A modelled machine has its own, so that its
 * operations are not another's; they stay when it is powered off, as a host's disk does.
 */
function foldersOf({ source, state, config }: HostOptions): HostFolders {
  const file = modelFile(source);
  if (file !== undefined) {
    const models = modelsFolder();
    const machine = basename(machineFolder(realFile(file), models));
    const own = join(dirname(models), "hosts", machine);
    return { state: state ?? join(own, "state"), config: config ?? join(own, "config"), locks: join(own, "locks") };
  }
  if (process.geteuid?.() === 0) {
    return { state: state ?? "/var/lib/vfleet", config: config ?? "/etc/vfleet", locks: "/run/vfleet/locks" };
  }
  const own = join(dirname(modelsFolder()), "hosts", "this");
  return { state: state ?? own, config: config ?? "/etc/vfleet", locks: join(own, "locks") };
}
