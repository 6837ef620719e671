import { isUnread, type Observed } from "../../../kernel/port.ts";
import type { LinkChange } from "../../../kernel/port-link.ts";
import { readNumber, readText } from "../../observe.ts";
import type { StepOf } from "../../plan/step.ts";
import { pfNetdev } from "../find-devices.ts";
import { answerOf, isUnanswered, writeWaiting } from "../kernel-write.ts";
import { poll } from "../patience.ts";
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

const IFF_UP = 1;

export const SET_PF_UP: Executor<"setPfUp"> = {
  async run(step, context) {
    const failed = await setLink(step, { up: step.to }, context);
    if (failed) return failed;
    const up = await isUp(step, context);
    if (isUnread(up)) return notReadable(up);
    if (up !== step.to) return fail("VFL-0310", `${step.netdev} is ${upText(up)} after it was set ${upText(step.to)}`);
    if (!step.awaitCarrier) return done(`the interface is ${upText(up)}`);
    const ask = () => hasCarrier(step, context);
    const carrier = await poll(context, context.patience.appearMs, ask, Boolean);
    if (carrier) return done("the interface is up, and has its link");
    return fail("VFL-0303", `${step.netdev} of ${step.pf} is up and has no link, which the next steps need`, {
      remedy: "connect the port, or leave out the settings that need its link (rates)",
    });
  },

  async look(step, context) {
    const up = await isUp(step, context);
    if (isUnread(up)) return UNREADABLE;
    if (up !== step.to) return BEFORE;
    if (step.awaitCarrier && !(await hasCarrier(step, context))) return BEFORE;
    return { kind: "after", evidence: `the interface is ${upText(up)}` };
  },
};

export const SET_PF_MTU: Executor<"setPfMtu"> = {
  async run(step, context) {
    const failed = await setLink(step, { mtu: step.to }, context);
    if (failed) return failed;
    const shown = await mtuOf(step, context);
    if (isUnread(shown)) return notReadable(shown);
    if (shown === step.to) return done(`the MTU reads ${shown}`);
    return fail("VFL-0310", `the MTU of ${step.netdev} reads ${shown} after ${step.to} was set`);
  },

  async look(step, context) {
    const shown = await mtuOf(step, context);
    if (isUnread(shown)) return UNREADABLE;
    if (shown === step.to) return { kind: "after", evidence: `the MTU reads ${shown}` };
    return shown === step.from ? BEFORE : { kind: "other", evidence: `the MTU reads ${shown}` };
  },
};

type LinkStep = StepOf<"setPfUp"> | StepOf<"setPfMtu">;

/** Sets it; the name may change between the look and the call, so a name that is gone is looked up once more. */
async function setLink(step: LinkStep, change: LinkChange, context: StepContext): Promise<StepOutcome | undefined> {
  for (let again = true; ; again = false) {
    const netdev = await pfNetdev(context, step.pf, step.netdev);
    if (isUnread(netdev)) return notReadable(netdev);
    const answer = await answerOf(context.kernel.setLink(netdev, change, writeWaiting(context)), context);
    if (isUnanswered(answer)) return answer;
    if (answer.kind === "done") return undefined;
    const renamed = again && (await pfNetdev(context, step.pf, step.netdev)) !== netdev;
    if (!renamed) return refused(answer);
  }
}

async function isUp(step: LinkStep, context: StepContext): Promise<Observed<boolean>> {
  const path = await attribute(step, context, "flags");
  if (isUnread(path)) return path;
  const flags = await readNumber(context.kernel, path);
  return isUnread(flags) ? flags : (flags & IFF_UP) !== 0;
}

async function hasCarrier(step: LinkStep, context: StepContext): Promise<boolean> {
  const path = await attribute(step, context, "carrier");
  return !isUnread(path) && (await readText(context.kernel, path)) === "1";
}

async function mtuOf(step: LinkStep, context: StepContext): Promise<Observed<number>> {
  const path = await attribute(step, context, "mtu");
  return isUnread(path) ? path : readNumber(context.kernel, path);
}

async function attribute(step: LinkStep, context: StepContext, name: string): Promise<Observed<string>> {
  const netdev = await pfNetdev(context, step.pf, step.netdev);
  if (isUnread(netdev)) return netdev;
  return `/sys/class/net/${netdev}/${name}`;
}

function upText(up: boolean): string {
  return up ? "up" : "down";
}
