import { isUnread, type Observed, unread } from "../../../kernel/port.ts";
import type { NvmeManagement, NvmeSecondary } from "../../../kernel/port-nvme.ts";
import type { PfAddress } from "../../pf-address.ts";
import { nvmeController } from "../find-devices.ts";
import { answerOf, isUnanswered, writeWaiting } from "../kernel-write.ts";
import {
  BEFORE,
  done,
  type Executor,
  fail,
  notReadable,
  refused,
  type StepContext,
  type StepOutcome,
  UNREADABLE,
} from "../step-outcome.ts";

export const ASSIGN_NVME_RESOURCES: Executor<"assignNvmeResources"> = {
  async run({ pf, vfIndex, resource, to }, context) {
    const failed = await manage(pf, vfIndex, context, (controllerId) => ({
      action: "assign",
      controllerId,
      resource,
      count: to,
    }));
    if (failed) return failed;
    const shown = await secondaryOf(pf, vfIndex, context);
    if (isUnread(shown)) return notReadable(shown);
    if (shown[resource] === to) return done(`secondary controller ${shown.controllerId} has ${to} ${resource}`);
    return fail(
      "VFL-0310",
      `secondary controller ${shown.controllerId} has ${shown[resource]} ${resource} after ${to} were assigned`,
    );
  },

  async look({ pf, vfIndex, resource, from, to }, context) {
    const shown = await secondaryOf(pf, vfIndex, context);
    if (isUnread(shown)) return UNREADABLE;
    const evidence = `it has ${shown[resource]} ${resource}`;
    if (shown[resource] === to) return { kind: "after", evidence };
    return shown[resource] === from ? BEFORE : { kind: "other", evidence };
  },
};

export const SET_NVME_ONLINE: Executor<"setNvmeOnline"> = {
  async run({ pf, vfIndex, to }, context) {
    const action = to ? "online" : "offline";
    const failed = await manage(pf, vfIndex, context, (controllerId) => ({ action, controllerId }));
    if (failed) return failed;
    const shown = await secondaryOf(pf, vfIndex, context);
    if (isUnread(shown)) return notReadable(shown);
    const { controllerId, online } = shown;
    if (online === to) return done(`secondary controller ${controllerId} is ${action}`);
    return fail("VFL-0310", `secondary controller ${controllerId} is not ${action} after it was told to be`);
  },

  async look({ pf, vfIndex, to }, context) {
    const shown = await secondaryOf(pf, vfIndex, context);
    if (isUnread(shown)) return UNREADABLE;
    return shown.online === to ? { kind: "after", evidence: `it is ${to ? "online" : "offline"}` } : BEFORE;
  },
};

/** @returns undefined where it was done */
async function manage(
  pf: PfAddress,
  vfIndex: number,
  context: StepContext,
  change: (controllerId: number) => NvmeManagement,
): Promise<StepOutcome | undefined> {
  const controller = await nvmeController(context, pf);
  if (isUnread(controller)) return notReadable(controller);
  const secondary = await secondaryOf(pf, vfIndex, context);
  if (isUnread(secondary)) return notReadable(secondary);
  const wanted = change(secondary.controllerId);
  const answer = await answerOf(context.kernel.nvme.manage(controller, wanted, writeWaiting(context)), context);
  if (isUnanswered(answer)) return answer;
  if (answer.kind === "failed") return refused(answer);
  if (answer.kind === "done") return undefined;
  const value = JSON.stringify(wanted);
  const status = `status 0x${answer.status.toString(16)}`;
  return fail("VFL-0336", `${controller}: ${value} was refused: ${answer.reason} (${status})`, {
    target: controller,
    value,
  });
}

/** The VF's: numbers of VFs begin with 1 there. */
async function secondaryOf(pf: PfAddress, vfIndex: number, context: StepContext): Promise<Observed<NvmeSecondary>> {
  const controller = await nvmeController(context, pf);
  if (isUnread(controller)) return controller;
  const list = await context.kernel.nvme.secondaryControllers(controller);
  if (isUnread(list)) return list;
  if ("status" in list) return unread(controller, "EIO", list.reason);
  const found = list.find(({ vfNumber }) => vfNumber === vfIndex + 1);
  return found ?? unread(controller, "ENOENT", `it has no secondary controller of VF ${vfIndex}`);
}
