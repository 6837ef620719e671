import { askGuests } from "../../host/plan/ask-guests.ts";
import { type HostSetting, observeAll } from "../host-setting.ts";
import type { ChangeRequest } from "./change-request.ts";
import { planApply } from "./plan-apply.ts";
import { planAttach, planDetach } from "./plan-attach.ts";
import { type MoveOptions, planMigration } from "./plan-migration.ts";
import { planRelease } from "./plan-release.ts";
import { planBind, planSet, planVfReset } from "./plan-settings.ts";
import { planUndo } from "./plan-undo.ts";
import { type Draft, keepingOf, type Look, type PlannedChange } from "./planned-change.ts";

/** What only somebody at the host itself may name: files of it. */
export interface LocalOptions extends MoveOptions {
  /** Has the UUID that the PF's user has set. */
  readonly vfTokenFile?: string;
}

/**
 * The plan of a change. Writes nothing.
 * @param look gives what was read of the host already
 * @throws VfleetError of a request that is wrong; a plan that is refused is an answer
 */
export async function planChange(
  host: HostSetting,
  request: ChangeRequest,
  look: Look = () => observeAll(host),
  local: LocalOptions = {},
): Promise<PlannedChange> {
  const draft = await draftOf(host, request, look, local);
  return {
    kind: request.kind,
    keeping: keepingOf(host),
    ended: [],
    keeps: [],
    migration: null,
    ...draft,
    plan: await askGuests(draft.plan, draft.state, host.guests),
  };
}

async function draftOf(host: HostSetting, request: ChangeRequest, look: Look, local: LocalOptions): Promise<Draft> {
  switch (request.kind) {
    case "apply":
      return planApply(host, request, look);
    case "undo":
      return planUndo(host, request, look);
    case "set":
      return planSet(host, request, look);
    case "bind":
      return planBind(host, request, look);
    case "reset":
      return planVfReset(host, request, look);
    case "attach":
      return planAttach(host, request, look, local.vfTokenFile);
    case "detach":
      return planDetach(host, request, look);
    case "release":
      return planRelease(host, request, look);
    case "migrate":
      return planMigration(host, request, look, local);
  }
}
