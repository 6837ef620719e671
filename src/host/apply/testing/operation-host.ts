import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { ModelDescription } from "../../../kernel/model/model-description.ts";
import { type ModelKernel, openModel } from "../../../kernel/model/model-kernel.ts";
import { labModel } from "../../../kernel/model/testing/lab-models.ts";
import { isUnread } from "../../../kernel/port.ts";
import type { ChangeableKernel } from "../../../kernel/port-change.ts";
import { type Bdf, bdf, formatBdf, type RoutingId } from "../../../pci/bdf.ts";
import { openKept } from "../../../state/kept.ts";
import { openOperationStore } from "../../../state/operation-store.ts";
import { openLocks } from "../../../state/pf-locks.ts";
import { desiredOf } from "../../desired/desired-of.ts";
import type { DesiredPf } from "../../desired/desired-pf.ts";
import type { PfAddress } from "../../pf-address.ts";
import type { Plan } from "../../plan/plan.ts";
import { planHost } from "../../plan/plan-host.ts";
import { observeHost } from "../../state/observe-host.ts";
import { type ApplyRequest, applyPlan, type OperationSetting } from "../apply-plan.ts";
import type { Clock } from "../clock.ts";
import type { Operation, OperationStore, PfLocks } from "../operation.ts";
import type { Patience } from "../patience.ts";
import type { Planning } from "../planning.ts";
import { type RecoverRequest, recoverOperations } from "../recover.ts";

export const PF = bdf("0000:01:00.0");

/** Time that passes only while somebody sleeps. */
export function skippingClock(): Clock {
  let ms = 0;
  return {
    now: () => new Date(1_767_225_600_000 + ms),
    elapsedMs: () => ms,
    async sleep(wantedMs) {
      ms += wantedMs;
      await turn();
    },
  };
}

/** Of writes the model waits by the world's time. */
export const QUICK: Patience = { writeMs: 30, longWriteMs: 500, appearMs: 500, perVfMs: 0, settleMs: 300 };

/** A modelled host with the folders that operations on it need. */
export interface OperationHost {
  readonly kernel: ModelKernel;
  readonly store: OperationStore;
  readonly folder: string;
  plan(desired: readonly DesiredPf[], kernel?: ChangeableKernel): Promise<Plan>;
  apply(plan: Plan, more?: Partial<ApplyRequest>): Promise<Operation>;
  recover(more?: Partial<RecoverRequest>): Promise<readonly Operation[]>;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** What a person would compare: counts, drivers and settings of all PFs' VFs. */
  picture(): Promise<string>;
  /** As a guest that has the VF; ends with what is returned. */
  useByGuest(vf: Bdf): () => void;
  close(): void;
}

export function planningOf(kernel: ChangeableKernel): Planning {
  return { observe: () => observeHost(kernel), plan: (state, desired) => planHost({ state, desired }), desiredOf };
}

export async function operationHost(
  machine = "igb",
  modules: readonly string[] = ["igb", "igbvf", "vfio-pci"],
  changed: (description: ModelDescription) => ModelDescription = (description) => description,
): Promise<OperationHost> {
  const description = labModel(machine);
  assert.ok(description);
  const kernel = await openModel({ ...changed(description), modules }, machine);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-operations-"));
  const store = openOperationStore(join(folder, "operations"));
  const locks: PfLocks = openLocks(join(folder, "locks"));
  const setting: OperationSetting = {
    kernel,
    store,
    locks,
    clock: skippingClock(),
    planning: planningOf(kernel),
    pid: 42,
    patience: QUICK,
  };
  // QEMU's igb has its link only while its interface is up.
  for (const { name } of kernel.linux.net.all) if (name !== "lo") await kernel.setLink(name, { up: true });
  await kernel.linux.time.sleep(5000);

  async function read(path: string): Promise<string> {
    const bytes = await kernel.read(path);
    return isUnread(bytes) ? bytes.errno : new TextDecoder().decode(bytes).trimEnd();
  }

  return {
    kernel,
    store,
    folder,
    plan: async (desired, from = kernel) => {
      const { observe, plan } = planningOf(from);
      return plan(await observe(), desired);
    },
    apply: (plan, more = {}) => applyPlan({ ...setting, plan, kind: "apply", title: "test", ...more }),
    recover: (more = {}) =>
      recoverOperations({ ...setting, kept: openKept({ state: folder, config: join(folder, "config") }), ...more }),
    read,
    async write(path, text) {
      assert.equal((await kernel.write(path, text)).kind, "done", `${path}: ${text}`);
    },
    picture: async () => pictureOf(kernel),
    useByGuest(vf) {
      const group = kernel.linux.devices.get(vf)?.iommuGroup?.id;
      const guest = kernel.linux.processes.start("qemu-system-x86", `/dev/vfio/${group}`, [vf]);
      return () => guest.end();
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function pictureOf(kernel: ChangeableKernel): Promise<string> {
  const { pfs } = await observeHost(kernel);
  // Users come and go; counters count; a VF that was made anew has another group.
  return JSON.stringify(
    pfs.map((pf) => desiredOf(pf)),
    undefined,
    1,
  );
}

/** A kernel of which one call answers something else. */
export function kernelWith(kernel: ModelKernel, changes: Partial<ChangeableKernel>): ChangeableKernel {
  return { ...kernel, ...changes };
}

/** The kinds of the events, and of the steps where they belong to one. */
export function eventsOf({ events, steps }: Operation): string[] {
  let current = steps;
  return events.map((event) => {
    if (event.event === "undoBegun") current = event.steps;
    if ("step" in event) return `${event.event} ${current[event.step]?.kind}`;
    return event.event === "ended" ? `ended ${event.state}` : event.event;
  });
}

/** The hardware at an address: faults are put upon it by its name. */
export function functionAt({ linux }: ModelKernel, address: PfAddress): { readonly name: string } {
  const found = [...linux.machine.functions.values()].find(
    ({ routingId }) => formatBdf(0, routingId as RoutingId) === address,
  );
  assert.ok(found, address);
  return found;
}
