import { VfleetError } from "../../errors/vfleet-error.ts";
import type { OperationPf } from "../../host/apply/operation.ts";
import { atPlaces, findPfs } from "../../host/apply/recorded-pfs.ts";
import type { Refusal } from "../../host/plan/plan.ts";
import { type HostSetting, operationSetting } from "../host-setting.ts";
import type { RequestOf } from "./change-request.ts";
import type { Draft, Look } from "./planned-change.ts";

/**
 * Back to what was there before an operation, as a change like any other: it is refused where somebody uses by now what would go.
 * @throws VfleetError VFL-0504 where there is no such operation, VFL-0512 where nothing of it is left to take back
 */
export async function planUndo(
  host: HostSetting,
  { operation: number }: RequestOf<"undo">,
  look: Look,
): Promise<Draft> {
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
  const state = host.planning.stateOf(await look());
  const places = findPfs(operation.pfs, state);
  const plan = await host.planning.plan(state, atPlaces(operation.before, places));
  const gone = operation.pfs.filter(({ bdf }) => !places.has(bdf)).map(goneRefusal);
  return {
    host,
    state,
    plan: { ...plan, refusals: [...plan.refusals, ...gone] },
    title: `operation ${number}: ${operation.kind} ${operation.title}`,
  };
}

/** All of an operation is taken back, or nothing. */
function goneRefusal({ bdf, key, device }: OperationPf): Refusal {
  return {
    code: "VFL-0311",
    pf: bdf,
    summary: `the PF that was ${bdf} is not there any more`,
    evidence: [{ fact: `it is known by its ${key}${device === undefined ? "" : `, as a device ${device}`}` }],
    remedy: "put it back or bring its driver and slot up again, then undo the operation",
  };
}
