import { api } from "../api/session.ts";
import type { ChangeRequest } from "./change-request.ts";
import type { PlanAnswer } from "./plan-answer.ts";

/**
 * What would be done: a plan as the server made it. Nothing is written.
 * @throws ApiProblem of a request that is wrong; a plan that is refused is an answer
 */
export async function askForPlan(host: string, request: ChangeRequest, signal?: AbortSignal): Promise<PlanAnswer> {
  const answer = await api.ask("POST /hosts/{host}/plans", { path: { host }, body: request }, signal);
  // The API's description leaves open what is in a plan; it is what `vfleet plan --json` has.
  return answer as unknown as PlanAnswer;
}
