import { isUnread } from "../../../kernel/port.ts";
import { isAbsent } from "../../observe.ts";
import { answerOf, isUnanswered, writeWaiting } from "../kernel-write.ts";
import { BEFORE, done, type Executor, refused, UNREADABLE } from "../step-outcome.ts";

export const LOAD_MODULE: Executor<"loadModule"> = {
  async run({ module }, context) {
    const answer = await answerOf(context.kernel.loadModule(module, writeWaiting(context)), context);
    if (isUnanswered(answer)) return { kind: "pending", failure: answer.failure };
    return answer.kind === "failed" ? refused(answer) : done(`${module} is loaded`);
  },

  async look({ module }, { kernel }) {
    const folder = await kernel.list(`/sys/module/${module.replaceAll("-", "_")}`);
    if (!isUnread(folder)) return { kind: "after", evidence: `${module} is loaded` };
    return isAbsent(folder) ? BEFORE : UNREADABLE;
  },
};
