import { isDeepStrictEqual } from "node:util";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readPolicies } from "../host/desired/read-documents.ts";
import { askGuests } from "../host/plan/ask-guests.ts";
import type { Plan } from "../host/plan/plan.ts";
import { keepAllocations, keepDocument, readAllocations, readDesiredFolder } from "../state/desired-folder.ts";
import { type HostSetting, operationSetting } from "./host-setting.ts";
import { planTexts, planWishes, type Wishes } from "./wishes.ts";

/** A change that somebody wants, as a plan, and what is kept when it was done. */
export interface PlannedChange {
  /** The host, with the claims that the plan reckons with. */
  readonly host: HostSetting;
  /** Guests were asked, too. */
  readonly plan: Plan;
  /** As the operation's record has them. */
  readonly kind: string;
  readonly title: string;
  /** Writes down what is desired from now on. */
  readonly keep?: () => Promise<void>;
}

/** A document by the name of its file. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/**
 * Toward what a document wants beside what is wanted already, or toward the latter alone.
 * @throws VfleetError VFL-0016 where it is wrong, or says what another document says, too
 */
export async function planApply(host: HostSetting, document?: NamedText): Promise<PlannedChange> {
  if (document === undefined) return applyOf(await planWishes(host, undefined));
  const { config } = host.folders;
  const file = { label: `${document.name}.yaml`, text: document.text };
  const others = (await readDesiredFolder(config)).filter(({ label }) => !label.endsWith(`/${file.label}`));
  // Alone first: what is wrong with it is told by its own lines.
  readPolicies([file]);
  const planned = await applyOf(await planTexts(host, [...others, file]));
  return {
    ...planned,
    async keep() {
      await planned.keep?.();
      await keepDocument(config, file);
    },
  };
}

/**
 * What is kept of claims when the plan was done is made of those that there were at the plan: others' would be lost.
 * @throws VfleetError VFL-0308 where claims have other VFs by now
 */
export async function checkClaims({ host }: PlannedChange): Promise<void> {
  if (isDeepStrictEqual(await readAllocations(host.folders.state), host.claims)) return;
  throw new VfleetError("VFL-0308", { message: "the host has changed since the plan: claims have other VFs" });
}

async function applyOf({ host, state, plan, resolved, documents }: Wishes): Promise<PlannedChange> {
  const names = [...documents.policies, ...documents.claims].map(({ metadata }) => metadata.name);
  return {
    host,
    plan: await askGuests(plan, state, host.guests),
    kind: "apply",
    title: names.join(", "),
    keep: () => keepAllocations(host.folders.state, resolved.allocations),
  };
}

/**
 * Back to what was there before an operation, as a change like any other: it is refused where somebody uses by now what would go.
 * @throws VfleetError VFL-0504 where there is no such operation, VFL-0512 where nothing of it is left to take back
 */
export async function planUndo(host: HostSetting, number: number): Promise<PlannedChange> {
  const operation = await operationSetting(host).store.read(number);
  if (operation === undefined) throw new VfleetError("VFL-0504", { message: `there is no operation ${number}` });
  if (operation.state !== "settled") {
    throw new VfleetError("VFL-0512", { message: `operation ${number} is ${operation.state}`, details: { number } });
  }
  // Its steps are those of a guest that goes; only another move takes it back.
  if (operation.migration !== undefined) {
    throw new VfleetError("VFL-0512", {
      message: `operation ${number} has moved a guest, which is not taken back by a plan`,
      remedy: `move it back: vfleet migrate, from ${operation.migration.destination}`,
      details: { number },
    });
  }
  const state = await host.planning.observe();
  const plan = await askGuests(await host.planning.plan(state, operation.before), state, host.guests);
  return { host, plan, kind: "undo", title: `operation ${number}: ${operation.kind} ${operation.title}` };
}
