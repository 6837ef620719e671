import { isUnread } from "../../../kernel/port.ts";
import { devlinkHandle } from "../../pf-address.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { BEFORE, done, type Executor, fail, notReadable, UNREADABLE } from "../step-outcome.ts";

export const SET_ESWITCH_MODE: Executor<"setEswitchMode"> = {
  async run({ pf, to }, context) {
    const device = devlinkHandle(pf);
    const { devlink } = context.kernel;
    const failed = await notDone(devlink.setEswitch(device, { mode: to }, writeWaiting(context)), context);
    if (failed) return failed;
    const shown = await devlink.eswitch(device);
    if (isUnread(shown)) return notReadable(shown);
    if (shown.mode === to) return done(`the eSwitch of ${device} is in mode ${to}`);
    return fail("VFL-0310", `the eSwitch of ${device} is in mode ${shown.mode} after ${to} was set`, {
      target: device,
    });
  },

  async look({ pf, from, to }, { kernel }) {
    const shown = await kernel.devlink.eswitch(devlinkHandle(pf));
    if (isUnread(shown) || shown.mode === null) return UNREADABLE;
    if (shown.mode === to) return { kind: "after", evidence: `the eSwitch is in mode ${to}` };
    return shown.mode === from ? BEFORE : { kind: "other", evidence: `the eSwitch is in mode ${shown.mode}` };
  },
};
