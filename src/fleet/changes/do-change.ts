import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { type ApplyRequest, applyPlan, type OperationSetting } from "../../host/apply/apply-plan.ts";
import { DESIRED, type Operation } from "../../host/apply/operation.ts";
import { leftOf } from "../../host/apply/planning.ts";
import { runMigration } from "../../host/migrate/run-migration.ts";
import { modelFile } from "../../kernel/model/remote/state-folder.ts";
import { makeMoveFolder } from "../../state/move-folder.ts";
import { type HostSetting, operationSetting } from "../host-setting.ts";
import { changeVerdict, moved, type PlannedChange, type PlannedMigration } from "./planned-change.ts";

/** Without what the plan was made from, which is large: the host is looked at anew. */
export type ChangeToDo = Omit<PlannedChange, "state">;

/** How somebody follows it, and ends it. */
export type Doing = Pick<ApplyRequest, "onEvent" | "signal" | "abandon">;

/**
 * Does a change as it was planned, or not at all.
 * @returns undefined where nothing had to be done on the host, and what is desired was written down
 * @throws VfleetError the plan's first refusal, VFL-0306, VFL-0307, VFL-0308 where the host has changed since the plan
 */
export async function doChange(change: ChangeToDo, doing: Doing = {}): Promise<Operation | undefined> {
  const { host, plan, kind, title, replan, keeping, migration } = change;
  if (migration !== null) return moveGuest(change, migration, doing);
  const setting = operationSetting(host);
  if (changeVerdict(change) !== "settled") {
    return applyPlan({ ...setting, ...doing, plan, kind, title, keeping, ...(replan && { replan }) });
  }
  await keepAsIs(change, setting);
  return undefined;
}

/**
 * What is kept says of the host that it is so: that is looked at as for any other plan, while nobody else can change it. Where nothing
 * is kept, nothing is held up by looking.
 */
async function keepAsIs({ plan, replan, keeping }: ChangeToDo, { locks, planning }: OperationSetting): Promise<void> {
  const { release } = await locks.acquire(keeping.keep ? [...plan.desired.map(({ pf }) => pf), DESIRED] : []);
  try {
    await keeping.check();
    const state = await planning.observe();
    const left = leftOf(await (replan?.(state) ?? planning.plan(state, plan.desired)));
    if (left !== undefined) throw moved(left);
    await keeping.keep?.();
  } finally {
    release();
  }
}

async function moveGuest(
  { host, title, keeping }: ChangeToDo,
  { port, wish, verdict, timeoutMs }: PlannedMigration,
  { signal = new AbortController().signal, onEvent }: Doing,
): Promise<Operation> {
  const { checks, move } = verdict;
  if (move === null) {
    const refused = checks.find(({ result }) => result === "refused");
    throw new VfleetError("VFL-0412", refused && { message: refused.summary, remedy: refused.remedy });
  }
  await keeping.check();
  const { uri, remove } = placeFor(host, wish.uri);
  try {
    return await runMigration({
      ...operationSetting(host),
      port,
      move: { ...move, uri },
      again: (state) => port.verdict({ ...wish, uri }, state),
      title,
      probe: wish.probe,
      timeoutMs,
      signal,
      ...(onEvent && { onEvent }),
    });
  } finally {
    remove();
  }
}

/** A socket in a folder of its own, unless another place is named. Machines of the model need none. */
function placeFor(
  { kernel, folders }: HostSetting,
  uri: string,
): { readonly uri: string; readonly remove: () => void } {
  if (uri !== "" || modelFile(kernel.source.name) !== undefined) return { uri, remove: () => {} };
  const folder = makeMoveFolder(join(dirname(folders.locks), "moves"));
  return { uri: `unix:${join(folder, "socket")}`, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
