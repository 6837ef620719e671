import { isRefused, isSettled, type Plan } from "../plan/plan.ts";
import { duration, plural } from "./amounts.ts";

/** What comes of a plan, in one line. */
export function planWords(plan: Plan): string {
  if (isRefused(plan)) return "refused: nothing was changed";
  if (isSettled(plan)) return plan.pfs.length === 0 ? "nothing is wanted" : "nothing to do: all is as wished";
  const pfs = plan.pfs.filter(({ steps }) => steps.length > 0);
  const steps = pfs.reduce((sum, pf) => sum + pf.steps.length, 0);
  // PFs are changed side by side.
  const time = duration(Math.max(...pfs.map(({ expectedMs }) => expectedMs)));
  return `${plural(steps, "step")} on ${plural(pfs.length, "PF")}, about ${time}`;
}
