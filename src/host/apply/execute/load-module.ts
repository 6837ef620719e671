import { isUnread } from "../../../kernel/port.ts";
import { isAbsent } from "../../observe.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { BEFORE, done, type Executor, UNREADABLE } from "../step-outcome.ts";

export const LOAD_MODULE: Executor<"loadModule"> = {
  async run({ module }, context) {
    const failed = await notDone(context.kernel.loadModule(module, writeWaiting(context)), context);
    return failed ?? done(`${module} is loaded`);
  },

  async look({ module }, { kernel }) {
    const folder = await kernel.list(`/sys/module/${module.replaceAll("-", "_")}`);
    if (!isUnread(folder)) return { kind: "after", evidence: `${module} is loaded` };
    return isAbsent(folder) ? BEFORE : UNREADABLE;
  },
};
