import { ApiProblem } from "../../../src/client/api-problem.ts";

/**
 * What an error says of a plan that was to be done. Where nobody answered, or the server failed at it, it may have been begun; a request
 * too many at once leaves the plan as it was; whatever else is refused was not done, and its plan is gone.
 */
export function applyOutcome(error: unknown): "turned down" | "not known" | "too early" {
  if (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 500) return "not known";
  return error.status === 429 ? "too early" : "turned down";
}
